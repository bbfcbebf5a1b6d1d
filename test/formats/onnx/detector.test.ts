/**
 * Detectors with their decoding and suppression as operators, as exporters write them: read up to their heads, with what stands behind as data.
 * The files are written here; what they answer is onnxruntime's word.
 */
import { describe, expect, test } from 'vitest';
import { detections } from '../../../src/detection/detections.js';
import { FormatError } from '../../../src/errors.js';
import { onnx } from '../../../src/formats/readers/onnx.js';
import { SSD_SUPPRESSION } from '../../../src/network/anchors.js';
import { type Network, run } from '../../../src/network/index.js';
import { sizeOf, type Tensor, tensor } from '../../../src/tensor.js';
import { signed } from '../../network/helpers.js';
import { noOnnxruntime, runOnnxruntime } from '../../peers/onnxruntime.js';
import { type NodeSpec, onnxFile } from './builder.js';
import {
  ANCHORS,
  COUNT,
  Graph,
  heads,
  likeClassAgnostic,
  likeTensorflow,
  likeTorchvision,
  likeTracedTorchvision,
  likeYolo,
  likeZoo,
  withoutSuppression,
} from './detectors.js';

const picture = signed([1, 3, 4, 8], 9);
const nhwc = tensor(
  [1, 4, 8, 3],
  Float32Array.from({ length: sizeOf(picture.shape) }, (_, i) => picture.data[(i % 3) * 32 + Math.floor(i / 3)]),
);

const read = async (write: (graph: Graph) => string[]) => {
  const graph = new Graph();
  const outputs = write(graph);
  const file = graph.file(outputs);
  return { file, outputs, network: await onnx.read(file, { fileName: 'd.onnx' }) };
};

const found = (network: Network, input: Tensor) => {
  const blank = { width: 8, height: 4, channels: 3 as const, data: new Uint8Array(96) };
  const preprocessing = {
    crop: { kind: 'stretch' as const },
    resize: 'half-pixel' as const,
    size: [4, 8] as const,
    channels: 'rgb' as const,
    scale: 1,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  };
  return detections(network, run(network, input), { picture: blank, preprocessing }, { nms: 'as-file' });
};

