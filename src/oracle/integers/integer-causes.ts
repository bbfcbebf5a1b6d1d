/**
 * Why a layer of integers is wrong: the layer computed again as backends with known mistakes would. Integers leave no room: a mistake is
 * named only if it gives every number of the layer.
 */
import type { Rounding } from '../../layers/int8/index.js';
import { ancestors } from '../../network/graph.js';
import {
  inferQuantizedShapes,
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  quantizedWeightsOf,
} from '../../network/quantized-network.js';
import { type Padding, type Pair, slideWindows } from '../../padding.js';
import { type AnyTensor, type QuantizedTensor, type QuantizedType, sizeOf, type Tensor } from '../../tensor.js';
import { type Cause, placeOfWrong } from '../cause.js';
import { constantIn } from '../mistakes/plain.js';
import type { LayerReport } from '../report.js';
import { integerForward, type QuantizedInputs } from './quantized-estimates.js';
import { asReals } from './typed.js';

const MOST_MISTAKES = 3;

/** A layer about to be computed. */
interface Call {
  readonly node: Pick<QuantizedNode, 'name' | 'kind'> & { readonly attributes: object; readonly type: QuantizedType };
  readonly inputs: readonly QuantizedTensor[];
  readonly weights: Readonly<Record<string, QuantizedTensor>>;
}

interface Mistake {
  readonly what: string;
  /** The call as the backend makes it; undefined where the mistake changes nothing. */
  readonly change: (call: Call) => Call | undefined;
}

const unbiased = ({ type, ...x }: QuantizedTensor): QuantizedTensor => ({
  ...x,
  type: { ...type, zeroPoint: 0 } as QuantizedType,
});
const zeroPointOf = ({ type }: QuantizedTensor): number => ('scale' in type ? type.zeroPoint : 0);

const withWeight = (call: Call, name: string, change: (x: QuantizedTensor) => QuantizedTensor): Call | undefined =>
  call.weights[name] && { ...call, weights: { ...call.weights, [name]: change(call.weights[name]) } };

const mistakes: readonly Mistake[] = [
  {
    what: 'the bias left out',
    change: (call) => withWeight(call, 'bias', (bias) => ({ ...bias, data: bias.data.slice().fill(0) })),
  },
  {
    what: "the input's zero point left out",
    change: (call) => (call.inputs.some(zeroPointOf) ? { ...call, inputs: call.inputs.map(unbiased) } : undefined),
  },
  {
    what: "the kernel's zero point left out",
    change: (call) =>
      call.weights.kernel && zeroPointOf(call.weights.kernel) ? withWeight(call, 'kernel', unbiased) : undefined,
  },
  {
    what: "the result's zero point left out",
    change: ({ node, ...call }) => ({ ...call, node: { ...node, type: { ...node.type, zeroPoint: 0 } } }),
  },
  { what: 'padded with the integer 0 in place of the zero point', change: paddedWithZero },
  {
    what: "the first channel's scale for all channels",
    change: (call) =>
      withWeight(call, 'kernel', (kernel) =>
        'scales' in kernel.type
          ? {
              ...kernel,
              type: {
                ...kernel.type,
                scales: kernel.type.scales.map(() => (kernel.type as { scales: readonly number[] }).scales[0]),
              },
            }
          : kernel,
      ),
  },
  {
    what: 'the activation left out',
    change: (call) =>
      isActivation(call.node)
        ? { ...call, node: { ...call.node, kind: 'dropout', attributes: { rate: 0 } } }
        : undefined,
  },
  {
    what: 'the scales of the two inputs swapped',
    change: ({ inputs, ...call }) =>
      call.node.kind === 'add'
        ? { ...call, inputs: inputs.map((x, i) => ({ ...x, type: inputs[1 - i].type })) }
        : undefined,
  },
];

