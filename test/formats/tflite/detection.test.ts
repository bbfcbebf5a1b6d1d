/** Detectors of TensorFlow Lite: the post-processing operator becomes data beside the network. */
import { readFile } from 'node:fs/promises';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { decodeBoxes } from '../../../src/detection/boxes.js';
import { suppress } from '../../../src/detection/suppression.js';
import { readNetwork, writeNetwork } from '../../../src/formats/index.js';
import { FlatFile } from '../../../src/formats/tflite/flatbuffer.js';
import { readModel } from '../../../src/formats/tflite/model.js';
import { importQuantizedTflite } from '../../../src/formats/tflite/read.js';
import { ssd } from '../../../src/models/index.js';
import { ssdAnchors } from '../../../src/network/anchors.js';
import { inferShapes, randomWeights } from '../../../src/network/index.js';
import { runQuantized, typedInputs } from '../../../src/network/run-quantized.js';
import { loadLitert } from '../../../src/oracle/peers/litert-runtime.js';
import { calibrate, quantizeNetwork } from '../../../src/quantization/index.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { randomInput } from '../../agreement/lifelike.js';
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

describe('written with integers', () => {
  const SIDE = 64;
  const quantised = async () => {
    const network = randomWeights(
      ssd({ backbone: 'v1', alpha: 0.25, resolution: SIDE, classes: 3, heads: 'pointwise' }),
      1,
    );
    const picture = randomInput([1, SIDE, SIDE, 3], 3);
    return { network: quantizeNetwork(await calibrate(network, [picture])), picture };
  };

  test('the operator stands behind real numbers, and comes back as it was', async () => {
    const { network } = await quantised();
    const bytes = await writeNetwork(network, 'tflite');
    const { operators, outputs } = readModel(new FlatFile(new ByteBuffer(bytes), 'written'));
    const last = operators.at(-1)!;
    expect(last.code).toBe('custom operator TFLite_Detection_PostProcess');
    expect(last.inputs.map((input) => input!.type)).toEqual(['FLOAT32', 'FLOAT32', 'FLOAT32']);
    expect(operators.filter(({ code }) => code === 'DEQUANTIZE')).toHaveLength(2);
    expect(outputs).toHaveLength(4);
    const again = await importQuantizedTflite(bytes);
    expect(again.network.nodes.filter(({ kind }) => kind === 'dequantize')).toEqual([]);
    expect(again.network.conventions.detection!.suppression).toEqual(network.conventions.detection!.suppression);
  });

  test('LiteRT finds the boxes that are found here', async () => {
    const { network, picture } = await quantised();
    const [bytes] = typedInputs(network, picture).values();
    const model = await loadLitert(await writeNetwork(network, 'tflite'));
    const [boxes, classes, scores, [count]] = (await model.run([bytes.data as Uint8Array])).map(({ data }) =>
      Array.from(data as Float32Array),
    );
    model.delete();
    const { detection } = network.conventions;
    const found = runQuantized(network, picture);
    const [codes, probabilities] = [detection!.codes, detection!.scores].map((name) => found.get(name) as Tensor);
    const anchors = tensor([detection!.anchors.length / 4, 4], Float32Array.from(detection!.anchors));
    const { suppression, scales, background } = detection!;
    const kept = suppress(decodeBoxes(codes, anchors, scales), probabilities, background, {
      ...suppression,
      atThreshold: 'kept',
      clip: false,
    });
    expect(count).toBeGreaterThan(0);
    expect(kept).toHaveLength(count);
    for (const [at, { box, classIndex, score }] of kept.entries()) {
      expect([classIndex, score]).toEqual([classes[at], expect.closeTo(scores[at], 5)]);
      for (const [k, side] of box.entries()) expect(side).toBeCloseTo(boxes[4 * at + k], 4);
    }
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
