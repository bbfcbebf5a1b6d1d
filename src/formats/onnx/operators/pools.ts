import { globalMax } from '../../steps.js';
import { flag, ints, only, optional, or } from '../attributes.js';
import { type Call, pictureValue, shapeOf } from '../call.js';
import type { Value } from '../layout.js';
import { innermost, withoutAxes } from '../layout.js';
import { type Operator, operator } from './operator.js';
import { paddingOf, pairOf, poolRules } from './windows.js';

const onesRule = {
  accepts: '1 along both axes',
  read: ({ value }: { value: unknown }) => (Array.isArray(value) && value.every((d) => d === 1) ? [1, 1] : undefined),
  fallback: [1, 1],
};

export const pools: Readonly<Record<string, Operator>> = {
  AveragePool: operator({
    attributes: { ...poolRules, count_include_pad: or(false, flag), dilations: onesRule },
    becomes: 'averagePool',
    notes: 'two-dimensional',
    translate(call, { count_include_pad: includePadding, ...attributes }) {
      const { x, pool, padded } = window(call, attributes);
      if (includePadding && padded) {
        call.fail(
          "attribute 'ceil_mode' is 1 together with count_include_pad, and the last window reaches behind the padding",
        );
      }
      return pictureValue(call.add('averagePool', [x], { ...pool, includePadding }));
    },
  }),

  MaxPool: operator({
    attributes: { ...poolRules, dilations: onesRule },
    becomes: 'maxPool',
    notes: 'two-dimensional; the indices of the maxima must not be used',
    translate(call, attributes) {
      const { x, pool } = window(call, attributes);
      return pictureValue(call.add('maxPool', [x], pool));
    },
  }),

  GlobalAveragePool: operator({
    attributes: {},
    becomes: 'globalAveragePool',
    notes: 'two-dimensional',
    translate: (call) => pictureValue(call.add('globalAveragePool', [call.picture(0)], { keepDims: true })),
  }),

  GlobalMaxPool: operator({
    attributes: {},
    becomes: 'maxPool',
    notes: 'two-dimensional',
    translate: (call) => pictureValue(call.addSteps(call.picture(0), globalMax(true))),
  }),

  ReduceMax: operator({
    attributes: { axes: optional(ints()), keepdims: or(true, flag), noop_with_empty_axes: only(0) },
    becomes: 'maxPool',
    notes: 'over height and width of pictures; the axes constant',
    translate(call, { axes, keepdims }) {
      const shape = shapeOf(call.value(0));
      const chosen = call.axes(axes ?? call.numbers(1) ?? shape.map((_, axis) => axis), shape.length);
      if (`${[...chosen].sort()}` !== '2,3') {
        call.fail(`the largest over the axes [${chosen}] of [${shape}]; wanted height and width, [2,3]`);
      }
      const value = pictureValue(call.addSteps(call.picture(0), globalMax(true)));
      return keepdims ? value : { ...value, layout: withoutAxes(value.layout, chosen) };
    },
  }),

  ReduceMean: operator({
    attributes: { axes: optional(ints()), keepdims: or(true, flag), noop_with_empty_axes: only(0) },
    becomes: 'globalAveragePool',
    notes: 'over height and width; the axes constant',
    translate(call, { axes, keepdims }) {
      const value = call.value(0);
      const rank = value.layout.axes.length;
      const stated = axes ?? call.numbers(1);
      const chosen = call.axes(stated?.length ? stated : shapeOf(value).map((_, axis) => axis), rank);
      return mean(call, value, chosen, keepdims);
    },
  }),
};

type PoolAttributes = Parameters<typeof paddingOf>[1] & {
  readonly kernel_shape: readonly number[] | undefined;
  readonly ceil_mode: boolean;
};

function window(call: Call, attributes: PoolAttributes) {
  const x = call.picture(0);
  const [, H, W] = x.shape;
  const poolSize = pairOf(attributes.kernel_shape ?? call.fail("attribute 'kernel_shape' is missing"));
  const plain = paddingOf(call, attributes, [H, W], poolSize, [1, 1]);
  const padding = paddingOf(call, attributes, [H, W], poolSize, [1, 1], attributes.ceil_mode);
  const padded = JSON.stringify(plain) !== JSON.stringify(padding);
  return { x, pool: { poolSize, strides: pairOf(attributes.strides), padding }, padded };
}

/** The mean over axes whose numbers lie between the batch and those of all other axes, as height and width do. */
function mean(call: Call, { node, layout }: Value, chosen: readonly number[], keepDims: boolean): Value {
  const { axes, batch, batchAxis } = layout;
  const kept = axes.map((_, axis) => axis).filter((axis) => axis !== batchAxis && !chosen.includes(axis));
  const channels = innermost(layout, kept);
  if (chosen.includes(batchAxis) || channels === undefined) {
    call.fail(`means over the axes [${chosen}] of [${shapeOf({ node, layout })}]; wanted height and width`);
  }
  const count = node.shape.slice(1).reduce((product, size) => product * size, 1) / channels;
  const fits = node.shape.length === 4 && node.shape[3] === channels;
  const picture = fits ? node : call.graph.reshape(node, [batch, count, 1, channels]);
  const pooled = call.add('globalAveragePool', [picture], { keepDims: keepDims && axes.length === 4 });
  const left = { axes: axes.map((digits, axis) => (chosen.includes(axis) ? [] : digits)), batch, batchAxis };
  return { node: pooled, layout: keepDims ? left : withoutAxes(left, chosen) };
}
