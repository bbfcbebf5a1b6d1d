/** Matrix products: pointwise, dense and general convolutions. */
import { sizeOf } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import { at } from '../wasm/program.js';
import { pixelsThatFit } from './blocks.js';
import { convolutionWindows } from './convolution-windows.js';
import { planeLayout, quadStride, quadsBytes, roundUp } from './layouts.js';
import type { Lowering, OperationOf } from './lowering.js';
import type { Operation } from './operations.js';

/** Where a tile kernel writes, see assembly/tile.ts. */
export interface TileTarget {
  readonly place: Place;
  readonly stride: number;
  /** Where each pixel lies in a plane; none for quads. */
  readonly offsets?: Place;
}

export function pointwise(low: Lowering, operation: OperationOf<'pointwiseConv2d'>): void {
  const [input] = operation.inputs;
  const [, height, width, channels] = low.shape(input);
  if (height * width === 1 && !operation.residual) matrixVector(low, operation, channels);
  else pointwiseSteps(low, operation, low.quads(input), tileTarget(low, operation), 0, height * width);
}

/** Pointwise or dense on `pixels` pixels (rows, for dense); `x` holds the quads from pixel `first` on, a multiple of 4. */
export function pointwiseSteps(
  low: Lowering,
  operation: OperationOf<'pointwiseConv2d' | 'dense'>,
  x: Place,
  target: TileTarget,
  first: number,
  pixels: number,
): void {
  const channels = low.shape(operation.inputs[0]).at(-1) as number;
  const filters = low.shape(operation.output).at(-1) as number;
  const stride = quadStride(channels);
  const weights = low.matrix(operation, channels, filters, 8);
  const bias = low.bias(operation, filters);
  low.serve(operation);
  const pixelsAtOnce = pixelsThatFit(channels * 4);
  for (let from = 0; from < pixels; from += pixelsAtOnce) {
    low.program.step(
      'pointwise',
      at(x, (from / 4) * stride),
      stride,
      Math.min(pixelsAtOnce, pixels - from),
      channels,
      weights,
      bias,
      Math.ceil(filters / 8),
      ...tileArguments(low, operation, target, first + from),
    );
  }
}

export function dense(low: Lowering, operation: OperationOf<'dense'>): void {
  const shape = low.shape(operation.inputs[0]);
  const channels = shape[shape.length - 1];
  const rows = sizeOf(shape) / channels;
  if (rows === 1) {
    matrixVector(low, operation, channels);
    return;
  }
  const { units } = operation.node.attributes;
  const place = low.program.buffer(quadsBytes(rows, units));
  const target = { place, stride: quadStride(units) };
  pointwiseSteps(low, operation, low.quads(operation.inputs[0]), target, 0, rows);
  low.made(operation.output, { quads: place });
}

export function convolution(low: Lowering, operation: OperationOf<'conv2d'>): void {
  const [input] = operation.inputs;
  const [, height, width, channels] = low.shape(input);
  const { filters } = operation.node.attributes;
  const { runCount, runLength, calls } = convolutionWindows(low, operation, 4);
  const x = low.padded(input, [height, width], channels * 4, operation.padding!, 0);
  const target = tileTarget(low, operation);
  const weights = low.matrix(operation, runCount * runLength, filters, 8);
  const bias = low.bias(operation, filters);
  for (const { from, operands } of calls) {
    low.program.step(
      'convolution',
      x,
      ...operands,
      runLength,
      weights,
      bias,
      Math.ceil(filters / 8),
      ...tileArguments(low, operation, target, from),
    );
  }
}

function matrixVector(low: Lowering, operation: OperationOf<'pointwiseConv2d' | 'dense'>, channels: number): void {
  const outputs = low.shape(operation.output).at(-1) as number;
  const out = low.program.buffer(roundUp(outputs, 16) * 4);
  low.program.step(
    'dense',
    low.nhwc(operation.inputs[0]),
    channels,
    low.matrix(operation, channels, outputs, 16),
    low.bias(operation, outputs),
    Math.ceil(outputs / 16),
    operation.clamp.lo,
    operation.clamp.hi,
    out,
  );
  low.made(operation.output, { nhwc: out });
}

/** Where a tile kernel writes: planes if a depthwise convolution alone reads the result, quads otherwise. */
export function tileTarget(low: Lowering, operation: Operation): TileTarget {
  const shape = low.shape(operation.output);
  const [, height, width, channels] = shape;
  const consumer = low.soleConsumer(operation.output);
  const planes = consumer?.node.kind === 'depthwiseConv2d' && consumer.node.attributes.depthMultiplier === 1;
  if (planes && !operation.residual) {
    const layout = planeLayout([height, width], consumer.padding!, height, consumer.node.attributes.strides[1]);
    const place = low.planes(layout, channels);
    low.made(operation.output, { planes: { place, layout } });
    return { place, stride: layout.planeStride, offsets: low.pixelOffsets(layout) };
  }
  const place = low.program.buffer(quadsBytes(height * width, channels));
  low.made(operation.output, { quads: place });
  return { place, stride: quadStride(channels) };
}

/** The last eight arguments of the tile kernels. */
function tileArguments(
  low: Lowering,
  operation: Operation,
  target: TileTarget,
  first: number,
): [
  lo: number,
  hi: number,
  out: Place,
  outStride: number,
  offsets: Place | 0,
  residual: Place | 0,
  lo2: number,
  hi2: number,
] {
  const { lo, hi } = operation.clamp;
  const { residual } = operation;
  const quads = target.offsets ? 0 : (first / 4) * target.stride;
  return [
    lo,
    hi,
    at(target.place, quads),
    target.stride,
    target.offsets ? at(target.offsets, first * 4) : 0,
    residual ? at(low.quads(residual.input), quads) : 0,
    residual?.clamp.lo ?? 0,
    residual?.clamp.hi ?? 0,
  ];
}
