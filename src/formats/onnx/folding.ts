/**
 * Operators on constants alone, computed once while the file is read: exporters write the sizes of a reshape, the axes of a squeeze or a
 * transposed kernel as small graphs of their own.
 */

import { roundHalfToEven } from '../../rounding.js';
import {
  type FloatArray,
  type QuantizedType,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  tensor,
  withSize,
} from '../../tensor.js';
import type { Part } from '../steps.js';
import { transposed } from '../strided.js';
import {
  constantTensor,
  flag,
  float,
  floats,
  ignored,
  int,
  ints,
  only,
  optional,
  or,
  type Rules,
  type Stated,
} from './attributes.js';
import { type Call, shapeOf } from './call.js';
import type { Constant } from './model.js';
import { DATA_TYPES } from './schema.js';

export interface Fold<Values = never> {
  readonly attributes: Rules<Values>;
  /** The operator's result, or all of them. */
  readonly compute: (call: Call, attributes: Values) => Constant | readonly Constant[];
}

const fold = <Values>(attributes: Rules<Values>, compute: Fold<Values>['compute']) =>
  ({ attributes, compute }) as unknown as Fold;

const wholeNumbers = (numbers: readonly number[]): Constant => ({
  tensor: tensor([numbers.length], Float64Array.from(numbers)),
  whole: true,
});

const sameType = (x: Tensor, size: number): FloatArray =>
  x.data instanceof Float64Array ? new Float64Array(size) : new Float32Array(size);

export const SLICE = { starts: optional(ints()), ends: optional(ints()), axes: optional(ints()) };
export const SPLIT = { axis: or(0, int), split: optional(ints()), num_outputs: ignored };

