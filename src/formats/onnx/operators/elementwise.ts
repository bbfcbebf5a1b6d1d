/** Operators that treat every number by itself, or every channel. Where the numbers lie does not matter to them. */
import { type Shape, sizeOf, type Tensor, tensor } from '../../../tensor.js';
import { type Arithmetic, affineNorm, formulaOf } from '../../affine.js';
import type { Draft } from '../../drafts.js';
import {
  affine,
  elu,
  erf,
  gelu,
  geluByTanh,
  hardSigmoid,
  leakyRelu,
  SELU,
  type Step,
  swish,
  tanh,
} from '../../steps.js';
import { LARGEST_FLOAT32 } from '../../tensors/numbers.js';
import { float, ignored, int, only, optional, or, type Rules, word } from '../attributes.js';
import { type Call, shapeOf } from '../call.js';
import { integerRange, typeOfResult } from '../folding.js';
import type { Value } from '../layout.js';
import { innermost, laidOut, liesIn, positions, sameLayout } from '../layout.js';
import { type Operator, operator } from './operator.js';
import { orders } from './shapes.js';

/** Before operator set 6, which inputs could be overwritten. */
const OLD = { consumed_inputs: ignored };

/** Before operator set 7, an operator said that, and from which axis on, its second input is broadcast. */
const BROADCAST = { broadcast: ignored, axis: optional(int), ...OLD };

const AFFINE =
  'add of computed tensors of the same shape; with a constant, batchNorm, channel by channel or number by number';