describe('detectors with suppression as operators', () => {
  test.each([
    ['TensorFlow', likeTensorflow, { iouThreshold: 0.6, scoreThreshold: 0.55, maxPerClass: 6, maxResults: 12 }],
    ['torchvision', likeTorchvision, { iouThreshold: 0.5, scoreThreshold: 0.4, maxPerClass: COUNT, maxResults: 80 }],
  ])("%s's: anchors, scales and limits are data of the network", async (_, write, limits) => {
    const { network } = await read(write);
    const { detection } = network.conventions;
    expect(detection).toMatchObject({
      codes: network.outputs[0],
      scores: network.outputs[1],
      background: 'slot 0',
      scales: [10, 10, 5, 5],
    });
    expect(detection!.suppression).toMatchObject({ kind: 'per-class', classesPerBox: 1 });
    for (const [name, value] of Object.entries(limits))
      expect([name, detection!.suppression[name as never]]).toEqual([name, expect.closeTo(value, 6)]);
    const wanted = ANCHORS.flat();
    expect(detection!.anchors).toHaveLength(wanted.length);
    for (const [at, anchor] of detection!.anchors.entries()) expect(anchor).toBeCloseTo(wanted[at], 6);
  });

  test('without suppression in the file: the usual one; scores that are all given have no background', async () => {
    const { detection } = (await read(withoutSuppression)).network.conventions;
    expect(detection).toMatchObject({ background: 'none', scales: [8, 8, 4, 4], suppression: SSD_SUPPRESSION });
    for (const [at, anchor] of detection!.anchors.entries()) expect(anchor).toBeCloseTo(ANCHORS.flat()[at], 6);
  });

  test('one suppression of the best scores is one among all classes', async () => {
    const { detection } = (await read(likeClassAgnostic)).network.conventions;
    expect(detection!.background).toBe('slot 0');
    expect(detection!.suppression).toMatchObject({ kind: 'class-agnostic', maxResults: 9 });
    expect(detection!.suppression.iouThreshold).toBeCloseTo(0.45, 6);
  });

  test.skipIf(noOnnxruntime).each([
    ['TensorFlow', likeTensorflow, [8, 4, 8, 4], false],
    ['torchvision', likeTorchvision, [1, 1, 1, 1], true],
  ] as const)("%s's: the boxes that onnxruntime keeps (needs bench/peers)", async (_, write, units, xFirst) => {
    const { file, outputs, network } = await read(write);
    const answers = await runOnnxruntime(file, { image: picture });
    const [boxes, scores, kept] = outputs.map((name) => answers.get(name)!);
    const wanted = Array.from({ length: kept.shape[0] }, (_, at) => {
      const [, classIndex, box] = kept.data.subarray(3 * at, 3 * at + 3);
      const corners = boxes.data.subarray(4 * box, 4 * box + 4);
      const [y1, x1, y2, x2] = xFirst ? [1, 0, 3, 2].map((k) => corners[k]) : corners;
      const [sx, sy] = units;
      return {
        classIndex,
        score: scores.data[classIndex * COUNT + box],
        x: x1 * sx,
        y: y1 * sy,
        width: (x2 - x1) * sx,
        height: (y2 - y1) * sy,
      };
    }).sort((a, b) => b.score - a.score);
    const answered = found(network, nhwc);
    expect(wanted.length).toBeGreaterThan(4);
    expect(answered).toHaveLength(wanted.length);
    for (const [at, { classIndex, score, box }] of answered.entries()) {
      for (const [name, value] of Object.entries({ classIndex, score, ...box }))
        expect([name, value]).toEqual([name, expect.closeTo(wanted[at][name as 'x'], 4)]);
    }
  });

  const traced = () => {
    const graph = new Graph();
    const outputs = likeTracedTorchvision(graph);
    return { file: graph.tracedFile(outputs), outputs };
  };

  test("traced from torchvision: classes are moved apart, not compared; the file's first 300", async () => {
    const { detection } = (await onnx.read(traced().file, {})).conventions;
    expect(detection).toMatchObject({ background: 'slot 0', scales: [10, 10, 5, 5] });
    const { iouThreshold, scoreThreshold, ...rest } = detection!.suppression;
    expect([iouThreshold, scoreThreshold]).toEqual([0.55, 0.4].map(Math.fround));
    expect(rest).toEqual({ kind: 'per-class', maxPerClass: COUNT, maxResults: 300, classesPerBox: 1 });
  });

  test.skipIf(noOnnxruntime)(
    'traced from torchvision: the boxes that onnxruntime keeps (needs bench/peers)',
    async () => {
      const { file, outputs } = traced();
      const answers = await runOnnxruntime(file, { image: picture });
      const [boxes, scores, labels] = outputs.map((name) => answers.get(name)!.data);
      const answered = found(await onnx.read(file, {}), nhwc);
      expect(answered.length).toBeGreaterThan(20);
      expect(answered).toHaveLength(scores.length);
      for (const [at, { classIndex, score, box }] of answered.entries()) {
        const [x1, y1, x2, y2] = boxes.subarray(4 * at, 4 * at + 4);
        expect([classIndex + 1, score]).toEqual([labels[at], expect.closeTo(scores[at], 4)]);
        const sides = [box.x, box.y, box.width, box.height];
        expect(sides).toEqual([x1, y1, x2 - x1, y2 - y1].map((side) => expect.closeTo(side, 4)));
      }
    },
  );

  test('from the zoo: loops over pictures, which read from outside what they resize and suppress', async () => {
    const graph = new Graph();
    const outputs = likeZoo(graph);
    const file = graph.tracedFile(outputs, [-1, -1, -1, 3], 'UINT8');
    await expect(onnx.read(file, { fileName: 'd.onnx' })).rejects.toThrow(
      new FormatError("d.onnx: input 'image': its shape is [?, ?, ?, 3]; say the resolution, [height, width]"),
    );
    const { conventions, inputs, ...network } = await onnx.read(file, { fileName: 'd.onnx', resolution: [4, 8] });
    expect(inputs[0].shape).toEqual([1, 4, 8, 3]);
    expect(conventions.preprocessing).toMatchObject({ size: [4, 8], scale: 1, mean: [0, 0, 0] });
    expect(conventions.detection).toMatchObject({ background: 'slot 0', scales: [10, 10, 5, 5] });
    expect(conventions.detection!.suppression).toEqual(SSD_SUPPRESSION);
    for (const [at, anchor] of conventions.detection!.anchors.entries())
      expect(anchor).toBeCloseTo(ANCHORS.flat()[at], 6);
    const plain = await read(likeTensorflow);
    const bytes = tensor(
      [1, 4, 8, 3],
      Float32Array.from({ length: 96 }, (_, at) => (at * 37) % 256),
    );
    const scaled = tensor(
      [1, 4, 8, 3],
      Float32Array.from(bytes.data, (byte) => byte / 127.5 - 1),
    );
    const wanted = [...run(plain.network, scaled).values()];
    const answers = [...run({ ...network, conventions, inputs }, bytes).values()];
    for (const [k, { data }] of wanted.entries())
      for (const [at, value] of data.entries()) expect(answers[k].data[at]).toBeCloseTo(value, 4);
  });

  test('a loop that computes is refused, and so are graphs within graphs within graphs', async () => {
    const within = (depth: number): NodeSpec => ({
      op: 'If',
      inputs: ['image'],
      outputs: ['y'],
      attributes: depth === 0 ? {} : { then_branch: { graph: [within(depth - 1)] } },
    });
    const file = (node: NodeSpec) => onnxFile({ inputs: { image: [1, 4, 8, 3] }, outputs: ['y'], nodes: [node] });
    const body = ['Resize', 'Conv'].map((op) => ({ op, inputs: ['image'], outputs: [op] }));
    const loop = { op: 'Loop', inputs: [], outputs: ['y'], attributes: { body: { graph: body } } };
    await expect(onnx.read(file(loop), { fileName: 'd.onnx' })).rejects.toThrow(
      /^d\.onnx: node 0 \(Loop, for 'y'\): the operator is not supported; .*; to read the network without it, name earlier outputs, such as 'image'$/,
    );
    await expect(onnx.read(file(within(9)), { fileName: 'd.onnx' })).rejects.toThrow(
      new FormatError("d.onnx: node 0 (If, for 'y'): has more than 8 graphs within one another"),
    );
  });

  test('a tail that is no SSD is refused, with the names of the heads', async () => {
    await expect(read(likeYolo)).rejects.toThrow(
      /^d\.onnx: node 19 \(Exp 'exp_19', for 'exp_19'\): the boxes before it are not decoded as those of SSD are; to read the network without it, name earlier outputs, such as 'concat_7', 'sigmoid_21'$/,
    );
  });

  test.each<[string, (graph: Graph) => string[], string]>([
    [
      'one slot of three',
      (graph) => {
        const [boxes, scores] = withoutSuppression(graph);
        return [boxes, graph.columns(scores, 0, 1)];
      },
      'of 3 scores of a box it takes 1',
    ],
    [
      'scores of one map',
      (graph) => {
        const [boxes] = withoutSuppression(graph);
        const conv = graph.add('Conv', ['image', graph.constant(signed([3, 3, 1, 1], 8))]);
        const last = graph.add('Transpose', [conv], { perm: [0, 2, 3, 1] });
        return [boxes, graph.add('Sigmoid', [graph.add('Reshape', [last, graph.constant([1, -1, 3])])])];
      },
      `wanted codes [1, N, 4] and scores [1, N, slots] before it, found [1,${COUNT},4] and [1,32,3]`,
    ],
  ])('%s', async (_, write, message) => {
    const graph = new Graph();
    const outputs = write(graph);
    const at = graph.nodes.findIndex(({ op }) => op === 'Exp');
    const scores = graph.nodes.findLast(({ op }) => op === 'Sigmoid')!;
    const way = `to read the network without it, name earlier outputs, such as 'concat_7', '${scores.output}'`;
    const where = `d.onnx: node ${at} (Exp 'exp_${at}', for 'exp_${at}')`;
    await expect(onnx.read(graph.file(outputs), { fileName: 'd.onnx' })).rejects.toThrow(
      new FormatError(`${where}: ${message}; ${way}`),
    );
  });

  test.each([
    ['TensorFlow', likeTensorflow, [0, 1, 2, 3]],
    ['torchvision', likeTorchvision, [1, 0, 3, 2]],
  ])("%s's codes come y first", async (_, write, columns) => {
    const graph = new Graph();
    const { codes } = heads(graph);
    const inFile = [...run(await onnx.read(graph.file([codes]), {}), nhwc).values()].at(-1)!;
    const { network } = await read(write);
    const found = run(network, nhwc).get(network.conventions.detection!.codes)!;
    expect(found.shape).toEqual([1, COUNT, 4]);
    for (const [at, code] of found.data.entries()) {
      expect(code).toBeCloseTo(inFile.data[4 * Math.floor(at / 4) + columns[at % 4]], 5);
    }
  });

  test('bytes are wanted as they are', async () => {
    const graph = new Graph();
    const { codes, logits } = heads(graph, graph.add('Cast', ['image'], { to: 1 }));
    const boxes = likeTensorflow(graph, { codes, logits });
    const file = graph.file(boxes);
    // The input's type, behind its name: FLOAT, 1, becomes UINT8, 2.
    const name = file.findLastIndex((_, at) => new TextDecoder().decode(file.subarray(at, at + 5)) === 'image');
    const type = file.findIndex((byte, at) => at > name && byte === 8 && file[at + 1] === 1);
    file[type + 1] = 2;
    const { conventions, inputs } = await onnx.read(file, {});
    expect(inputs[0].shape).toEqual([1, 4, 8, 3]);
    expect(conventions.detection!.anchors).toHaveLength(4 * COUNT);
    expect(conventions.preprocessing).toMatchObject({ size: [4, 8], scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] });
  });
});