export const folds: Readonly<Record<string, Fold>> = {
  Add: arithmetic((a, b) => a + b),
  Cast: fold({ to: int, saturate: ignored }, (call, { to }) => {
    const { tensor: x } = call.constant(0);
    const real = [1, 10, 11, 16].includes(to);
    return { tensor: real ? x : tensor(x.shape, Float64Array.from(x.data, Math.trunc)), whole: !real };
  }),
  Clip: fold({ min: optional(float), max: optional(float) }, (call, { min, max }) => {
    const { tensor: x, whole } = call.constant(0);
    const [least, most] = [min ?? call.scalar(1) ?? -Infinity, max ?? call.scalar(2) ?? Infinity];
    return {
      tensor: tensor(
        x.shape,
        x.data.map((value) => Math.min(Math.max(value, least), most)),
      ),
      whole,
    };
  }),
  Concat: fold({ axis: int }, (call, attributes) => {
    const parts = call.node.inputs.map((_, index) => call.constant(index));
    const shapes = parts.map(({ tensor: { shape } }) => shape);
    const axis = call.axis(attributes.axis, shapes[0].length);
    const fits = shapes.every((shape) => sameShape(withSize(shape, axis, 0), withSize(shapes[0], axis, 0)));
    if (!fits) call.fail(`joins constants of ${shapes.map((shape) => `[${shape}]`).join(', ')} along axis ${axis}`);
    const shape = withSize(
      shapes[0],
      axis,
      shapes.reduce((sum, each) => sum + each[axis], 0),
    );
    const data = sameType(parts[0].tensor, expectSize(call, shape));
    const run = sizeOf(shape.slice(axis));
    let from = 0;
    for (const { tensor: part } of parts) {
      const size = sizeOf(part.shape.slice(axis));
      for (let outer = 0; outer * run < data.length; outer++) {
        data.set(part.data.subarray(outer * size, (outer + 1) * size), outer * run + from);
      }
      from += size;
    }
    return { tensor: tensor(shape, data), whole: parts[0].whole };
  }),
  Constant: fold(
    {
      value: optional(constantTensor),
      value_float: optional(float),
      value_floats: optional(floats),
      value_int: optional(int),
      value_ints: optional(ints()),
    },
    (call, found) => {
      if (found.value) return found.value;
      if (found.value_ints) return wholeNumbers(found.value_ints);
      if (found.value_floats) {
        return { tensor: tensor([found.value_floats.length], Float32Array.from(found.value_floats)), whole: false };
      }
      const number = found.value_int ?? found.value_float ?? call.fail('holds no tensor, number or numbers');
      return { tensor: tensor([], Float64Array.of(number)), whole: found.value_int !== undefined };
    },
  ),
  ConstantOfShape: fold({ value: optional(constantTensor) }, (call, { value }) => {
    const shape = Array.from(call.constant(0).tensor.data);
    const size = expectSize(call, shape);
    const number = value?.tensor.data[0] ?? 0;
    return { tensor: tensor(shape, new Float64Array(size).fill(number)), whole: value?.whole ?? false };
  }),
  DequantizeLinear: fold({ axis: or(1, int), block_size: only(0), output_dtype: ignored }, (call, { axis }) => ({
    tensor: onGrid(call, axis, (q, scale, zeroPoint) => (q - zeroPoint) * scale),
    whole: false,
    ...gridOf(call),
  })),
  Div: arithmetic((a, b, whole) => (whole ? Math.trunc(a / b) : a / b)),
  Exp: unary(Math.exp),
  Floor: unary(Math.floor),
  Gather: fold({ axis: or(0, int) }, (call, { axis }) => {
    const { tensor: x, whole } = call.constant(0);
    const { tensor: indices } = call.constant(1);
    const along = call.axis(axis, x.shape.length);
    const count = x.shape[along];
    const chosen = Array.from(indices.data, (found) => {
      const index = found < 0 ? found + count : found;
      return index >= 0 && index < count ? index : call.fail(`gathers number ${found} of ${count}`);
    });
    const shape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)];
    expectSize(call, shape);
    return { tensor: tensor(shape, rows(x, along, chosen).data), whole };
  }),
  Identity: fold({}, (call) => call.constant(0)),
  Max: arithmetic((a, b) => Math.max(a, b)),
  Min: arithmetic((a, b) => Math.min(a, b)),
  Mul: arithmetic((a, b) => a * b),
  Neg: unary((x) => -x),
  QuantizeLinear: fold(
    { axis: or(1, int), saturate: ignored, block_size: only(0), precision: ignored, output_dtype: or(0, int) },
    (call, { axis }) => {
      const type = typeOfResult(call);
      const [least, most] = integerRange(call, type);
      const round = (x: number, scale: number, zeroPoint: number) =>
        Math.min(Math.max(roundHalfToEven(x / scale) + zeroPoint, least), most);
      return { tensor: onGrid(call, axis, round), whole: true, type };
    },
  ),
  Reshape: fold({ allowzero: or(false, flag), shape: optional(ints()) }, (call, { allowzero, shape }) => {
    const { tensor: x, ...rest } = call.constant(0);
    const wanted = shape ?? call.numbers(1) ?? call.fail('has no shape');
    return { ...rest, tensor: tensor(fullShape(call, x.shape, wanted, allowzero), x.data) };
  }),
  Shape: fold({ start: or(0, int), end: optional(int) }, (call, { start, end }) => {
    const shape = call.isConstant(0) ? call.constant(0).tensor.shape : shapeOf(call.value(0));
    return wholeNumbers(shape.slice(start, end));
  }),
  Slice: fold(SLICE, (call, stated) => {
    const { tensor: x, whole } = call.constant(0);
    const cut = slicesOf(call, stated, x.shape).reduce(taken, x);
    expectSize(call, cut.shape);
    return { tensor: cut, whole };
  }),
  Split: fold(SPLIT, (call, stated) => {
    const { tensor: x, whole } = call.constant(0);
    expectSize(call, x.shape);
    return splitsOf(call, stated, x.shape).map((part) => ({ tensor: taken(x, part), whole }));
  }),
  Squeeze: fold({ axes: optional(ints()) }, (call, { axes }) => {
    const { tensor: x, ...rest } = call.constant(0);
    const chosen = axes ?? call.numbers(1);
    const removed = chosen && call.axes(chosen, x.shape.length);
    const shape = x.shape.filter((size, axis) => (removed ? !removed.includes(axis) : size !== 1));
    return { ...rest, tensor: tensor(shape, x.data) };
  }),
  Sub: arithmetic((a, b) => a - b),
  Transpose: fold({ perm: optional(ints()) }, (call, { perm }) => {
    const { tensor: x, ...rest } = call.constant(0);
    const order = call.axes(perm ?? x.shape.map((_, axis) => x.shape.length - 1 - axis), x.shape.length);
    if (order.length !== x.shape.length) call.fail(`its permutation [${order}] does not fit [${x.shape}]`);
    expectSize(call, x.shape);
    return { ...rest, tensor: transposed(x, order) };
  }),
  Unsqueeze: fold({ axes: optional(ints()) }, (call, { axes }) => {
    const { tensor: x, ...rest } = call.constant(0);
    const added = axes ?? call.numbers(1) ?? call.fail('has no axes');
    const rank = x.shape.length + added.length;
    const places = call.axes(added, rank);
    const sizes = [...x.shape];
    const shape = Array.from({ length: rank }, (_, axis) => (places.includes(axis) ? 1 : sizes.shift()!));
    return { ...rest, tensor: tensor(shape, x.data) };
  }),
};