export const elementwise: Readonly<Record<string, Operator>> = {
  Add: operator({
    attributes: BROADCAST,
    becomes: 'add, or batchNorm',
    notes: AFFINE,
    translate: (call, { axis }) =>
      call.isConstant(0) || call.isConstant(1) ? withConstant(call, axis, 'add') : sum(call),
  }),
  Sub: operator({
    attributes: BROADCAST,
    becomes: 'batchNorm',
    notes: 'one of the two a constant',
    translate: (call, { axis }) => withConstant(call, axis, 'subtract'),
  }),
  Mul: operator({
    attributes: BROADCAST,
    becomes: 'multiply, or batchNorm',
    notes:
      'multiply of computed tensors of the same shape, or of one and a number for each of its channels; with a constant, batchNorm',
    translate: (call, { axis }) =>
      call.isConstant(0) || call.isConstant(1) ? withConstant(call, axis, 'multiply') : product(call),
  }),
  Div: operator({
    attributes: BROADCAST,
    becomes: 'batchNorm',
    notes: 'the second a constant',
    translate: (call, { axis }) => withConstant(call, axis, 'divide'),
  }),
  Sum: operator({
    attributes: {},
    becomes: 'add',
    notes: 'computed tensors of the same shape',
    translate: (call) => (call.node.inputs.length === 1 ? call.value(0) : sum(call)),
  }),

  BatchNormalization: operator({
    attributes: {
      epsilon: or(1e-5, float),
      momentum: ignored,
      spatial: only(1),
      is_test: only(1),
      ...OLD,
      training_mode: only(0),
    },
    becomes: 'batchNorm',
    notes: 'scale, bias, mean and variance constant',
    translate(call, { epsilon }) {
      if (call.node.outputs.filter(Boolean).length > 1)
        call.fail('yields statistics, as in training; wanted one output');
      const value = call.value(0);
      const places = positions(value.layout, [1]);
      const [gamma, beta, movingMean, movingVariance] = [1, 2, 3, 4].map((index) => {
        const { tensor: x } = call.constant(index);
        if (x.data.length !== places.length) {
          call.fail(
            `input ${index} has the shape [${x.shape}], wanted [${places.length}] numbers, one for each channel`,
          );
        }
        const data = x.data.slice();
        for (const [channel, place] of places.entries()) data[place] = x.data[channel];
        return tensor([data.length], data);
      });
      const x = call.lastAxis(value, [1]);
      const weights = { gamma, beta, movingMean, movingVariance };
      return { ...value, node: call.add('batchNorm', [x], { epsilon, scale: true, center: true }, weights) };
    },
  }),

  Relu: steps('relu', OLD, () => [{ kind: 'relu', attributes: {} }]),
  Sigmoid: steps('sigmoid', OLD, () => [{ kind: 'sigmoid', attributes: {} }]),
  Tanh: steps('batchNorm, sigmoid, batchNorm', OLD, tanh),
  Abs: steps('relu twice, batchNorm, add', OLD, () => leakyRelu([-1])),
  Neg: steps('batchNorm', OLD, () => [affine('', [-1], [0])]),
  LeakyRelu: steps('relu twice, batchNorm, add', { alpha: or(0.01, float), ...OLD }, ({ alpha }) => leakyRelu([alpha])),
  PRelu: operator({
    attributes: OLD,
    becomes: 'relu twice, batchNorm, add',
    notes: 'slopes constant: one, or one for each channel',
    translate(call) {
      const value = call.value(0);
      const { tensor: stated } = call.constant(1);
      // before operator set 7 the slopes were a list, one for each channel
      const slopes =
        call.opset < 7 && stated.shape.length === 1 && stated.data.length > 1
          ? broadcastFrom(1, stated, shapeOf(value).length)
          : stated;
      const { axes, numbers } = spread(call, value, slopes);
      const x = axes.length === 0 ? withChannels(call, value) : call.lastAxis(value, axes);
      return { ...value, node: call.addSteps(x, leakyRelu(numbers)) };
    },
  }),
  HardSigmoid: steps(
    'hardSigmoid; batchNorm and clamp for other lines',
    { alpha: or(0.2, float), beta: or(0.5, float), ...OLD },
    ({ alpha, beta }) =>
      Math.fround(alpha) === Math.fround(1 / 6) && beta === 0.5
        ? [{ kind: 'hardSigmoid', attributes: {} }]
        : hardSigmoid(alpha, beta),
  ),
  HardSwish: steps('hardSwish', {}, () => [{ kind: 'hardSwish', attributes: {} }]),
  Gelu: steps(
    'multiply, batchNorm, sigmoid, several times; clamp before them where it is exact',
    { approximate: or('none', word('none', 'tanh')) },
    ({ approximate }) => (approximate === 'tanh' ? geluByTanh() : gelu()),
  ),
  'com.microsoft.Gelu': steps('as Gelu', {}, gelu),
  'com.microsoft.FastGelu': operator({
    attributes: {},
    becomes: 'as Gelu by tanh',
    notes: 'without a bias',
    translate: (call) => (call.has(1) ? call.fail('has a bias') : withSteps(call, geluByTanh())),
  }),
  'com.microsoft.QuickGelu': steps('as Swish', { alpha: or(1.702, float) }, ({ alpha }) => swish(alpha)),
  Erf: steps('clamp, multiply, batchNorm, sigmoid, several times', {}, erf, 'to 4e-7'),
  Elu: steps(
    'relu, batchNorm, sigmoid, multiply, add, several times',
    { alpha: or(1, float), ...OLD },
    ({ alpha }) => elu(alpha),
    'to 5e-7',
  ),
  Selu: steps('as Elu', { alpha: or(SELU.alpha, float), gamma: or(SELU.scale, float), ...OLD }, ({ alpha, gamma }) =>
    elu(gamma * alpha, gamma),
  ),
  Swish: steps('sigmoid, multiply; batchNorm before them for a factor', { alpha: or(1, float) }, ({ alpha }) =>
    swish(alpha),
  ),
  Clip: operator({
    attributes: { min: optional(float), max: optional(float), ...OLD },
    becomes: 'relu, relu6 or clamp',
    notes: 'bounds as attributes (before operator set 11) or constant inputs',
    translate(call, attributes) {
      const min = attributes.min ?? call.scalar(1) ?? Number.NEGATIVE_INFINITY;
      const max = attributes.max ?? call.scalar(2) ?? Number.POSITIVE_INFINITY;
      const bounded = { min: Math.max(min, -LARGEST_FLOAT32), max: Math.min(max, LARGEST_FLOAT32) };
      if (min === 0 && max === 6) return withSteps(call, [{ kind: 'relu6', attributes: {} }]);
      if (bounded.min === 0 && bounded.max === LARGEST_FLOAT32)
        return withSteps(call, [{ kind: 'relu', attributes: {} }]);
      if (bounded.min === -LARGEST_FLOAT32 && bounded.max === LARGEST_FLOAT32) return call.value(0);
      return withSteps(call, [{ kind: 'clamp', attributes: bounded }]);
    },
  }),
  Dropout: operator({
    attributes: { ratio: or(0.5, float), seed: ignored, is_test: ignored, ...OLD },
    becomes: 'dropout',
    notes: 'at inference: the identity; the mask must not be used',
    translate(call, attributes) {
      if (call.scalar(2)) call.fail("input 'training_mode' is true; wanted a network for inference");
      const rate = call.scalar(1) ?? attributes.ratio;
      return withSteps(call, [{ kind: 'dropout', attributes: { rate: Math.min(rate, 1 - 2 ** -24) } }]);
    },
  }),
  QuantizeLinear: operator({
    attributes: { axis: ignored, saturate: ignored, block_size: only(0), precision: ignored, output_dtype: or(0, int) },
    becomes: 'quantize or nothing; of real numbers clamp',
    notes: 'one scale and zero point for the whole tensor',
    translate(call) {
      const scale = call.scalar(1)!; // or the grid of its integers was refused before
      const zeroPoint = call.scalar(2) ?? 0;
      const range = integerRange(call, typeOfResult(call));
      if (!(scale > 0 && scale < Infinity)) call.fail(`its scale is ${scale}, wanted a number above 0`);
      const [min, max] = range.map((number) => Math.fround((number - zeroPoint) * scale));
      return withSteps(call, [{ kind: 'clamp', attributes: { min, max } }]);
    },
  }),
  DynamicQuantizeLinear: operator({
    attributes: {},
    becomes: 'nothing',
    notes: 'its scale depends on the picture; no number is rounded here',
    translate: (call) => call.value(0),
  }),
  DequantizeLinear: operator({
    attributes: { axis: ignored, block_size: ignored, output_dtype: ignored },
    becomes: 'nothing',
    notes: 'of constants, the real numbers that they stand for; computed tensors are real numbers already',
    translate: (call) => call.value(0),
  }),
  Identity: operator({ attributes: {}, becomes: 'nothing', translate: (call) => call.value(0) }),
  Cast: operator({
    attributes: { to: int, saturate: ignored },
    becomes: 'nothing',
    notes: 'between types of real numbers, which are computed as float32 all the same',
    translate: (call, { to }) =>
      [1, 10, 11, 16].includes(to)
        ? call.value(0)
        : call.fail(`attribute 'to' is ${to}; wanted a type of real numbers`),
  }),
};

