/** All layers but the convolutions. */
import { NetworkError } from '../errors.js';
import { mixes } from '../layers/resizeBilinear.js';
import { scaleAndBias } from '../network/rewriting/fold-batch-norm.js';
import { slideWindows } from '../padding.js';
import { sizeOf } from '../tensor.js';
import { at } from '../wasm/program.js';
import { quadStride, quadsBytes } from './layouts.js';
import { type Lowering, type OperationOf, pixelsOf } from './lowering.js';
import { type Operation, UNCLAMPED } from './operations.js';

export function globalAveragePool(low: Lowering, { inputs: [input], output }: Operation): void {
  const [, height, width, channels] = low.shape(input);
  const out = low.program.buffer(channels * 4);
  low.program.step('globalAveragePool', low.quads(input), quadStride(channels), height * width, channels, out);
  low.made(output, { nhwc: out });
}

export function pool(low: Lowering, { inputs: [input], output, node }: OperationOf<'averagePool' | 'maxPool'>): void {
  const [, height, width, channels] = low.shape(input);
  const [, outHeight, outWidth] = low.shape(output);
  const { poolSize, strides, padding } = node.attributes;
  const { vertical, horizontal } = slideWindows(node.kind, [height, width], poolSize, strides, [1, 1], padding);
  const countsPadding = node.kind === 'averagePool' && node.attributes.includePadding;
  low.nhwcStep(output, (out) =>
    low.program.step(
      'pool',
      low.nhwc(input),
      height,
      width,
      channels,
      ...poolSize,
      ...strides,
      vertical.before,
      horizontal.before,
      outHeight,
      outWidth,
      node.kind === 'averagePool' ? 1 : 0,
      countsPadding ? poolSize[0] * poolSize[1] : 0,
      out,
    ),
  );
}

export function add(low: Lowering, { inputs, output, clamp }: Operation): void {
  const shape = low.shape(output);
  if (inputs.length === 2 && inputs.every((input) => low.value(input).quads)) {
    const bytes = quadsBytes(...pixelsOf(shape));
    const out = low.program.buffer(bytes);
    low.program.step('addAll', low.quads(inputs[0]), low.quads(inputs[1]), bytes / 4, clamp.lo, clamp.hi, out);
    low.made(output, { quads: out });
    return;
  }
  const size = sizeOf(shape);
  low.nhwcStep(output, (out) => {
    let sum = low.nhwc(inputs[0]);
    inputs.slice(1).forEach((input, i) => {
      const last = i === inputs.length - 2;
      const [lo, hi] = last ? [clamp.lo, clamp.hi] : [-Infinity, Infinity];
      low.program.step('addAll', sum, low.nhwc(input), size, lo, hi, out);
      sum = out;
    });
  });
}

/** A batch norm that no convolution took in. */
export function batchNorm(low: Lowering, { node, inputs: [input], output }: OperationOf<'batchNorm'>): void {
  const [pixels, channels] = pixelsOf(low.shape(output));
  const { scale, bias } = scaleAndBias(low.network, node);
  low.nhwcStep(output, (out) =>
    low.program.step(
      'affine',
      low.nhwc(input),
      pixels,
      channels,
      low.program.table(`scale ${node.name}`, () => Float32Array.from(scale)),
      low.program.table(`shift ${node.name}`, () => Float32Array.from(bias)),
      out,
    ),
  );
}

export function concat(low: Lowering, { inputs, output, node }: OperationOf<'concat'>): void {
  const shape = low.shape(output);
  const axis = node.attributes.axis < 0 ? node.attributes.axis + shape.length : node.attributes.axis;
  if (axis === 0) throw new NetworkError(`${node.name}: the engine runs picture by picture and cannot join batches`);
  const outer = sizeOf(shape.slice(0, axis));
  const outBytes = sizeOf(shape.slice(axis)) * 4;
  low.nhwcStep(output, (out) => {
    let before = 0;
    for (const input of inputs) {
      const bytes = sizeOf(low.shape(input).slice(axis)) * 4;
      low.program.step('copyRuns', low.nhwc(input), bytes, at(out, before), outBytes, bytes, outer);
      before += bytes;
    }
  });
}

export function pad(low: Lowering, { inputs: [input], output, node }: OperationOf<'pad'>): void {
  const [, height, width, channels] = low.shape(input);
  const place = low.padded(input, [height, width], channels * 4, node.attributes.padding, node.attributes.value);
  low.made(output, { nhwc: place });
}

export function resize(low: Lowering, { inputs: [input], output, node }: OperationOf<'resizeBilinear'>): void {
  const [, height, width, channels] = low.shape(input);
  const [, outHeight, outWidth] = low.shape(output);
  const { rule } = node.attributes;
  const axis = (size: number, out: number, step: number) =>
    low.program.table(`mix ${[rule, size, out, step]}`, () => mixTable(mixes(rule, size, out), step));
  low.nhwcStep(output, (out) =>
    low.program.step(
      'resizeBilinear',
      low.nhwc(input),
      channels,
      axis(height, outHeight, width * channels * 4),
      outHeight,
      axis(width, outWidth, channels * 4),
      outWidth,
      out,
    ),
  );
}

export function elementwise(low: Lowering, { inputs: [input, factor], output, node, clamp }: Operation): void {
  const shape = low.shape(input);
  const length = shape[shape.length - 1];
  const size = sizeOf(shape);
  low.nhwcStep(output, (out) => {
    const x = low.nhwc(input);
    if (clamp !== UNCLAMPED) low.program.step('addAll', x, 0, size, clamp.lo, clamp.hi, out);
    else if (node.kind === 'sigmoid') low.program.step('sigmoid', x, size, out);
    else if (node.kind === 'multiply') {
      const repeated = sizeOf(low.shape(factor));
      low.program.step('multiply', x, size / repeated, repeated, low.nhwc(factor), out);
    } else if (node.kind === 'hardSigmoid' || node.kind === 'hardSwish') {
      low.program.step('hard', x, size, node.kind === 'hardSwish' ? 1 : 0, out);
    } else if (node.kind === 'softmax' || node.kind === 'argMax') {
      low.program.step(node.kind, x, size / length, length, out);
    } else throw new NetworkError(`${node.name}: the engine has no kernel for '${node.kind}'`);
  });
}

/** Entries of assembly/resize.ts: [lower in bytes, upper in bytes, share of the upper]. */
function mixTable(axis: ReturnType<typeof mixes>, step: number): Uint32Array {
  const table = new Uint32Array(axis.length * 3);
  const shares = new Float32Array(table.buffer);
  axis.forEach(({ lower, upper, share }, i) => {
    table[3 * i] = lower * step;
    table[3 * i + 1] = upper * step;
    shares[3 * i + 2] = share;
  });
  return table;
}
