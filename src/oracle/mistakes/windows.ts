/** Mistakes in where the windows of convolutions and pools lie. */
import { inferShapes, type NetworkNode, type NodeOf } from '../../network/index.js';
import { inputShapesOf } from '../../network/shapes.js';
import { type ExplicitPadding, type Padding, type Pair, slideWindows } from '../../padding.js';
import type { Segment } from '../segment.js';
import { type Mistake, named, withNodes } from './mistake.js';
import { gathered } from './permuted.js';

type Windowed = NodeOf<'conv2d' | 'depthwiseConv2d' | 'averagePool' | 'maxPool'>;
const windowKinds: readonly string[] = ['conv2d', 'depthwiseConv2d', 'averagePool', 'maxPool'];
const isWindowed = (node: NetworkNode): node is Windowed => windowKinds.includes(node.kind);

interface Window {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

function windowOf({ attributes }: Windowed): Window {
  if ('poolSize' in attributes) {
    return { ...attributes, kernelSize: attributes.poolSize, dilation: [1, 1] };
  }
  return attributes;
}

export function* ofWindows(segment: Segment): Generator<Mistake> {
  const shapes = inferShapes(segment.network);
  /** Undefined where not even one window fits. */
  const windows = (node: Windowed): Windows | undefined => {
    const [, H, W] = inputShapesOf(node, shapes)[0];
    const { kernelSize, strides, dilation, padding } = windowOf(node);
    try {
      return slideWindows(node.name, [H, W], kernelSize, strides, dilation, padding);
    } catch {
      return undefined;
    }
  };
  const explicit = (node: Windowed): ExplicitPadding => {
    const { vertical, horizontal } = windows(node)!;
    return { top: vertical.before, bottom: vertical.after, left: horizontal.before, right: horizontal.after };
  };
  const paddings: Readonly<Record<string, (node: Windowed) => Padding>> = {
    symmetric: (node) => {
      const { kernelSize, dilation } = windowOf(node);
      const [rows, columns] = [0, 1].map((axis) => Math.floor(((kernelSize[axis] - 1) * dilation[axis]) / 2));
      return { top: rows, bottom: rows, left: columns, right: columns };
    },
    otherSide: (node) => {
      const { top, bottom, left, right } = explicit(node);
      return { top: bottom, bottom: top, left: right, right: left };
    },
    after: (node) => {
      const { top, bottom, left, right } = explicit(node);
      return { top: 0, bottom: top + bottom, left: 0, right: left + right };
    },
    same: () => 'same',
    none: () => 'valid',
  };
  // Padding behind the last window is read by nobody: what counts is where windows begin and how many there are.
  const tried = new Set<string>();
  for (const paddingOf of Object.values(paddings)) {
    const words: string[] = [];
    const effects: string[] = [];
    const changed = withNodes(segment, (node) => {
      if (!isWindowed(node)) return undefined;
      const wrong = { ...node, attributes: { ...node.attributes, padding: paddingOf(node) } } as Windowed;
      const [right, its] = [node, wrong].map(windows);
      if (its === undefined || effectOf(right!) === effectOf(its)) return undefined;
      words.push(`padded ${inWords(its)} in place of ${inWords(right!)}`);
      effects.push(effectOf(its));
      return { attributes: wrong.attributes };
    });
    if (changed === undefined || tried.has(effects.join())) continue;
    tried.add(effects.join());
    yield* named(words[0], changed);
  }
  yield* named(
    'strides of height and width swapped',
    withNodes(segment, (node) => {
      if (!isWindowed(node) || node.attributes.strides[0] === node.attributes.strides[1]) return undefined;
      const [rows, columns] = node.attributes.strides;
      return { attributes: { ...node.attributes, strides: [columns, rows] } };
    }),
  );
  yield* named(
    'dilation left out',
    withNodes(segment, (node) => {
      if (!('dilation' in node.attributes!) || node.attributes.dilation.every((step) => step === 1)) return undefined;
      return { attributes: { ...node.attributes, dilation: [1, 1] } };
    }),
  );
  yield* named(
    'dilation left out, but padded for it',
    withNodes(segment, (node) => {
      if (!('dilation' in node.attributes!) || node.attributes.dilation.every((step) => step === 1)) return undefined;
      const { kernelSize, dilation } = node.attributes;
      const [rows, columns] = [0, 1].map((axis) => (kernelSize[axis] - 1) * (dilation[axis] - 1));
      const { top, bottom, left, right } = explicit(node as Windowed);
      const padding = { top, bottom: Math.max(0, bottom - rows), left, right: Math.max(0, right - columns) };
      return { attributes: { ...node.attributes, dilation: [1, 1], padding } };
    }),
  );
  yield* named('padded with the numbers at the border in place of zeros', withRepeatedBorders(segment, explicit));
}

/** Of convolutions that read a tensor that is fed: it is padded before them. */
function withRepeatedBorders(
  { network, inputs }: Segment,
  explicit: (node: Windowed) => ExplicitPadding,
): Segment | undefined {
  const padded = new Map(inputs);
  const changed = withNodes({ network, inputs }, (node) => {
    const x = inputs.get(node.inputs[0]);
    if (x === undefined || !isWindowed(node) || 'poolSize' in node.attributes) return undefined;
    const { top, bottom, left, right } = explicit(node);
    if (top + bottom + left + right === 0) return undefined;
    const [N, H, W, C] = x.shape;
    const within = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
    const name = `${node.inputs[0]}, padded`;
    const shape = [N, H + top + bottom, W + left + right, C];
    padded.set(
      name,
      gathered(x, shape, ([n, row, column, c]) => [n, within(row - top, H), within(column - left, W), c]),
    );
    return { inputs: [name], attributes: { ...node.attributes, padding: 'valid' } };
  });
  if (changed === undefined) return undefined;
  const described = [...padded].map(([name, { shape }]) => ({ name, shape }));
  return { network: { ...changed.network, inputs: described }, inputs: padded };
}

type Windows = ReturnType<typeof slideWindows>;

const effectOf = ({ vertical, horizontal }: Windows): string =>
  [vertical.before, vertical.out, horizontal.before, horizontal.out].join(' ');

/** '(0, 1)', before and after, where rows and columns agree. */
function inWords({ vertical, horizontal }: Windows): string {
  const [rows, columns] = [vertical, horizontal].map(({ before, after }) => `(${before}, ${after})`);
  return rows === columns ? rows : `${rows} above and below, ${columns} left and right`;
}