/** An operator of one input that becomes these layers, whatever its shape. */
function steps<Values>(
  becomes: string,
  attributes: Rules<Values>,
  stepsOf: (values: Values) => readonly Step[],
  notes?: string,
): Operator {
  const translate = (call: Call, values: Values): Value => withSteps(call, stepsOf(values));
  return operator({ attributes, becomes, ...(notes && { notes }), translate });
}

function withSteps(call: Call, list: readonly Step[]): Value {
  const value = call.value(0);
  return { ...value, node: call.addSteps(value.node, list) };
}

/**
 * Numbers are repeated along axes of size 1, as those of a gate for each channel are. The layer wants the larger factor first; PyTorch's
 * squeeze-and-excitation has its gate there.
 */
function product(call: Call): Value {
  const values = [call.value(0), call.value(1)].sort((a, b) => sizeOf(b.node.shape) - sizeOf(a.node.shape));
  const [a, b] = values.map(shapeOf);
  const fits = a.length === b.length && a.every((size, axis) => size === b[axis] || size === 1 || b[axis] === 1);
  const order = values
    .flatMap(({ layout }) => orders(layout))
    .find((candidate) => values.every(({ layout }) => liesIn(layout, candidate)));
  if (!fits || order === undefined) {
    return call.fail(
      `multiplies [${a}] and [${b}]; wanted sizes that are equal or 1, with the numbers in the same order`,
    );
  }
  const node = call.add(
    'multiply',
    values.map((value) => call.inOrder(value, order)),
    {},
  );
  return {
    node,
    layout: laidOut(
      a.map((size, axis) => Math.max(size, b[axis])),
      order,
    ),
  };
}

