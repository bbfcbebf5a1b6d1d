/** The operators with kernels. ONNX's are [O, I, H, W] and [C·M, 1, H, W]; this library's HWIO, HWC(M) and IO. */
import { type Tensor, tensor } from '../../../tensor.js';
import type { Draft } from '../../drafts.js';
import { transposed } from '../../strided.js';
import { flag, float, int, only, or } from '../attributes.js';
import { type Call, pictureValue, shapeOf } from '../call.js';
import type { Value } from '../layout.js';
import { laidOut, positions } from '../layout.js';
import { type Operator, operator } from './operator.js';
import { dilationRule, paddingOf, pairOf, windowRules } from './windows.js';

export const convolutions: Readonly<Record<string, Operator>> = {
  Conv: operator({
    attributes: { ...windowRules, dilations: dilationRule, group: or(1, int) },
    becomes: 'conv2d, pointwiseConv2d or depthwiseConv2d',
    notes: 'two-dimensional; one group, or one for each input channel; kernel and bias constant',
    translate(call, { group, dilations, ...window }) {
      const x = call.picture(0);
      const [, H, W, C] = x.shape;
      const kernel = call.constant(1).tensor;
      const [O, I, KH, KW] = kernel.shape;
      if (kernel.shape.length !== 4)
        call.fail(`its kernel has the shape [${kernel.shape}], wanted [O, I, height, width]`);
      if (window.kernel_shape && (window.kernel_shape[0] !== KH || window.kernel_shape[1] !== KW)) {
        call.fail(`attribute 'kernel_shape' is [${window.kernel_shape}], its kernel is [${kernel.shape}]`);
      }
      if (I * group !== C) call.fail(`has kernels for ${I} channels in ${group} groups, and an input of ${C} channels`);
      const bias = biasOf(call, 2, O);
      const strides = pairOf(window.strides);
      const dilation = pairOf(dilations);
      const padding = paddingOf(call, window, [H, W], [KH, KW], dilation);
      const sliding = { kernelSize: [KH, KW] as const, strides, dilation, padding, bias: bias !== undefined };
      if (group !== 1) {
        if (I !== 1 || O % C !== 0) {
          call.fail(`attribute 'group' is ${group}; wanted 1, or one group for each of the ${C} input channels`);
        }
        const M = O / C;
        const weights = {
          kernel: tensor([KH, KW, C, M], moved(call, kernel, [2, 3, 0, 1]).data),
          ...(bias && { bias }),
        };
        return pictureValue(call.add('depthwiseConv2d', [x], { ...sliding, depthMultiplier: M }, weights));
      }
      const hwio = moved(call, kernel, [2, 3, 1, 0]);
      const pointwise = KH === 1 && KW === 1 && strides[0] === 1 && strides[1] === 1 && padding === 'valid';
      if (pointwise) {
        const weights = { kernel: tensor([I, O], hwio.data), ...(bias && { bias }) };
        return pictureValue(call.add('pointwiseConv2d', [x], { filters: O, bias: bias !== undefined }, weights));
      }
      return pictureValue(call.add('conv2d', [x], { ...sliding, filters: O }, { kernel: hwio, ...(bias && { bias }) }));
    },
  }),

  Gemm: operator({
    attributes: {
      alpha: or(1, float),
      beta: or(1, float),
      transA: only(0),
      transB: or(false, flag),
      broadcast: only(1),
    },
    becomes: 'dense',
    notes: 'input [batch, channels]; matrix and bias constant, the bias the same for the whole batch',
    translate(call, { alpha, beta, transB }) {
      const value = call.value(0);
      if (shapeOf(value).length !== 2) call.fail(`input 0 has the shape [${shapeOf(value)}], wanted [batch, channels]`);
      const stated = call.constant(1).tensor;
      if (stated.shape.length !== 2) call.fail(`its matrix has the shape [${stated.shape}], wanted two axes`);
      const matrix = scaled(call, transB ? moved(call, stated, [1, 0]) : stated, alpha);
      const [K, units] = matrix.shape;
      const bias = call.has(2) ? scaled(call, rowOf(call, 2, units), beta) : undefined;
      const x = call.graph.reshape(call.lastAxis(value, [1]), [value.layout.batch, shapeOf(value)[1]]);
      if (K !== x.shape[1]) call.fail(`has a matrix [${matrix.shape}] for an input of [${x.shape}]`);
      const node = dense(call, value, x, matrix, bias);
      return { node, layout: laidOut(node.shape, [0, 1]) };
    },
  }),

  MatMul: operator({
    attributes: {},
    becomes: 'dense',
    notes: 'the second input a constant matrix [channels, units]',
    translate(call) {
      const value = call.value(0);
      const { axes, batch, batchAxis } = value.layout;
      const last = axes.length - 1;
      const matrix = call.constant(1).tensor;
      const [K, units] = matrix.shape;
      if (matrix.shape.length !== 2) call.fail(`its matrix has the shape [${matrix.shape}], wanted two axes`);
      if (K !== shapeOf(value)[last]) call.fail(`has a matrix [${matrix.shape}] for an input of [${shapeOf(value)}]`);
      const node = dense(call, value, call.lastAxis(value, [last]), matrix, undefined);
      const moved = axes.map((digits) => digits.map(({ size, stride }) => ({ size, stride: (stride / K) * units })));
      moved[last] = units === 1 ? [] : [{ size: units, stride: 1 }];
      return { node, layout: { axes: moved, batch, batchAxis } };
    },
  }),
};

/** A dense layer on the node's last axis, which holds the file's last axis, maybe in another order: the matrix' rows follow it. */
function dense(call: Call, { layout }: Value, x: Draft, matrix: Tensor, bias: Tensor | undefined): Draft {
  const [K, units] = matrix.shape;
  call.charge(matrix.data.byteLength);
  const data = matrix.data.slice();
  for (const [row, position] of positions(layout, [layout.axes.length - 1]).entries()) {
    data.set(matrix.data.subarray(row * units, (row + 1) * units), position * units);
  }
  const weights = { kernel: tensor([K, units], data), ...(bias && { bias }) };
  return call.add('dense', [x], { units, bias: bias !== undefined }, weights);
}

function moved(call: Call, x: Tensor, order: readonly number[]): Tensor {
  call.charge(x.data.byteLength);
  return transposed(x, order);
}

/** In float64 where the factor is not 1, since the products are no float32 numbers. */
function scaled(call: Call, x: Tensor, factor: number): Tensor {
  if (factor === 1) return x;
  call.charge(8 * x.data.length);
  return tensor(
    x.shape,
    Float64Array.from(x.data, (value) => value * factor),
  );
}

function biasOf(call: Call, index: number, filters: number): Tensor | undefined {
  if (!call.has(index)) return undefined;
  const { tensor: bias } = call.constant(index);
  if (bias.shape.length !== 1 || bias.shape[0] !== filters) {
    call.fail(`its bias has the shape [${bias.shape}], wanted [${filters}]`);
  }
  return bias;
}

/** A constant that is broadcast to [1, units], as [units]. */
function rowOf(call: Call, index: number, units: number): Tensor {
  const { tensor: x } = call.constant(index);
  const rows = x.shape.slice(0, -1);
  if (x.shape.length > 2 || rows.some((size) => size !== 1) || ![1, units].includes(x.data.length)) {
    call.fail(`input ${index} has the shape [${x.shape}], wanted a bias of [${units}] for all of the batch`);
  }
  return x.data.length === units ? tensor([units], x.data) : tensor([units], new Float64Array(units).fill(x.data[0]));
}