interface Convolution {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

/** The layer over an input that has been padded already. */
function paddedWithZero(call: Call): Call | undefined {
  const { kind, attributes } = call.node;
  const [x] = call.inputs;
  if (!('kernelSize' in attributes) || zeroPointOf(x) === 0) return undefined;
  const { kernelSize, strides, dilation, padding } = attributes as Convolution;
  if (padding === 'valid') return undefined;
  const [N, H, W, C] = x.shape;
  const { vertical, horizontal } = slideWindows(kind, [H, W], kernelSize, strides, dilation, padding);
  const shape = [N, H + vertical.before + vertical.after, W + horizontal.before + horizontal.after, C];
  const padded = {
    ...x,
    shape,
    data: x.type.type === 'uint8' ? new Uint8Array(sizeOf(shape)) : new Int8Array(sizeOf(shape)),
  };
  for (let n = 0; n < N; n++) {
    for (let row = 0; row < H; row++) {
      const from = (n * H + row) * W * C;
      const to = ((n * shape[1] + row + vertical.before) * shape[2] + horizontal.before) * C;
      padded.data.set(x.data.subarray(from, from + W * C), to);
    }
  }
  return { ...call, inputs: [padded], node: { ...call.node, attributes: { ...attributes, padding: 'valid' } } };
}

/** `fed` are the tensors that the backend's layers were fed. `theirs` is what it shows as the layer. */
export function integerCauseOf(
  network: QuantizedNetwork,
  fed: QuantizedInputs,
  { name }: Pick<LayerReport, 'name'>,
  theirs: Tensor,
  rounding: Rounding,
): Cause {
  const node = network.nodes.find((its) => its.name === name);
  if (node === undefined || !isQuantizedType(node.type)) return { mistakes: [] };
  const { type } = node;
  const nodes = nodesBetween(network, fed, name);
  const other: Rounding = rounding === 'single' ? 'double' : 'single';
  const is = (x: AnyTensor | undefined): boolean =>
    x !== undefined && theirs.data.every((q: number, i: number) => q === x.data[i]);
  const right = computed(network, nodes, fed, rounding);
  if (right === undefined) return { mistakes: [] };
  const found: string[] = [];
  if (is(computed(network, nodes, fed, other))) found.push(`rounded as '${other}', not '${rounding}'`);
  if (areReals(right, theirs, type)) found.push('the real numbers that the integers stand for');
  const shift = type.type === 'int8' ? 128 : -128;
  if (right.data.every((q, i) => q + shift === theirs.data[i])) {
    found.push(type.type === 'int8' ? 'stored as uint8, 128 higher' : 'stored as int8, 128 lower');
  }
  for (const mistake of mistakes) {
    if (found.length === MOST_MISTAKES) break;
    if (is(computed(network, nodes, fed, rounding, mistake))) found.push(mistake.what);
  }
  if (found.length === 0) found.push(...otherRoundings(right, theirs, type), ...constantIn(theirs, type.zeroPoint));
  const place = placeOfWrong(right.shape, (i) => right.data[i] !== theirs.data[i]);
  let farthest = 0;
  for (const [i, q] of theirs.data.entries()) farthest = Math.max(farthest, Math.abs(q - right.data[i]));
  const byOne = farthest === 1 ? 'no number is off by more than 1: a rounding' : undefined;
  const words = [place, byOne].filter((each) => each !== undefined).join('; ');
  return { mistakes: found, ...(words && { place: words }) };
}

/** Wrong numbers that are fewer may lie on one side by chance. */
const FEWEST = 4;

/** What the numbers themselves say of a rounding: an eighth of them or more is off by 1, all to the same side. */
function otherRoundings(right: QuantizedTensor, theirs: Tensor, { zeroPoint }: QuantizedType): string[] {
  const wrong = [...right.data.keys()].filter((i) => theirs.data[i] !== right.data[i]);
  if (wrong.length < Math.max(FEWEST, right.data.length / 8)) return [];
  const allBy = (step: (q: number) => number): boolean =>
    wrong.every((i) => theirs.data[i] - right.data[i] === step(right.data[i]));
  return [
    ...(allBy(() => -1) ? ['rounded down in place of to the nearest'] : []),
    ...(allBy((q) => Math.sign(zeroPoint - q)) ? ['rounded towards zero in place of to the nearest'] : []),
  ];
}

const isActivation = ({ kind }: Pick<QuantizedNode, 'kind'>): boolean => ['relu', 'relu6', 'clamp'].includes(kind);

function nodesBetween(network: QuantizedNetwork, fed: QuantizedInputs, name: string): QuantizedNode[] {
  const before = new Map([...fed].filter(([its]) => its !== name));
  const needed = ancestors(network.nodes as never, [name], before);
  return network.nodes.filter((node) => needed.has(node.name));
}

/** The last of the nodes, with the mistake in the first that it is one of. Undefined where it changes nothing or cannot be computed. */
function computed(
  network: QuantizedNetwork,
  nodes: readonly QuantizedNode[],
  fed: QuantizedInputs,
  rounding: Rounding,
  mistake?: Mistake,
): QuantizedTensor | undefined {
  const shapes = inferQuantizedShapes(network, new Map(network.inputs.map(({ name }) => [name, fed.get(name)!.shape])));
  const made = new Map<string, AnyTensor>();
  let pending = mistake;
  let last: AnyTensor | undefined;
  try {
    for (const node of nodes) {
      const inputs = node.inputs.map((name) => made.get(name) ?? fed.get(name)!);
      if (!isQuantizedType(node.type)) return undefined;
      const call = {
        node: node as Call['node'],
        inputs: inputs as QuantizedTensor[],
        weights: quantizedWeightsOf(network, node, shapes) as Call['weights'],
      };
      const changed = node.kind === 'quantize' ? undefined : pending?.change(call);
      if (changed) pending = undefined;
      const its = changed ?? call;
      last = integerForward(its.node, its.inputs, its.weights, rounding);
      made.set(node.name, last);
    }
  } catch {
    return undefined; // The mistaken layer does not fit its input: no backend computes that.
  }
  return pending === undefined && last !== undefined && isQuantizedTensor(last) ? last : undefined;
}

/** To within some roundings. */
function areReals(right: QuantizedTensor, theirs: Tensor, type: QuantizedType): boolean {
  const reals = asReals(right, type);
  return theirs.data.every(
    (x, i) =>
      Math.abs(x - reals.data[i]) <= 2 ** -20 * (Math.abs(reals.data[i]) + Math.abs(type.scale * type.zeroPoint)),
  );
}
