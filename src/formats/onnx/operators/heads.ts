/** What stands at the end of the family's networks: softmax, label maps, and the resize before them. */
import type { Pair } from '../../../padding.js';
import { flag, float, floats, ignored, int, ints, only, optional, or, word } from '../attributes.js';
import { type Call, pictureValue, shapeOf } from '../call.js';
import type { Value } from '../layout.js';
import { positions, withoutAxes } from '../layout.js';
import { type Operator, operator } from './operator.js';

type BilinearRule = 'tf1-legacy' | 'tf1-align-corners' | 'half-pixel';

export const heads: Readonly<Record<string, Operator>> = {
  Softmax: operator({
    attributes: { axis: optional(int) },
    becomes: 'softmax',
    notes: 'along the channels; before operator set 13, along all axes from the named one on',
    translate(call, { axis }) {
      const value = call.value(0);
      const rank = value.layout.axes.length;
      const first = call.axis(axis ?? (call.opset < 13 ? 1 : -1), rank);
      const axes = call.opset < 13 ? Array.from({ length: rank - first }, (_, index) => first + index) : [first];
      return { ...value, node: call.add('softmax', [call.lastAxis(value, axes)], {}) };
    },
  }),

  ArgMax: operator({
    attributes: { axis: or(0, int), keepdims: or(true, flag), select_last_index: only(0) },
    becomes: 'argMax',
    notes: 'along the channels',
    translate(call, attributes) {
      const value = call.value(0);
      const { axes, batch, batchAxis } = value.layout;
      const axis = call.axis(attributes.axis, axes.length);
      const x = call.lastAxis(value, [axis]);
      if (positions(value.layout, [axis]).some((position, index) => position !== index)) {
        call.fail(`axis ${axis} of [${shapeOf(value)}]: its numbers do not lie in their own order`);
      }
      const node = call.add('argMax', [x], {});
      const count = shapeOf(value)[axis];
      const left = axes.map((digits, at) =>
        at === axis ? [] : digits.map(({ size, stride }) => ({ size, stride: stride / count })),
      );
      const layout = { axes: left, batch, batchAxis };
      return { node, layout: attributes.keepdims ? layout : withoutAxes(layout, [axis]) };
    },
  }),

  Resize: operator({
    attributes: {
      mode: word('linear'),
      coordinate_transformation_mode: or(
        'half_pixel',
        word('half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'),
      ),
      antialias: only(0),
      axes: optional(ints()),
      cubic_coeff_a: ignored,
      exclude_outside: only(0),
      extrapolation_value: ignored,
      keep_aspect_ratio_policy: or('stretch', word('stretch')),
      nearest_mode: ignored,
    },
    becomes: 'resizeBilinear',
    notes: 'pictures, bilinear; sizes or scales constant, scales such that a whole number of samples results',
    translate(call, { coordinate_transformation_mode: rule, axes }) {
      const [scales, sizes] = call.opset < 11 ? [1, 3] : [2, 3];
      const mode = call.opset < 11 ? 'asymmetric' : rule;
      return resize(call, mode, axes, call.numbers(scales), call.opset < 11 ? undefined : call.numbers(sizes));
    },
  }),

  Upsample: operator({
    attributes: { mode: word('linear', 'bilinear'), scales: optional(floats), width_scale: optional(float) },
    becomes: 'resizeBilinear',
    notes: 'pictures, bilinear; scales constant',
    translate: (call, { scales }) => resize(call, 'asymmetric', undefined, scales ?? call.numbers(1), undefined),
  }),
};

function resize(
  call: Call,
  mode: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric',
  stated: readonly number[] | undefined,
  scales: readonly number[] | undefined,
  sizes: readonly number[] | undefined,
): Value {
  const x = call.picture(0);
  const [N, H, W, C] = x.shape;
  const from = [N, C, H, W];
  const axes = stated ? call.axes(stated, 4) : [0, 1, 2, 3];
  const given = sizes?.length ? sizes : scales?.length ? scales : call.fail('has neither sizes nor scales');
  if (given.length !== axes.length) call.fail(`has ${given.length} sizes or scales for ${axes.length} axes`);
  const to = from.map((size, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return size;
    return sizes?.length ? sizes[at] : Math.floor(size * given[at]);
  });
  if (to[0] !== N || to[1] !== C) call.fail(`resizes [${from}] to [${to}]; wanted height and width alone`);
  const size: Pair = [to[2], to[3]];
  if (mode === 'pytorch_half_pixel' && size.some((side, axis) => side === 1 && from[axis + 2] !== 1)) {
    call.fail(`resizes [${from}] to [${to}] by the rule pytorch_half_pixel, which is another for a single sample`);
  }
  if (!sizes?.length) {
    for (const axis of [2, 3]) {
      const scale = given[axes.indexOf(axis)] ?? 1;
      if (Math.abs(from[axis] * scale - to[axis]) > 1e-4) {
        call.fail(`resizes ${from[axis]} samples by ${scale}, which is no whole number of samples`);
      }
    }
  }
  const rules: Record<typeof mode, BilinearRule> = {
    half_pixel: 'half-pixel',
    pytorch_half_pixel: 'half-pixel',
    align_corners: 'tf1-align-corners',
    asymmetric: 'tf1-legacy',
  };
  return pictureValue(call.add('resizeBilinear', [x], { size, rule: rules[mode] }));
}
