/** Detectors with their decoding and suppression as operators, as exporters write them. */
import { PbfWriter } from 'pbf';
import { encodeModel, type OutConstant, type OutNode } from '../../../src/formats/onnx/encode.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { signed } from '../../network/helpers.js';
import { type ConstantSpec, type NodeSpec, onnxFile } from './builder.js';

/** A graph that grows: each call adds a node and returns the name of its result. */
export class Graph {
  readonly nodes: OutNode[] = [];
  readonly more = new Map<string, string[]>();
  readonly constants = new Map<string, OutConstant>();

  constant(value: OutConstant | number): string {
    const name = `c${this.constants.size}`;
    this.constants.set(name, typeof value === 'number' ? tensor([], [value]) : value);
    return name;
  }

  /** Further results have the name of the first with _1, _2 … behind it. */
  add(op: string, inputs: readonly string[], attributes: OutNode['attributes'] = {}, results = 1): string {
    const output = `${op.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, output, attributes });
    for (let more = 1; more < results; more++)
      this.more.set(output, [...(this.more.get(output) ?? []), `${output}_${more}`]);
    return output;
  }

  /** The same file by the tests' own writer, which knows nodes of several results. */
  tracedFile(outputs: readonly string[], shape: readonly number[] = [1, 3, 4, 8], type = 'FLOAT'): Uint8Array {
    const constants = [...this.constants].map(([name, value]): [string, ConstantSpec] => {
      if (Array.isArray(value)) return [name, { shape: [value.length], data: BigInt64Array.from(value, BigInt) }];
      if ('integers' in value) return [name, { shape: value.shape, data: value.integers as Int32Array }];
      return [name, { shape: (value as Tensor).shape, data: Float32Array.from((value as Tensor).data) }];
    });
    const float = (one: unknown) => (typeof one === 'number' && !Number.isInteger(one) ? { float: one } : one);
    const nodes = this.nodes.map(({ op, inputs, output, attributes }) => ({
      op,
      inputs,
      outputs: [output, ...(this.more.get(output) ?? [])],
      attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, float(value)])) as never,
    }));
    return onnxFile({
      opset: 17,
      inputs: { image: shape },
      types: { image: type },
      outputs,
      constants: Object.fromEntries(constants),
      nodes,
    });
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
export const ANCHORS = [
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
export const COUNT = ANCHORS.length;
const SLOTS = 3;

/** Codes [1, N, 4] and logits [1, N, slots] from a picture [1, 3, 4, 8]. */
export function heads(graph: Graph, image = 'image'): { codes: string; logits: string } {
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
export function likeTensorflow(graph: Graph, { codes, logits } = heads(graph)): string[] {
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

/**
 * As tf2onnx writes the detectors of TensorFlow's zoo (ssd_mobilenet_v1_coco, in ONNX's zoo too): bytes [N, H, W, 3], a loop that resizes each picture
 * ("Preprocessor/map"), the network's own scaling, and behind the decoded boxes a loop over pictures with a suppression for each class
 * ("BatchMultiClassNonMaxSuppression/map"). Both loops read what they work on from outside: their own inputs are constants.
 */
export function likeZoo(graph: Graph): string[] {
  const real = graph.add('Cast', ['image'], { to: 1 });
  const [once, yes] = [graph.constant([1]), graph.constant(1)];
  const loop = (body: readonly NodeSpec[], results = 1) =>
    graph.add('Loop', [once, yes], { body: { graph: body } } as never, results);
  const each = (x: string) => ({ op: 'Gather', inputs: [x, 'i'], outputs: [`${x}_i`] });
  const resized = loop([each(real), { op: 'Resize', inputs: [`${real}_i`, '', '', 'size'], outputs: ['resized'] }]);
  const scaled = graph.add('Mul', [resized, graph.constant(2 / 255)]);
  const centred = graph.add('Sub', [scaled, graph.constant(1)]);
  const { codes, logits } = heads(graph, graph.add('Transpose', [centred], { perm: [0, 3, 1, 2] }));
  const [boxes, scores] = likeTensorflow(graph, { codes, logits });
  const suppress = { op: 'NonMaxSuppression', inputs: [`${boxes}_i`, `${scores}_i`], outputs: ['kept'] };
  const perClass = { op: 'If', inputs: ['any'], outputs: ['some'], attributes: { then_branch: { graph: [suppress] } } };
  const first = loop([each(boxes), each(scores), perClass], 2);
  return [first, `${first}_1`];
}

/** torchvision's box coder: x first, pixels, codes bounded. */
function torchvisionBoxes(graph: Graph, codes: string): string {
  const [H, W] = [4, 8];
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
  return graph.add('Concat', corners, { axis: -1 });
}

/** As PyTorch writes torchvision's: x first, pixels, softmax, codes bounded, one suppression of the best of each class after a bound. */
export function likeTorchvision(graph: Graph): string[] {
  const { codes, logits } = heads(graph);
  const boxes = torchvisionBoxes(graph, codes);
  const probabilities = graph.add('Softmax', [logits], { axis: -1 });
  const scores = graph.add('Transpose', [graph.columns(probabilities, 1, SLOTS)], { perm: [0, 2, 1] });
  const sure = graph.add('Greater', [scores, graph.constant(0.4)]);
  const left = graph.add('Where', [sure, scores, graph.constant(0)]);
  const limits = [graph.constant([100]), graph.constant(tensor([1], [0.5])), graph.constant(tensor([1], [0.4]))];
  return [boxes, left, suppressed(graph, [boxes, left, ...limits])];
}

/**
 * As torch.onnx.export traces torchvision's ssdlite320_mobilenet_v3_large (SSD.postprocess_detections, batched_nms by coordinates): blocks of MobileNetV3
 * before the heads, and behind them for each class the sure boxes by NonZero and GatherND, the best of those by TopK of a computed number, one
 * suppression of boxes that are moved apart by class, and the first of what stays.
 */
export function likeTracedTorchvision(graph: Graph): string[] {
  const kernel = (seed: number) => graph.constant(signed([3, 3, 1, 1], seed));
  const expanded = graph.add('HardSwish', [graph.add('Conv', ['image', kernel(20)])]);
  const squeezed = graph.add('Conv', [graph.add('GlobalAveragePool', [expanded]), kernel(21)]);
  const excited = graph.add('HardSigmoid', [squeezed], { alpha: 1 / 6, beta: 0.5 });
  const { codes, logits } = heads(graph, graph.add('Add', [graph.add('Mul', [expanded, excited]), 'image']));
  const boxes = graph.add('Squeeze', [torchvisionBoxes(graph, codes), graph.constant([0])]);
  const scores = graph.add('Squeeze', [graph.add('Softmax', [logits], { axis: -1 }), graph.constant([0])]);
  const all = { boxes: [] as string[], scores: [] as string[], labels: [] as string[] };
  for (let label = 1; label < SLOTS; label++) {
    const score = graph.add('Gather', [scores, graph.constant({ integers: Int32Array.of(label), shape: [] })], {
      axis: 1,
    });
    const sure = graph.add('NonZero', [graph.add('Greater', [score, graph.constant(0.4)])]);
    const at = graph.add('Transpose', [sure], { perm: [1, 0] });
    const [kept, box] = [score, boxes].map((x) => graph.add('GatherND', [x, at]));
    const count = graph.add(
      'ReduceMin',
      [graph.add('Concat', [graph.add('Shape', [kept]), graph.constant([300])], { axis: 0 })],
      { keepdims: 1 },
    );
    const best = graph.add('TopK', [kept, count], {}, 2);
    all.scores.push(best);
    all.boxes.push(graph.add('Gather', [box, `${best}_1`], { axis: 0 }));
    all.labels.push(graph.add('Expand', [graph.constant(tensor([1], [label])), graph.add('Shape', [best])]));
  }
  const [joined, sureness, labels] = [all.boxes, all.scores, all.labels].map((parts) =>
    graph.add('Concat', parts, { axis: 0 }),
  );
  const apart = graph.add('Mul', [
    labels,
    graph.add('Add', [graph.add('ReduceMax', [joined], { keepdims: 0 }), graph.constant(1)]),
  ]);
  const moved = graph.add('Add', [joined, graph.add('Unsqueeze', [apart, graph.constant([1])])]);
  const kept = graph.add('NonMaxSuppression', [
    graph.add('Unsqueeze', [moved, graph.constant([0])]),
    graph.add('Unsqueeze', [sureness, graph.constant([0, 1])]),
    graph.constant([100_000]),
    graph.constant(tensor([1], [0.55])),
  ]);
  const stays = graph.columns(graph.add('Squeeze', [graph.columns(kept, 2, 3, 1), graph.constant([1])]), 0, 300, 0);
  return [joined, sureness, labels].map((x) => graph.add('Gather', [x, stays], { axis: 0 }));
}

/** The boxes as centres and sizes in one piece, and scores without a slot for background: nothing is suppressed. */
export function withoutSuppression(graph: Graph): string[] {
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
export function likeClassAgnostic(graph: Graph): string[] {
  const [boxes, scores] = withoutSuppression(graph);
  const best = graph.add('ReduceMax', [graph.columns(scores, 1, SLOTS)], { axes: [2], keepdims: 1 });
  const limits = [graph.constant([9]), graph.constant(tensor([1], [0.45]))];
  return [suppressed(graph, [boxes, graph.add('Transpose', [best], { perm: [0, 2, 1] }), ...limits])];
}

/** As YOLO's exporters: the cell's offset by a sigmoid, and no anchor moved by its size. */
export function likeYolo(graph: Graph): string[] {
  const { codes, logits } = heads(graph);
  const centre = graph.add('Add', [
    graph.add('Sigmoid', [graph.columns(codes, 0, 2)]),
    graph.constant(tensor([1, COUNT, 2], Float32Array.from(ANCHORS.flatMap((anchor) => anchor.slice(0, 2))))),
  ]);
  const boxes = graph.add('Concat', [centre, graph.add('Exp', [graph.columns(codes, 2, 4)])], { axis: -1 });
  return [boxes, graph.add('Sigmoid', [logits])];
}
