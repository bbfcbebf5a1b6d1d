/** Detectors and segmenters, whose files stand in DEPTHWISE_DATA: frames a second, as a table. */
import { quantile } from '../../peers/src/statistics.js';
import type { PlacesRow, PlacesTimes } from './places-page.js';

const SSD = 'ssd_mobilenet_v1_0.75_300_coco_quant.tflite';
const LOCALIZER = 'mobile_object_localizer_v1_192_quant.tflite';
const DEEPLAB = 'deeplabv3_mnv2_dm05_pascal_quant.tflite';

export const PLACES: readonly PlacesRow[] = [
  { file: SSD, task: 'detect' },
  { file: SSD, task: 'detect', asRealNumbers: true },
  { file: LOCALIZER, task: 'detect' },
  { file: LOCALIZER, task: 'detect', asRealNumbers: true },
  { file: DEEPLAB, task: 'segment' },
  { file: 'deeplabv3_mnv2_dm05_257_os8_float.tflite', task: 'segment' },
];

/** `measure` asks a page. */
export async function placesTable(
  measure: (row: PlacesRow, inWorker: boolean) => Promise<PlacesTimes>,
): Promise<string> {
  const lines = [
    '| file | where | frames a second | ms, best tenth | ms, median |',
    '| --- | --- | ---: | ---: | ---: |',
  ];
  for (const row of PLACES) {
    for (const inWorker of [false, true]) {
      const { framesASecond, frames } = await measure(row, inWorker);
      const file = `${row.file}${row.asRealNumbers ? ', real numbers' : ''}`;
      const times = [0.1, 0.5].map((part) => quantile(frames, part).toFixed(1));
      lines.push(`| ${[file, inWorker ? 'worker' : 'main thread', framesASecond.toFixed(1), ...times].join(' | ')} |`);
    }
  }
  return lines.join('\n');
}
