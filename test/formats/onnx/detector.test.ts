/**
 * Detectors with their decoding and suppression as operators, as exporters write them: read up to their heads, with what stands behind as data.
 * The files are written here; what they answer is onnxruntime's word.
 */
import { PbfWriter } from 'pbf';
import { describe, expect, test } from 'vitest';
import { detections } from '../../../src/detection/detections.js';
import { encodeModel, type OutConstant, type OutNode } from '../../../src/formats/onnx/encode.js';
import { readOnnx } from '../../../src/formats/onnx.js';
import { SSD_SUPPRESSION } from '../../../src/network/anchors.js';
import { type Network, run } from '../../../src/network/index.js';
import { sizeOf, type Tensor, tensor } from '../../../src/tensor.js';
import { signed } from '../../network/helpers.js';
import { noOnnxruntime, runOnnxruntime } from '../../peers/onnxruntime.js';

/** A graph that grows: each call adds a node and returns the name of its result. */
class Graph {
  readonly nodes: OutNode[] = [];
  readonly constants = new Map<string, OutConstant>();

  constant(value: OutConstant | number): string {
    const name = `c${this.constants.size}`;
    this.constants.set(name, typeof value === 'number' ? tensor([], [value]) : value);
    return name;
  }

  add(op: string, inputs: readonly string[], attributes: OutNode['attributes'] = {}): string {
    const output = `${op.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, output, attributes });
    return output;
  }

  /** A part of the last axis. */
  columns(x: string, from: number, to: number, axis = -1): string {
    return this.add('Slice', [x, ...[[from], [to], [axis]].map((list) => this.constant(list))]);
  }

  file(outputs: readonly string[], shape = [1, 3, 4, 8]): Uint8Array {
    return encodeModel(
      {
        name: 'detector',
        opset: 13,
        inputs: new Map([['image', shape]]),
        outputs: new Map(outputs.map((name) => [name, [1]])),
        constants: this.constants,
        nodes: this.nodes,
        metadata: new Map(),
      },
      PbfWriter,
    );
  }
}

/** Two maps of 4 × 8 and 2 × 4 cells with an anchor in each: y, x, height, width as shares. */
const ANCHORS = [
  { rows: 4, columns: 8, height: 0.3, width: 0.2 },
  { rows: 2, columns: 4, height: 0.5, width: 0.7 },
].flatMap(({ rows, columns, height, width }) =>
  Array.from({ length: rows * columns }, (_, at) => [
    (Math.floor(at / columns) + 0.5) / rows,
    ((at % columns) + 0.5) / columns,
    height,
    width,
  ]),
);
const COUNT = ANCHORS.length;
const SLOTS = 3;

/** Codes [1, N, 4] and logits [1, N, slots] from a picture [1, 3, 4, 8]. */
function heads(graph: Graph, image = 'image'): { codes: string; logits: string } {
  const half = graph.add('AveragePool', [image], { kernel_shape: [2, 2], strides: [2, 2] });
  const head = (size: number, seed: number, scale: number) =>
    graph.add(
      'Concat',
      [image, half].map((map, at) => {
        const kernel = signed([size, 3, 1, 1], seed + at);
        const scaled = tensor(
          kernel.shape,
          Float32Array.from(kernel.data, (value) => scale * value),
        );
        const conv = graph.add('Conv', [map, graph.constant(scaled)]);
        const last = graph.add('Transpose', [conv], { perm: [0, 2, 3, 1] });
        return graph.add('Reshape', [last, graph.constant([1, -1, size])]);
      }),
      { axis: 1 },
    );
  return { codes: head(4, 1, 3), logits: head(SLOTS, 5, 4) };
}

const column = (k: number) =>
  tensor(
    [COUNT],
    Float32Array.from(ANCHORS, (anchor) => anchor[k]),
  );

/** Batch, class and box of those that stay, as real numbers. */
const suppressed = (graph: Graph, inputs: readonly string[]) =>
  graph.add('Cast', [graph.add('NonMaxSuppression', inputs)], { to: 1 });

/** As tf2onnx writes Google's exporter: y first, columns of a transposed tensor, shares, sigmoid, background cut off, suppression class by class. */
function likeTensorflow(graph: Graph, { codes, logits } = heads(graph)): string[] {
  const flat = graph.add('Squeeze', [codes, graph.constant([0])]);
  const [ty, tx, th, tw] = [0, 1, 2, 3].map((k) =>
    graph.add('Squeeze', [
      graph.columns(graph.add('Transpose', [flat], { perm: [1, 0] }), k, k + 1, 0),
      graph.constant([0]),
    ]),
  );
  const over = (x: string, divisor: number) => graph.add('Div', [x, graph.constant(divisor)]);
  const [y, x, height, width] = [0, 1, 2, 3].map((k) => graph.constant(column(k)));
  const h = graph.add('Mul', [graph.add('Exp', [over(th, 5)]), height]);
  const w = graph.add('Mul', [graph.add('Exp', [over(tw, 5)]), width]);
  const centreY = graph.add('Add', [graph.add('Mul', [over(ty, 10), height]), y]);
  const centreX = graph.add('Add', [graph.add('Mul', [over(tx, 10), width]), x]);
  const sides = [
    graph.add('Sub', [centreY, over(h, 2)]),
    graph.add('Sub', [centreX, over(w, 2)]),
    graph.add('Add', [centreY, over(h, 2)]),
    graph.add('Add', [centreX, over(w, 2)]),
  ].map((side) => graph.add('Unsqueeze', [side, graph.constant([0])]));
  const boxes = graph.add('Transpose', [graph.add('Concat', sides, { axis: 0 })], { perm: [1, 0] });
  const all = graph.add('Unsqueeze', [boxes, graph.constant([0])]);
  const classes = graph.columns(graph.add('Sigmoid', [logits]), 1, SLOTS);
  const scores = graph.add('Transpose', [classes], { perm: [0, 2, 1] });
  const limits = [graph.constant([6]), graph.constant(tensor([1], [0.6])), graph.constant(tensor([1], [0.55]))];
  return [all, scores, suppressed(graph, [all, scores, ...limits])];
}

/** As PyTorch writes torchvision's: x first, pixels, softmax, codes bounded, one suppression of the best of each class after a bound. */
function likeTorchvision(graph: Graph): string[] {
  const [H, W] = [4, 8];
  const { codes, logits } = heads(graph);
  const part = (k: number) => graph.add('Div', [graph.columns(codes, k, k + 1), graph.constant([10, 10, 5, 5][k])]);
  const unit = (k: number, size: number) =>
    graph.constant(
      tensor(
        [1, COUNT, 1],
        Float32Array.from(ANCHORS, (anchor) => anchor[k] * size),
      ),
    );
  const [x, y, width, height] = [unit(1, W), unit(0, H), unit(3, W), unit(2, H)];
  const bounded = (k: number) => graph.add('Min', [part(k), graph.constant(Math.log(1000 / 16))]);
  const centreX = graph.add('Add', [graph.add('Mul', [part(0), width]), x]);
  const centreY = graph.add('Add', [graph.add('Mul', [part(1), height]), y]);
  const half = graph.constant(0.5);
  const w = graph.add('Mul', [half, graph.add('Mul', [graph.add('Exp', [bounded(2)]), width])]);
  const h = graph.add('Mul', [half, graph.add('Mul', [graph.add('Exp', [bounded(3)]), height])]);
  const corners = [
    graph.add('Sub', [centreX, w]),
    graph.add('Sub', [centreY, h]),
    graph.add('Add', [centreX, w]),
    graph.add('Add', [centreY, h]),
  ];
  const boxes = graph.add('Concat', corners, { axis: -1 });
  const probabilities = graph.add('Softmax', [logits], { axis: -1 });
  const scores = graph.add('Transpose', [graph.columns(probabilities, 1, SLOTS)], { perm: [0, 2, 1] });
  const sure = graph.add('Greater', [scores, graph.constant(0.4)]);
  const left = graph.add('Where', [sure, scores, graph.constant(0)]);
  const limits = [graph.constant([100]), graph.constant(tensor([1], [0.5])), graph.constant(tensor([1], [0.4]))];
  return [boxes, left, suppressed(graph, [boxes, left, ...limits])];
}

/** The boxes as centres and sizes in one piece, and scores without a slot for background: nothing is suppressed. */
function withoutSuppression(graph: Graph): string[] {
  const { codes, logits } = heads(graph);
  const scaled = graph.add('Div', [codes, graph.constant(tensor([4], [8, 8, 4, 4]))]);
  const [centres, sizes] = [0, 2].map((k) =>
    graph.constant(tensor([1, COUNT, 2], Float32Array.from(ANCHORS.flatMap((anchor) => anchor.slice(k, k + 2))))),
  );
  const moved = graph.add('Add', [graph.add('Mul', [graph.columns(scaled, 0, 2), sizes]), centres]);
  const grown = graph.add('Mul', [graph.add('Exp', [graph.columns(scaled, 2, 4)]), sizes]);
  return [graph.add('Concat', [moved, grown], { axis: 2 }), graph.add('Sigmoid', [logits])];
}

/** One suppression for all classes, of the best score of each box. */
function likeClassAgnostic(graph: Graph): string[] {
  const [boxes, scores] = withoutSuppression(graph);
  const best = graph.add('ReduceMax', [graph.columns(scores, 1, SLOTS)], { axes: [2], keepdims: 1 });
  const limits = [graph.constant([9]), graph.constant(tensor([1], [0.45]))];
  return [suppressed(graph, [boxes, graph.add('Transpose', [best], { perm: [0, 2, 1] }), ...limits])];
}

/** As YOLO's exporters: the cell's offset by a sigmoid, and no anchor moved by its size. */
function likeYolo(graph: Graph): string[] {
  const { codes, logits } = heads(graph);
  const centre = graph.add('Add', [
    graph.add('Sigmoid', [graph.columns(codes, 0, 2)]),
    graph.constant(tensor([1, COUNT, 2], Float32Array.from(ANCHORS.flatMap((anchor) => anchor.slice(0, 2))))),
  ]);
  const boxes = graph.add('Concat', [centre, graph.add('Exp', [graph.columns(codes, 2, 4)])], { axis: -1 });
  return [boxes, graph.add('Sigmoid', [logits])];
}

const picture = signed([1, 3, 4, 8], 9);
const nhwc = tensor(
  [1, 4, 8, 3],
  Float32Array.from({ length: sizeOf(picture.shape) }, (_, i) => picture.data[(i % 3) * 32 + Math.floor(i / 3)]),
);

const read = async (write: (graph: Graph) => string[]) => {
  const graph = new Graph();
  const outputs = write(graph);
  const file = graph.file(outputs);
  return { file, outputs, network: await readOnnx(file, { fileName: 'd.onnx' }) };
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

  test('a tail that is no SSD is refused, with the names of the heads', async () => {
    await expect(read(likeYolo)).rejects.toThrow(
      /^d\.onnx: node 19 \(Exp 'exp_19', for 'exp_19'\): the boxes before it are not decoded as those of SSD are; to read the network without it, name earlier outputs, such as 'concat_7', 'sigmoid_21'$/,
    );
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
    const { conventions, inputs } = await readOnnx(file);
    expect(inputs[0].shape).toEqual([1, 4, 8, 3]);
    expect(conventions.detection!.anchors).toHaveLength(4 * COUNT);
    expect(conventions.preprocessing).toMatchObject({ size: [4, 8], scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] });
  });
});