function unary(compute: (x: number) => number): Fold {
  return fold({}, (call) => {
    const { tensor: x, whole } = call.constant(0);
    expectSize(call, x.shape);
    return { tensor: tensor(x.shape, x.data.map(compute)), whole };
  });
}

/** Of constants, which are repeated along axes of size 1. */
function arithmetic(compute: (a: number, b: number, whole: boolean) => number): Fold {
  return fold({}, (call) => {
    const [first, ...others] = call.node.inputs.map((_, index) => call.constant(index));
    return others.reduce((a, b) => combined(call, a, b, compute), first);
  });
}

function combined(
  call: Call,
  a: Constant,
  b: Constant,
  compute: (a: number, b: number, whole: boolean) => number,
): Constant {
  const rank = Math.max(a.tensor.shape.length, b.tensor.shape.length);
  const [from, to] = [a, b].map((x) => [...new Array(rank - x.tensor.shape.length).fill(1), ...x.tensor.shape]);
  const shape = from.map((size, axis) => (size === 1 ? to[axis] : size));
  if (!shape.every((size, axis) => to[axis] === 1 || to[axis] === size)) {
    call.fail(`constants of [${a.tensor.shape}] and [${b.tensor.shape}], wanted sizes that are equal or 1`);
  }
  const larger = a.tensor.data.length >= b.tensor.data.length ? a.tensor : b.tensor;
  const data = sameType(larger, expectSize(call, shape));
  const [placesA, placesB] = [places(from, shape), places(to, shape)];
  for (let i = 0; i < data.length; i++) {
    data[i] = compute(a.tensor.data[placesA(i)], b.tensor.data[placesB(i)], a.whole);
  }
  return { tensor: tensor(shape, data), whole: a.whole };
}

/** Which number of a constant of sizes `from` stands at each place of `shape`. */
function places(from: Shape, shape: Shape): (index: number) => number {
  if (sizeOf(from) === sizeOf(shape)) return (index) => index;
  if (sizeOf(from) === 1) return () => 0;
  return (index) => {
    let [left, place, stride] = [index, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (from[axis] > 1) place += (left % shape[axis]) * stride;
      left = Math.floor(left / shape[axis]);
      stride *= from[axis];
    }
    return place;
  };
}

const taken = (x: Tensor, { axis, from, count, step = 1 }: Part): Tensor =>
  rows(
    x,
    axis,
    Array.from({ length: count }, (_, at) => from + at * step),
  );

/** The rows of these indices along an axis. */
function rows(x: Tensor, axis: number, indices: readonly number[]): Tensor {
  const size = sizeOf(x.shape.slice(axis + 1));
  const shape = withSize(x.shape, axis, indices.length);
  const data = sameType(x, sizeOf(shape));
  let at = 0;
  for (let outer = 0; at < data.length; outer++) {
    for (const index of indices) {
      const from = (outer * x.shape[axis] + index) * size;
      data.set(x.data.subarray(from, from + size), at);
      at += size;
    }
  }
  return tensor(shape, data);
}

/** What Slice takes along each of its axes. Bounds were attributes before operator set 10. */
export function slicesOf(call: Call, stated: Stated<typeof SLICE>, shape: Shape): Part[] {
  const starts = stated.starts ?? call.numbers(1) ?? call.fail('has no starts');
  const ends = stated.ends ?? call.numbers(2) ?? call.fail('has no ends');
  const axes = call.axes(stated.axes ?? call.numbers(3) ?? starts.map((_, axis) => axis), shape.length);
  const steps = call.numbers(4) ?? starts.map(() => 1);
  const listed = [ends, axes, steps].every(({ length }) => length === starts.length);
  if (!listed || steps.some((step) => !(step >= 1))) {
    call.fail(
      `slices [${shape}] along [${axes}] from [${starts}] to [${ends}] in steps of [${steps}]; wanted as many of each, and steps of 1 or more`,
    );
  }
  return axes.map((axis, index) => {
    const bound = (at: number) => Math.min(Math.max(at < 0 ? at + shape[axis] : at, 0), shape[axis]);
    const [from, end, step] = [bound(starts[index]), bound(ends[index]), steps[index]];
    return { axis, from, count: Math.max(Math.ceil((end - from) / step), 0), step };
  });
}

