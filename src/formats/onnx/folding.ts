/**
 * Operators on constants alone, computed once while the file is read: exporters write the sizes of a reshape, the axes of a squeeze or a
 * transposed kernel as small graphs of their own.
 */
import { type FloatArray, type Shape, sizeOf, type Tensor, tensor } from '../../tensor.js';
import { transposedTensor } from '../transposed.js';
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
} from './attributes.js';
import { type Call, shapeOf } from './call.js';
import type { Constant } from './model.js';

export interface Fold<Values = never> {
  readonly attributes: Rules<Values>;
  readonly compute: (call: Call, attributes: Values) => Constant;
}

const fold = <Values>(attributes: Rules<Values>, compute: Fold<Values>['compute']) =>
  ({ attributes, compute }) as unknown as Fold;

const wholeNumbers = (numbers: readonly number[]): Constant => ({
  tensor: tensor([numbers.length], Float64Array.from(numbers)),
  whole: true,
});

const sameType = (x: Tensor, size: number): FloatArray =>
  x.data instanceof Float64Array ? new Float64Array(size) : new Float32Array(size);

export const folds: Readonly<Record<string, Fold>> = {
  Add: arithmetic((a, b) => a + b),
  Cast: fold({ to: int, saturate: ignored }, (call, { to }) => {
    const { tensor: x } = call.constant(0);
    const real = [1, 10, 11, 16].includes(to);
    return { tensor: real ? x : tensor(x.shape, Float64Array.from(x.data, Math.trunc)), whole: !real };
  }),
  Concat: fold({ axis: int }, (call, { axis }) => {
    const parts = call.node.inputs.map((_, index) => call.constant(index));
    call.axis(axis, 1);
    if (parts.some(({ tensor: { shape } }) => shape.length !== 1)) call.fail('joins constants of more than one axis');
    for (const { tensor: part } of parts) expectSize(call, part.shape);
    const numbers = parts.flatMap(({ tensor: { data } }) => Array.from(data));
    return { tensor: tensor([numbers.length], Float64Array.from(numbers)), whole: parts[0].whole };
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
  DequantizeLinear: fold({ axis: or(1, int), block_size: only(0), output_dtype: ignored }, (call, { axis }) => {
    const { tensor: x } = call.constant(0);
    const { tensor: scales } = call.constant(1);
    const zeros = call.has(2) ? call.constant(2).tensor.data : undefined;
    const single = scales.data.length === 1;
    const along = single ? 0 : call.axis(axis, x.shape.length);
    const count = single ? 1 : x.shape[along];
    if (scales.shape.length > 1 || scales.data.length !== count || (zeros && zeros.length !== count)) {
      call.fail(
        `scales of [${scales.shape}] and ${zeros?.length ?? count} zero points for a constant of [${x.shape}]; wanted one, or one for each of its ${count} numbers along axis ${along}`,
      );
    }
    const stride = single ? 1 : sizeOf(x.shape.slice(along + 1));
    const data = new Float32Array(expectSize(call, x.shape));
    for (let i = 0; i < data.length; i++) {
      const channel = Math.floor(i / stride) % count;
      data[i] = (x.data[i] - (zeros?.[channel] ?? 0)) * scales.data[channel];
    }
    return { tensor: tensor(x.shape, data), whole: false };
  }),
  Div: arithmetic((a, b, whole) => (whole ? Math.trunc(a / b) : a / b)),
  Floor: fold({}, (call) => {
    const { tensor: x, whole } = call.constant(0);
    return { tensor: tensor(x.shape, x.data.map(Math.floor)), whole };
  }),
  Gather: fold({ axis: or(0, int) }, (call, { axis }) => {
    const { tensor: x, whole } = call.constant(0);
    const { tensor: indices } = call.constant(1);
    if (call.axis(axis, x.shape.length) !== 0) call.fail(`gathers constants along axis ${axis}, wanted 0`);
    const [count, ...rest] = x.shape;
    const size = sizeOf(rest);
    const data = sameType(x, expectSize(call, [...indices.shape, ...rest]));
    for (const [at, found] of indices.data.entries()) {
      const index = found < 0 ? found + count : found;
      if (!(index >= 0 && index < count)) call.fail(`gathers number ${found} of ${count}`);
      data.set(x.data.subarray(index * size, (index + 1) * size), at * size);
    }
    return { tensor: tensor([...indices.shape, ...rest], data), whole };
  }),
  Identity: fold({}, (call) => call.constant(0)),
  Mul: arithmetic((a, b) => a * b),
  Reshape: fold({ allowzero: or(false, flag), shape: optional(ints()) }, (call, { allowzero, shape }) => {
    const { tensor: x, whole } = call.constant(0);
    const wanted = shape ?? call.numbers(1) ?? call.fail('has no shape');
    return { tensor: tensor(fullShape(call, x.shape, wanted, allowzero), x.data), whole };
  }),
  Shape: fold({ start: or(0, int), end: optional(int) }, (call, { start, end }) => {
    const shape = call.isConstant(0) ? call.constant(0).tensor.shape : shapeOf(call.value(0));
    return wholeNumbers(shape.slice(start, end));
  }),
  Slice: fold({ starts: optional(ints()), ends: optional(ints()), axes: optional(ints()) }, (call, found) => {
    const { tensor: x, whole } = call.constant(0);
    const [start, ...moreStarts] = found.starts ?? call.numbers(1) ?? [];
    const [end, ...moreEnds] = found.ends ?? call.numbers(2) ?? [];
    const steps = call.numbers(4) ?? [1];
    if (x.shape.length !== 1 || moreStarts.length > 0 || moreEnds.length > 0 || steps.some((step) => step !== 1)) {
      call.fail('slices a constant of more than one axis, or in steps');
    }
    const data = x.data.slice(start, Math.min(end, x.data.length));
    return { tensor: tensor([data.length], data), whole };
  }),
  Squeeze: fold({ axes: optional(ints()) }, (call, { axes }) => {
    const { tensor: x, whole } = call.constant(0);
    const chosen = axes ?? call.numbers(1);
    const removed = chosen && call.axes(chosen, x.shape.length);
    const shape = x.shape.filter((size, axis) => (removed ? !removed.includes(axis) : size !== 1));
    return { tensor: tensor(shape, x.data), whole };
  }),
  Sub: arithmetic((a, b) => a - b),
  Transpose: fold({ perm: optional(ints()) }, (call, { perm }) => {
    const { tensor: x, whole } = call.constant(0);
    const order = call.axes(perm ?? x.shape.map((_, axis) => x.shape.length - 1 - axis), x.shape.length);
    if (order.length !== x.shape.length) call.fail(`its permutation [${order}] does not fit [${x.shape}]`);
    expectSize(call, x.shape);
    return { tensor: transposedTensor(x, order), whole };
  }),
  Unsqueeze: fold({ axes: optional(ints()) }, (call, { axes }) => {
    const { tensor: x, whole } = call.constant(0);
    const added = axes ?? call.numbers(1) ?? call.fail('has no axes');
    const rank = x.shape.length + added.length;
    const places = call.axes(added, rank);
    const sizes = [...x.shape];
    const shape = Array.from({ length: rank }, (_, axis) => (places.includes(axis) ? 1 : sizes.shift()!));
    return { tensor: tensor(shape, x.data), whole };
  }),
};

/** Of two constants of the same shape, or of one and a single number. */
function arithmetic(compute: (a: number, b: number, whole: boolean) => number): Fold {
  return fold({}, (call) => {
    const a = call.constant(0);
    const b = call.constant(1);
    const larger = a.tensor.data.length >= b.tensor.data.length ? a.tensor : b.tensor;
    const smaller = larger === a.tensor ? b.tensor : a.tensor;
    if (smaller.data.length !== 1 && smaller.data.length !== larger.data.length) {
      call.fail(`constants of [${a.tensor.shape}] and [${b.tensor.shape}], wanted the same shape or a single number`);
    }
    const at = (x: Tensor, index: number) => x.data[x.data.length === 1 ? 0 : index];
    const data = sameType(larger, expectSize(call, larger.shape));
    for (let i = 0; i < data.length; i++) data[i] = compute(at(a.tensor, i), at(b.tensor, i), a.whole);
    return { tensor: tensor(larger.shape, data), whole: a.whole };
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

function expectSize(call: Call, shape: Shape): number {
  const size = sizeOf(shape);
  if (!shape.every((side) => Number.isInteger(side) && side >= 0)) call.fail(`[${shape}] is no shape`);
  call.charge(8 * size);
  return size;
}
