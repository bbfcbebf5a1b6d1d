/** What stands at the end of the family's networks: softmax, label maps, and the resize before them. */
import type { Pair } from '../../../padding.js';
import { repeated } from '../../steps.js';
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
      mode: word('linear', 'nearest'),
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
      nearest_mode: or('round_prefer_floor', word('round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil')),
    },
    becomes: 'resizeBilinear; concat and reshape for the nearest pixel',
    notes:
      'pictures, bilinear, or to the nearest pixel where the result is so many times as high and wide; sizes or scales constant, scales such that a whole number of samples results',
    translate(call, { mode: kind, nearest_mode: nearest, coordinate_transformation_mode: rule, axes }) {
      const [scales, sizes] = call.opset < 11 ? [1, 3] : [2, 3];
      const mode = call.opset < 11 ? 'asymmetric' : rule;
      const target = sizeOfResult(call, axes, call.numbers(scales), call.opset < 11 ? undefined : call.numbers(sizes));
      if (kind === 'linear') return bilinear(call, mode, target);
      return nearestPixel(call, target, `${mode}, ${call.opset < 11 ? 'floor' : nearest}`);
    },
  }),

  Upsample: operator({
    attributes: {
      mode: or('nearest', word('linear', 'bilinear', 'nearest')),
      scales: optional(floats),
      width_scale: optional(float),
    },
    becomes: 'resizeBilinear; concat and reshape for the nearest pixel',
    notes: 'pictures, bilinear or to the nearest pixel as Resize; scales constant',
    translate(call, { mode, scales }) {
      const target = sizeOfResult(call, undefined, scales ?? call.numbers(1), undefined);
      return mode === 'nearest'
        ? nearestPixel(call, target, 'asymmetric, floor')
        : bilinear(call, 'asymmetric', target);
    },
  }),
};

/** [height, width] of the result. */
function sizeOfResult(
  call: Call,
  stated: readonly number[] | undefined,
  scales: readonly number[] | undefined,
  sizes: readonly number[] | undefined,
): Pair {
  const [N, H, W, C] = call.picture(0).shape;
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
  if (!sizes?.length) {
    for (const axis of [2, 3]) {
      const scale = given[axes.indexOf(axis)] ?? 1;
      if (Math.abs(from[axis] * scale - to[axis]) > 1e-4) {
        call.fail(`resizes ${from[axis]} samples by ${scale}, which is no whole number of samples`);
      }
    }
  }
  return [to[2], to[3]];
}

function bilinear(
  call: Call,
  mode: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric',
  size: Pair,
): Value {
  const x = call.picture(0);
  const [N, H, W, C] = x.shape;
  if (mode === 'pytorch_half_pixel' && size.some((side, axis) => side === 1 && [H, W][axis] !== 1)) {
    call.fail(
      `resizes [${[N, C, H, W]}] to [${[N, C, ...size]}] by the rule pytorch_half_pixel, which is another for a single sample`,
    );
  }
  const rules: Record<typeof mode, BilinearRule> = {
    half_pixel: 'half-pixel',
    pytorch_half_pixel: 'half-pixel',
    align_corners: 'tf1-align-corners',
    asymmetric: 'tf1-legacy',
  };
  return pictureValue(call.add('resizeBilinear', [x], { size, rule: rules[mode] }));
}

/** Rules by which each pixel of a picture that is so many times as high and wide is the pixel that it lies in. */
const INSIDE = /^(asymmetric, floor|(pytorch_)?half_pixel, round_prefer_(floor|ceil))$/;

function nearestPixel(call: Call, size: Pair, rule: string): Value {
  const x = call.picture(0);
  const [, H, W] = x.shape;
  const times: Pair = [size[0] / H, size[1] / W];
  if (!INSIDE.test(rule) || !times.every(Number.isInteger)) {
    call.fail(
      `resizes ${H} x ${W} to ${size.join(' x ')} by the nearest pixel (${rule}); wanted whole multiples, by asymmetric and floor or by half_pixel`,
    );
  }
  return pictureValue(call.addSteps(x, repeated(times)));
}
