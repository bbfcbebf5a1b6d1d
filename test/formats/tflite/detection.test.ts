/** Detectors of TensorFlow Lite: the post-processing operator becomes data beside the network. */
import { readFile } from 'node:fs/promises';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { readNetwork, writeNetwork } from '../../../src/formats/index.js';
import { FlatFile } from '../../../src/formats/tflite/flatbuffer.js';
import { readModel } from '../../../src/formats/tflite/model.js';
import { ssd } from '../../../src/models/index.js';
import { ssdAnchors } from '../../../src/network/anchors.js';
import { inferShapes, randomWeights } from '../../../src/network/index.js';
import { dataPath, noData } from '../../data.js';

const read = async (name: string) => readNetwork(await readFile(dataPath('models', name)));

describe('written', () => {
  test('the operator comes back as it was, behind the same network', async () => {
    const network = randomWeights(
      ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 3, heads: 'pointwise' }),
      1,
    );
    const suppression = {
      kind: 'class-agnostic',
      scoreThreshold: 0.25,
      iouThreshold: 0.5,
      maxPerClass: 7,
      maxResults: 5,
      classesPerBox: 2,
    } as const;
    const detection = { ...network.conventions.detection!, suppression };
    const bytes = await writeNetwork({ ...network, conventions: { ...network.conventions, detection } }, 'tflite');
    const model = readModel(new FlatFile(new ByteBuffer(bytes), 'written'));
    expect(model.outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['detection_boxes', [1, 10, 4]],
      ['detection_classes', [1, 10]],
      ['detection_scores', [1, 10]],
      ['num_detections', [1]],
    ]);
    const again = await readNetwork(bytes);
    expect(again.outputs).toEqual([detection.codes, detection.scores]);
    expect(again.conventions.detection).toMatchObject({ suppression, scales: detection.scales, background: 'slot 0' });
    again.conventions.detection!.anchors.forEach((n, i) => {
      expect(n).toBeCloseTo(detection.anchors[i], 6);
    });
  });
});

describe.skipIf(noData)('published detectors (needs DEPTHWISE_DATA)', () => {
  test.each([
    ['ssd_mobilenet_v1_0.75_300_coco_quant.tflite', 300, 1917, 91, 'slot 0', 10, 0.006453060545027256],
    ['mobile_object_localizer_v1_192_quant.tflite', 192, 738, 1, 'none', 100, 0.006453060545027256],
  ] as const)('%s', async (name, side, count, slots, background, maxResults, anchorScale) => {
    const network = await read(name);
    const shapes = inferShapes(network);
    const { detection, preprocessing, output } = network.conventions;
    if (detection === undefined) throw new Error('no detection');
    expect(network.outputs).toEqual([detection.codes, detection.scores]);
    expect(shapes.get(detection.codes)).toEqual([1, count, 4]);
    expect(shapes.get(detection.scores)).toEqual([1, count, slots]);
    expect([output, preprocessing?.crop, preprocessing?.resize]).toEqual([
      'features',
      { kind: 'stretch' },
      'half-pixel',
    ]);
    expect(detection).toMatchObject({ background, scales: [10, 10, 5, 5] });
    expect(detection.suppression).toMatchObject({
      kind: 'class-agnostic',
      maxPerClass: 100,
      maxResults,
      classesPerBox: 1,
    });
    expect(detection.suppression.iouThreshold).toBeCloseTo(0.6, 6);
    expect(detection.suppression.scoreThreshold).toBeCloseTo(1e-8, 12);
    const steps = (numbers: ArrayLike<number>) =>
      Array.from(numbers, (number) => Math.min(255, Math.max(0, Math.round(number / anchorScale))));
    expect(steps(detection.anchors)).toEqual(steps(ssdAnchors([side, side]).data));
  });

  test('travels with the network', async () => {
    const network = await read('mobile_object_localizer_v1_192_quant.tflite');
    const again = await readNetwork(await writeNetwork(network, 'safetensors'));
    expect(again.conventions).toEqual(network.conventions);
  });
});