function sum(call: Call): Value {
  const values = call.node.inputs.map((_, index) => call.value(index));
  const [first] = values;
  for (const value of values) {
    if (!sameLayout(value.layout, first.layout)) {
      const shapes = values.map((each) => `[${shapeOf(each)}]`).join(' and ');
      call.fail(`adds ${shapes}; wanted the same shape, with the numbers in the same order`);
    }
  }
  const nodes = values.map(({ node }) => call.graph.reshape(node, first.node.shape));
  return { ...first, node: call.add('add', nodes, {}) };
}

function withConstant(call: Call, axis: number | undefined, operation: Arithmetic): Value {
  const constantFirst = call.isConstant(0);
  const formula = formulaOf(operation, constantFirst, call);
  const value = call.value(constantFirst ? 1 : 0);
  const constant = broadcastFrom(axis, call.constant(constantFirst ? 0 : 1).tensor, shapeOf(value).length);
  const { axes, numbers } = spread(call, value, constant);
  const x = axes.length === 0 ? withChannels(call, value) : call.lastAxis(value, axes);
  const channels = x.shape.at(-1)!;
  const norm = affineNorm(channels, numbers, formula, (bytes) => call.charge(bytes));
  return { ...value, node: call.add('batchNorm', [x], norm.attributes, norm.weights) };
}

/** The constant with the axes of size 1 after it that an old file's `axis` asks for. */
function broadcastFrom(axis: number | undefined, constant: Tensor, rank: number): Tensor {
  if (axis === undefined) return constant;
  const after = Math.max(0, rank - (axis < 0 ? axis + rank : axis) - constant.shape.length);
  return tensor([...constant.shape, ...new Array<number>(after).fill(1)], constant.data);
}

/** The node itself, or [batch, 1] where there is nothing but the batch. */
function withChannels(call: Call, { node, layout }: Value): Draft {
  return node.shape.length > 1 ? node : call.graph.reshape(node, [layout.batch, 1]);
}

/**
 * The constant's numbers along ours: by the innermost axes if it differs along these alone, by all axes otherwise. A constant of one
 * number needs no axes.
 */
function spread(call: Call, value: Value, constant: Tensor): { axes: number[]; numbers: number[] } {
  const shape = shapeOf(value);
  const sizes = [...new Array<number>(Math.max(0, shape.length - constant.shape.length)).fill(1), ...constant.shape];
  const fits = sizes.length === shape.length && sizes.every((size, axis) => size === 1 || size === shape[axis]);
  if (!fits || (sizes[value.layout.batchAxis] ?? 1) !== 1) {
    call.fail(`its constant of [${constant.shape}] does not fit an input of [${shape}], the same for the whole batch`);
  }
  const varying = sizes.flatMap((size, axis) => (size > 1 ? [axis] : []));
  if (varying.length === 0) return { axes: [], numbers: [constant.data[0]] };
  const all = shape.flatMap((_, axis) => (axis === value.layout.batchAxis ? [] : [axis]));
  const axes = innermost(value.layout, varying) === undefined ? all : varying;
  call.charge(32 * sizeOf(axes.map((axis) => shape[axis])));
  const places = positions(value.layout, axes);
  const from = constantPositions(shape, sizes, axes);
  const numbers = new Array<number>(places.length);
  for (const [index, place] of places.entries()) numbers[place] = constant.data[from[index]];
  return { axes, numbers };
}

/** Which of the constant's numbers each index of these axes reads. */
function constantPositions(shape: Shape, sizes: Shape, axes: readonly number[]): number[] {
  let found = [0];
  for (const axis of axes) {
    const stride = sizes[axis] === 1 ? 0 : sizeOf(sizes.slice(axis + 1));
    found = found.flatMap((position) => Array.from({ length: shape[axis] }, (_, index) => position + index * stride));
  }
  return found;
}