/** The parts of a Split: of stated sizes, as an attribute before operator set 13, or equal ones. */
export function splitsOf(call: Call, stated: Stated<typeof SPLIT>, shape: Shape): Part[] {
  const axis = call.axis(stated.axis, shape.length);
  const { length } = call.node.outputs;
  const each = Math.ceil(shape[axis] / length);
  const equal = call.node.outputs.map((_, index) => Math.min(each, shape[axis] - index * each));
  const sizes = stated.split ?? call.numbers(1) ?? equal;
  if (sizes.length !== length || sizes.reduce((sum, size) => sum + size, 0) !== shape[axis]) {
    call.fail(`splits [${shape}] along axis ${axis} into parts of [${sizes}] for ${length} results`);
  }
  let from = 0;
  return sizes.map((count) => {
    from += count;
    return { axis, from: from - count, count };
  });
}

/** The shape that a reshape asks for: 0 keeps a size, −1 is what is left. */
export function fullShape(call: Call, from: Shape, wanted: readonly number[], allowZero: boolean): number[] {
  const kept = wanted.map((size, axis) => (size === 0 && !allowZero ? from[axis] : size));
  const open = kept.filter((size) => size === -1).length;
  const known = sizeOf(kept.filter((size) => size !== -1) as number[]);
  const rest = sizeOf(from) / known;
  const shape = kept.map((size) => (size === -1 ? rest : size));
  if (open > 1 || !shape.every((size) => Number.isInteger(size) && size > 0) || sizeOf(shape) !== sizeOf(from)) {
    call.fail(`the numbers of [${from}] do not fit into [${wanted}]`);
  }
  return shape;
}

/** Least and greatest number of the types that a network is quantised to. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  UINT8: [0, 255],
  INT8: [-128, 127],
  UINT16: [0, 65535],
  INT16: [-32768, 32767],
};

export const integerRange = (call: Call, type: string): readonly [number, number] =>
  RANGES[type] ?? call.fail(`quantises to ${type}; wanted ${Object.keys(RANGES).join(', ')}`);

/** The type that QuantizeLinear yields. */
export function typeOfResult(call: Call): string {
  const stated = call.node.attributes.find(({ name }) => name === 'output_dtype')?.value;
  return (call.has(2) && call.constant(2).type) || DATA_TYPES[Number(stated) || DATA_TYPES.indexOf('UINT8')];
}

/** Each number of the first input, with its scale and zero point: one of all, or one for each place along the axis. */
function onGrid(call: Call, axis: number, compute: (x: number, scale: number, zeroPoint: number) => number): Tensor {
  const { tensor: x, type } = call.constant(0);
  const { tensor: scales } = call.constant(1);
  const zeros = call.has(2) ? call.constant(2).tensor.data : undefined;
  const single = scales.data.length === 1 && (zeros === undefined || zeros.length === 1);
  const along = single ? 0 : call.axis(axis, x.shape.length);
  const count = single ? 1 : x.shape[along];
  const fits = (numbers: FloatArray) => numbers.length === 1 || numbers.length === count;
  if (scales.shape.length > 1 || !fits(scales.data) || (zeros && !fits(zeros))) {
    call.fail(
      `scales of [${scales.shape}] and ${zeros?.length ?? count} zero points for a constant of [${x.shape}]; wanted one, or one for each of its ${count} numbers along axis ${along}`,
    );
  }
  const stride = single ? 1 : sizeOf(x.shape.slice(along + 1));
  const size = expectSize(call, x.shape);
  // float32 has too few digits for int32.
  const data = type === 'INT32' ? new Float64Array(size) : new Float32Array(size);
  const at = (numbers: FloatArray | undefined, channel: number) =>
    numbers === undefined ? 0 : numbers[numbers.length === 1 ? 0 : channel];
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / stride) % count;
    data[i] = compute(x.data[i], at(scales.data, channel), at(zeros, channel));
  }
  return tensor(x.shape, data);
}

/** What the integers of the first input, which are dequantised, are. */
function gridOf(call: Call): Pick<Constant, 'grid'> {
  const type = GRIDS[call.constant(0).type ?? ''];
  const scales = call.constant(1).tensor.data;
  const zeroPoints = call.has(2) ? call.constant(2).tensor.data : [0];
  return type ? { grid: { type, scales, zeroPoints } } : {};
}

/** Types of integers, here and there. */
export const GRIDS: Readonly<Record<string, QuantizedType['type']>> = { INT8: 'int8', UINT8: 'uint8', INT32: 'int32' };

function expectSize(call: Call, shape: Shape): number {
  const size = sizeOf(shape);
  if (!shape.every((side) => Number.isInteger(side) && side >= 0)) call.fail(`[${shape}] is no shape`);
  call.charge(8 * size);
  return size;
}
