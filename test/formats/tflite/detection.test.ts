/** Detectors of TensorFlow Lite: the post-processing operator becomes data beside the network. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ssdAnchors } from '../../../src/detection/index.js';
import { readNetwork, writeNetwork } from '../../../src/formats/index.js';
import { inferShapes } from '../../../src/network/index.js';
import { dataPath, noData } from '../../data.js';

const read = async (name: string) => readNetwork(await readFile(dataPath('models', name)));

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
