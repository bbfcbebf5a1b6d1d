/**
 * Depthwise convolutions, and the chains that they are the middle of.
 *
 * A depthwise convolution and the pointwise one behind it run together, some rows at a time, so that what passes between them stays in the
 * second-level cache. If a pointwise convolution widens the input of the depthwise one (V2's inverted residual), it joins them: it writes into a ring
 * buffer of rows, and the expanded tensor never exists whole (§5.1 of arXiv:1801.04381, by rows instead of channels).
 */
import { sizeOf } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import { at } from '../wasm/program.js';
import { type BlockPlan, planBlocks, rowsPerQuads } from './blocks.js';
import { type PlaneLayout, planeLayout, quadStride, quadsBytes, roundUp, VECTOR } from './layouts.js';
import type { Lowering, OperationOf } from './lowering.js';
import { pointwiseSteps, tileTarget } from './matrix-products.js';
import type { Operation } from './operations.js';

/** Whether the only consumer is a depthwise convolution that will run together with its own pointwise consumer. */
export function startsChain(low: Lowering, operation: Operation): boolean {
  const consumer = low.soleConsumer(operation.output);
  return !operation.residual && consumer?.node.kind === 'depthwiseConv2d' && joinsPointwise(low, consumer);
}

export function joinsPointwise(low: Lowering, operation: Operation): boolean {
  if (operation.node.kind !== 'depthwiseConv2d' || operation.node.attributes.depthMultiplier !== 1) return false;
  const [, height, width] = low.shape(operation.output);
  return height * width > 1 && low.soleConsumer(operation.output)?.node.kind === 'pointwiseConv2d';
}

/** depthwise → pointwise, or pointwise → depthwise → pointwise, some rows at a time. */
export function chain(
  low: Lowering,
  depthwise: OperationOf<'depthwiseConv2d'>,
  project: OperationOf<'pointwiseConv2d'>,
): void {
  const [, outHeight, outWidth, channels] = low.shape(depthwise.output);
  const expand = low.waiting.get(depthwise.inputs[0]) as OperationOf<'pointwiseConv2d'> | undefined;
  const [, height, width] = low.shape(depthwise.inputs[0]);
  const blocks = planBlocks({
    height,
    width,
    channels,
    outHeight,
    outWidth,
    kernel: depthwise.node.attributes.kernelSize[0],
    stride: depthwise.node.attributes.strides[0],
    dilation: depthwise.node.attributes.dilation[0],
    top: depthwise.padding!.top,
    expands: expand !== undefined,
    wholeMaps: low.wholeMaps,
  });
  const { place: planes, layout } = expand ? ring(low, depthwise, blocks) : depthwiseInput(low, depthwise);
  const between = low.program.buffer(quadsBytes(blocks.rowsPerBlock * outWidth, channels));
  const target = tileTarget(low, project);
  let made = 0;
  for (const block of blocks.blocks) {
    if (expand && block.inputRows > made) {
      const x = at(low.quads(expand.inputs[0]), ((made * width) / 4) * quadStride(low.shape(expand.inputs[0])[3]));
      const ring = { place: planes, stride: layout.planeStride, offsets: low.pixelOffsets(layout) };
      pointwiseSteps(low, expand, x, ring, made * width, (block.inputRows - made) * width);
      made = block.inputRows;
    }
    const rows = block.to - block.from;
    depthwiseSteps(low, depthwise, planes, layout, between, block.from, rows);
    pointwiseSteps(low, project, between, target, block.from * outWidth, rows * outWidth);
  }
}

export function depthwise(low: Lowering, operation: OperationOf<'depthwiseConv2d'>): void {
  const shape = low.shape(operation.output);
  const [, height, width, channels] = shape;
  const place = low.program.buffer(quadsBytes(height * width, channels));
  const { place: x, layout } = depthwiseInput(low, operation);
  depthwiseSteps(low, operation, x, layout, place, 0, height);
  low.made(operation.output, { quads: place });
}

/** Pixels that are summed before they become quads, at least: fewer, and narrow maps change between the two loops too often. */
const PIXELS_AT_ONCE = 24;

/** `rows` of the output from `row` on, into the quads `out`. */
function depthwiseSteps(
  low: Lowering,
  operation: OperationOf<'depthwiseConv2d'>,
  x: Place,
  layout: PlaneLayout,
  out: Place,
  row: number,
  rows: number,
): void {
  const [, , width, channels] = low.shape(operation.output);
  const { kernelSize, strides, dilation } = operation.node.attributes;
  const taps = kernelSize[0] * kernelSize[1];
  const rowsAtOnce = roundUp(Math.ceil(PIXELS_AT_ONCE / width), rowsPerQuads(width));
  low.serve(operation);
  low.program.step(
    'depthwise',
    x,
    layout.planeStride,
    Math.ceil(channels / 4),
    low.rowOffsets(layout),
    ...kernelSize,
    ...strides,
    ...dilation,
    low.matrix(operation, taps, channels, 4),
    low.bias(operation, channels),
    operation.clamp.lo,
    operation.clamp.hi,
    width,
    row,
    rows,
    rowsAtOnce,
    out,
    quadStride(channels),
    low.program.buffer((rowsAtOnce * width + 3) * VECTOR),
  );
}

/** The planes that a depthwise convolution reads: written as such by the layer before it, or rearranged from NHWC. */
function depthwiseInput(
  low: Lowering,
  operation: OperationOf<'depthwiseConv2d'>,
): { place: Place; layout: PlaneLayout } {
  const value = low.value(operation.inputs[0]);
  if (value.planes) return value.planes;
  const [, height, width, channels] = value.shape;
  const { depthMultiplier, strides } = operation.node.attributes;
  let x = low.nhwc(operation.inputs[0]);
  if (depthMultiplier > 1) {
    const repeated = low.program.buffer(sizeOf(value.shape) * depthMultiplier * 4);
    low.program.step('repeatChannels', x, sizeOf(value.shape), depthMultiplier, repeated);
    x = repeated;
  }
  const total = channels * depthMultiplier;
  const layout = planeLayout([height, width], operation.padding!, height, strides[1]);
  const place = low.planes(layout, total);
  const planes = Math.ceil(total / 4);
  low.program.step(
    'nhwcToPlanes',
    x,
    height * width,
    total,
    place,
    layout.planeStride,
    planes,
    low.pixelOffsets(layout),
  );
  return { place, layout };
}

function ring(
  low: Lowering,
  depthwise: OperationOf<'depthwiseConv2d'>,
  blocks: BlockPlan,
): { place: Place; layout: PlaneLayout } {
  const [, height, width, channels] = low.shape(depthwise.inputs[0]);
  const { strides } = depthwise.node.attributes;
  const layout = planeLayout([height, width], depthwise.padding!, blocks.ringRows, strides[1]);
  return { place: low.planes(layout, channels), layout };
}
