/** Operators that move or rename numbers. Most of them become nothing: what they say is kept as the layout of their result. */
import { type Shape, sizeOf, withSize } from '../../../tensor.js';
import { type Part, partOf } from '../../steps.js';
import { flag, float, int, ints, optional, or, word } from '../attributes.js';
import { type Call, shapeOf } from '../call.js';
import { fullShape, SLICE, SPLIT, slicesOf, splitsOf } from '../folding.js';
import type { Value } from '../layout.js';
import {
  asIs,
  fileShape,
  type Layout,
  laidOut,
  liesIn,
  NHWC,
  reshaped,
  transposed,
  withAxes,
  withoutAxes,
} from '../layout.js';
import { type Operator, operator } from './operator.js';

export const shapes: Readonly<Record<string, Operator>> = {
  Concat: operator({
    attributes: { axis: or(1, int) },
    becomes: 'concat',
    notes: 'computed tensors; not along the batch',
    translate(call, attributes) {
      const values = call.node.inputs.map((_, index) => call.value(index));
      const axis = call.axis(attributes.axis, values[0].layout.axes.length);
      if (axis === 0) call.fail('joins along the batch');
      const shapes = values.map((value) => `[${shapeOf(value)}]`).join(', ');
      const order =
        orders(values[0].layout).find((candidate) => values.every(({ layout }) => liesIn(layout, candidate))) ??
        call.fail(`joins ${shapes}, whose numbers lie in different orders`);
      const nodes = values.map((value) => call.inOrder(value, order));
      const node = call.add('concat', nodes, { axis: order.indexOf(axis) });
      const size = values.reduce((total, value) => total + shapeOf(value)[axis], 0);
      return { node, layout: laidOut(withSize(shapeOf(values[0]), axis, size), order) };
    },
  }),

  Flatten: operator({
    attributes: { axis: or(1, int) },
    becomes: 'flatten',
    notes: 'the batch stays; of a picture, the dense layer after it reads the numbers in our order',
    translate(call, attributes) {
      const value = call.value(0);
      const shape = shapeOf(value);
      const axis = attributes.axis === shape.length ? shape.length : call.axis(attributes.axis, shape.length);
      return reshape(call, value, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
    },
  }),

  Reshape: operator({
    attributes: { allowzero: or(false, flag), shape: optional(ints()) },
    becomes: 'reshape, flatten or nothing',
    notes: 'shape constant; the batch stays the first axis',
    translate(call, { allowzero, shape }) {
      const value = call.value(0);
      const wanted = shape ?? call.numbers(1) ?? call.fail('has no shape');
      return reshape(call, value, fullShape(call, shapeOf(value), wanted, allowzero));
    },
  }),

  Squeeze: operator({
    attributes: { axes: optional(ints()) },
    becomes: 'reshape or nothing',
    notes: 'axes constant; not the batch',
    translate(call, attributes) {
      const value = call.value(0);
      const shape = shapeOf(value);
      const stated = attributes.axes ?? call.numbers(1);
      const unit = shape.flatMap((size, axis) => (size === 1 && axis !== value.layout.batchAxis ? [axis] : []));
      const axes = stated === undefined ? unit : call.axes(stated, shape.length);
      if (!axes.every((axis) => unit.includes(axis)))
        call.fail(`drops the axes [${axes}] of [${shape}]; wanted some of [${unit}]`);
      return settled(call, { ...value, layout: withoutAxes(value.layout, axes) });
    },
  }),

  Unsqueeze: operator({
    attributes: { axes: optional(ints()) },
    becomes: 'reshape or nothing',
    notes: 'axes constant; the batch stays the first axis',
    translate(call, attributes) {
      const value = call.value(0);
      const stated = attributes.axes ?? call.numbers(1) ?? call.fail('has no axes');
      const axes = call.axes(stated, value.layout.axes.length + stated.length);
      return settled(call, { ...value, layout: withAxes(value.layout, axes) });
    },
  }),

  Transpose: operator({
    attributes: { perm: optional(ints()) },
    becomes: 'nothing',
    notes: 'the numbers stay in our order; an operator or output that needs another is an error',
    translate(call, { perm }) {
      const value = call.value(0);
      const rank = value.layout.axes.length;
      const order = call.axes(perm ?? asIs(rank).reverse(), rank);
      if (order.length !== rank)
        call.fail(`attribute 'perm' is [${perm}], the input has the shape [${shapeOf(value)}]`);
      return { ...value, layout: transposed(value.layout, order) };
    },
  }),

  Slice: operator({
    attributes: SLICE,
    becomes: 'pointwiseConv2d or depthwiseConv2d, which copy',
    notes: 'bounds as attributes (before operator set 10) or constant inputs, steps of 1 or more; not of the batch',
    translate(call, stated) {
      const value = call.value(0);
      return slicesOf(call, stated, shapeOf(value)).reduce((cut, each) => part(call, cut, each), value);
    },
  }),

  Split: operator({
    attributes: SPLIT,
    becomes: 'pointwiseConv2d or depthwiseConv2d, which copy',
    notes: 'sizes as attribute (before operator set 13), as constant input, or equal; not of the batch',
    translate(call, stated) {
      const value = call.value(0);
      return splitsOf(call, stated, shapeOf(value)).map((each) => part(call, value, each));
    },
  }),

  Pad: operator({
    attributes: {
      mode: or('constant', word('constant')),
      pads: optional(ints()),
      paddings: optional(ints()),
      value: or(0, float),
    },
    becomes: 'pad',
    notes: 'of height and width, by 0 or more; pads and value as attributes or constant inputs',
    translate(call, attributes) {
      const value = call.value(0);
      const shape = shapeOf(value);
      const stated = attributes.pads ?? attributes.paddings ?? call.numbers(1) ?? call.fail('has no pads');
      const axes = call.has(3) ? call.axes(call.numbers(3)!, shape.length) : asIs(shape.length);
      const order =
        orders(value.layout).find((candidate) => liesIn(value.layout, candidate)) ??
        call.fail(`pads [${shape}], whose numbers lie in the order of none of its axes`);
      if (shape.length !== 4 || stated.length !== 2 * axes.length) {
        call.fail(`pads [${shape}] by [${stated}]; wanted a picture and two numbers for each of its axes`);
      }
      const [batch, [top, bottom], [left, right], channels] = order.map((axis) => {
        const at = axes.indexOf(axis);
        return at < 0 ? [0, 0] : [stated[at], stated[at + axes.length]];
      });
      if ([...batch, ...channels].some((side) => side !== 0)) {
        call.fail(`pads [${shape}] by [${stated}]; wanted padding of height and width alone`);
      }
      const padding = { top, bottom, left, right };
      const node = call.add('pad', [call.inOrder(value, order)], {
        padding,
        value: call.scalar(2) ?? attributes.value,
      });
      const padded = [...shape];
      for (const [at, axis] of order.entries()) padded[axis] = node.shape[at];
      return { node, layout: laidOut(padded, order) };
    },
  }),
};

/** A part of the tensor, along an axis of the file's. */
function part(call: Call, value: Value, { axis, ...range }: Part): Value {
  const shape = shapeOf(value);
  const { from, count, step = 1 } = range;
  if (count === shape[axis]) return value;
  if (axis === value.layout.batchAxis || !(count >= 1 && from + (count - 1) * step < shape[axis])) {
    call.fail(
      `takes ${count} numbers from ${from} on of axis ${axis} of [${shape}]; wanted one or more that are there, and not of the batch`,
    );
  }
  const order =
    orders(value.layout).find((candidate) => liesIn(value.layout, candidate)) ??
    call.fail(`takes a part of [${shape}], whose numbers lie in the order of none of its axes`);
  const x = call.inOrder(value, order);
  const ours = { axis: order.indexOf(axis), ...range };
  return { node: call.addSteps(x, partOf(x.shape, ours)), layout: laidOut(withSize(shape, axis, count), order) };
}

/** Orders in which the axes of a tensor may lie: a picture's, the file's own, and this one's. */
export function orders(layout: Layout): number[][] {
  const rank = layout.axes.length;
  const stride = (axis: number) => (axis === layout.batchAxis ? Infinity : (layout.axes[axis][0]?.stride ?? 0));
  const own = asIs(rank).sort((a, b) => stride(b) - stride(a));
  return [...(rank === 4 ? [[...NHWC]] : []), asIs(rank), own];
}

function reshape(call: Call, value: Value, shape: Shape): Value {
  const { batch, batchAxis } = value.layout;
  if (batchAxis !== 0 || shape[0] !== batch) {
    call.fail(`reshapes [${shapeOf(value)}] to [${shape}]; the batch of ${batch} has to stay the first axis`);
  }
  const layout = reshaped(value.layout, shape.slice(1));
  if (layout === undefined) {
    call.fail(
      `reshapes [${shapeOf(value)}] to [${shape}], which joins numbers that do not lie side by side in [batch, height, width, channels]`,
    );
  }
  return settled(call, { node: value.node, layout });
}

/** The value with its node in the file's shape, where the numbers have the file's order and no picture's. */
function settled(call: Call, value: Value): Value {
  const { layout } = value;
  const rank = layout.axes.length;
  if (!liesIn(layout, asIs(rank)) || (rank === 4 && liesIn(layout, NHWC))) return value;
  return { layout, node: call.graph.reshape(value.node, fileShape(layout)) };
}
