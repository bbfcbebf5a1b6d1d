/**
 * Convolutions and dense layers on integers, and the chains that depthwise convolutions are the middle of: as in ../depthwise.ts they run with the
 * pointwise ones around them, some rows at a time.
 */
import type { Multiplier } from '../../layers/int8/fixed-point.js';
import { rangeOf } from '../../layers/int8/layer.js';
import { multipliersOf } from '../../layers/int8/sums.js';
import { type QuantizedTensor, type QuantizedType, sizeOf } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';
import { pixelsThatFit, planBlocks, rowsPerQuads } from '../blocks.js';
import { convolutionWindows } from '../convolution-windows.js';
import { type PlaneLayout, planeLayout, quadCount, roundUp, VECTOR } from '../layouts.js';
import { pixelsOf } from '../lowering.js';
import { channelBlocks } from './channel-blocks.js';
import { type IntegerLowering, layoutKey, quadStride, quadsBytes, zeroPointOf } from './lowering.js';
import type { IntegerOperation, OperationOf } from './operations.js';
import { type BytePanels, packDense, packDepthwise, packPanels, widenPanels } from './packing.js';

/** Where a tile kernel writes, see assembly/int8/tile.ts. */
interface TileTarget {
  readonly place: Place;
  readonly stride: number;
  /** Where each pixel lies in a plane; none for quads. */
  readonly offsets?: Place;
}

/** A pointwise convolution or a dense layer: rows of numbers times a matrix. */
export function matrixProduct(low: IntegerLowering, operation: OperationOf<'pointwiseConv2d' | 'dense'>): void {
  const [pixels] = pixelsOf(low.shape(operation.inputs[0]));
  if (pixels === 1) dense(low, operation);
  else pointwiseSteps(low, operation, matrixInput(low, operation), tileTarget(low, operation), 0, pixels);
}

/** One row of numbers. */
function dense(low: IntegerLowering, operation: OperationOf<'pointwiseConv2d' | 'dense'>): void {
  const { inputs: [input], output, node } = operation; // biome-ignore format: one line
  const channels = low.shape(input).at(-1) as number;
  const outputs = low.shape(output).at(-1) as number;
  const { data, type } = low.weight(node.name, 'kernel') as QuantizedTensor;
  const { packed, offset } = packDense(data, zeroPointOf(type), channels, outputs);
  const out = low.program.buffer(quadsBytes(1, roundUp(outputs, 16)));
  low.program.step(
    'dense',
    low.quads(input),
    Math.ceil(channels / 2),
    low.program.table(`dense ${node.name}`, () => packed),
    offset,
    blocks(low, operation, outputs),
    Math.ceil(outputs / 16),
    ...low.bounds(operation),
    out,
  );
  low.made(output, { quads: out });
}

/** The input's quads, of bytes where the operation multiplies those. */
const matrixInput = (low: IntegerLowering, operation: IntegerOperation): Place =>
  low.bytePanels(operation) ? low.byteQuads(operation.inputs[0]) : low.quads(operation.inputs[0]);

/** Its distance from one quad to the next. */
const inputStride = (low: IntegerLowering, operation: IntegerOperation): number =>
  quadStride(low.shape(operation.inputs[0]).at(-1) as number) / (low.bytePanels(operation) ? 2 : 1);

/** `x` holds the quads from pixel `first` on, a multiple of 4. */
function pointwiseSteps(
  low: IntegerLowering,
  operation: IntegerOperation,
  x: Place,
  target: TileTarget,
  first: number,
  pixels: number,
): void {
  low.serve(operation);
  const stride = inputStride(low, operation);
  const pixelsAtOnce = pixelsThatFit(stride / 4);
  for (let from = 0; from < pixels; from += pixelsAtOnce) {
    const block = Math.min(pixelsAtOnce, pixels - from);
    pointwiseStep(low, operation, at(x, (from / 4) * stride), target, first + from, block);
  }
}

function pointwiseStep(
  low: IntegerLowering,
  operation: IntegerOperation,
  x: Place,
  target: TileTarget,
  first: number,
  pixels: number,
): void {
  const channels = low.shape(operation.inputs[0]).at(-1) as number;
  const filters = low.shape(operation.output).at(-1) as number;
  const bytes = low.bytePanels(operation);
  if (bytes) {
    const { zero, flip } = low.byteForm(operation.inputs[0]);
    const table = (key: keyof BytePanels) => low.program.table(`${key} ${operation.node.name}`, () => bytes[key]);
    low.program.step(
      low.products === 'bytes' ? 'pointwiseBytes' : 'pointwiseDots',
      x,
      quadStride(channels) / 2,
      pixels,
      Math.ceil(channels / 8),
      table('panels'),
      table('starts'),
      table('places'),
      table('further'),
      blocks(low, operation, filters, zero - flip),
      Math.ceil(filters / 8),
      ...low.bounds(operation),
      ...tileArguments(target, first),
    );
    return;
  }
  low.program.step(
    'pointwise',
    x,
    quadStride(channels),
    pixels,
    Math.ceil(channels / 2),
    panels(low, operation, 1, channels, filters),
    blocks(low, operation, filters),
    Math.ceil(filters / 8),
    ...low.bounds(operation),
    ...tileArguments(target, first),
  );
}

export function convolution(low: IntegerLowering, operation: OperationOf<'conv2d'>): void {
  const [input] = operation.inputs;
  const [, height, width, channels] = low.shape(input);
  const { filters } = operation.node.attributes;
  const { runCount, runLength, calls } = convolutionWindows(low, operation, 2);
  const { top, bottom, left, right } = operation.padding!;
  // The last pair of a run of odd length reads one number beyond it.
  const x = low.program.buffer((top + height + bottom) * (left + width + right) * channels * 2 + 2);
  const borders = [top, bottom, left * channels, right * channels] as const;
  low.program.step('bytesToPicture', low.bytes(input), height, width * channels, ...low.zero(input), x, ...borders);
  const target = tileTarget(low, operation);
  for (const { from, operands } of calls) {
    low.program.step(
      'convolution',
      x,
      ...operands,
      Math.ceil(runLength / 2),
      panels(low, operation, runCount, runLength, filters),
      blocks(low, operation, filters),
      Math.ceil(filters / 8),
      ...low.bounds(operation),
      ...tileArguments(target, from),
    );
  }
}

/** The kernel as panels: a sum's terms are `runs` times `terms`. */
function panels(low: IntegerLowering, { node }: IntegerOperation, runs: number, terms: number, columns: number): Place {
  return low.program.table(`panels ${node.name}`, () => {
    const { data, type } = low.weight(node.name, 'kernel') as QuantizedTensor;
    const packed = packPanels(data, zeroPointOf(type), runs, terms, columns);
    return low.products === 'numbers' ? widenPanels(packed) : packed;
  });
}

/** The bias and multiplier of every output channel. Where inputs keep their zero point, the bias takes it in. */
function blocks(low: IntegerLowering, operation: IntegerOperation, filters: number, zero = 0): Place {
  const { node } = operation;
  return low.program.table(`blocks ${node.name}`, () => {
    const kernel = low.weight(node.name, 'kernel') as QuantizedTensor;
    const bias = low.weight(node.name, 'bias');
    const x = low.type(operation.inputs[0]);
    const scales = multipliersOf(
      node.kind,
      x,
      bias ? { kernel, bias } : { kernel },
      filters,
      low.type(operation.output),
    );
    const most = (kernel.data.length / filters) * 255 ** 2;
    const channels = scales.map((scale: Multiplier, filter) => {
      const term = bias?.data[filter] ?? 0;
      const inBias = zero === 0 ? 0 : zero * sumOfWeights(kernel, filter, filters);
      const limit = Math.abs(term - inBias) + most;
      return { bias: term - inBias, scale, limit, range: () => rangeOfSums(kernel, filter, filters, term, x) };
    });
    const [pixels] = pixelsOf(low.shape(operation.output));
    return channelBlocks(channels, low.bounds(operation), low.rounding, low.products === 'numbers' ? 0 : pixels);
  });
}

function sumOfWeights({ data, type }: QuantizedTensor, filter: number, filters: number): number {
  let sum = 0;
  for (let i = filter; i < data.length; i += filters) sum += data[i] - zeroPointOf(type);
  return sum;
}

/** The least and the greatest sum that inputs of this type can give for one output channel. */
function rangeOfSums(
  { data, type }: QuantizedTensor,
  filter: number,
  filters: number,
  bias: number,
  x: QuantizedType,
): [number, number] {
  const [least, greatest] = rangeOf(x).map((q) => q - x.zeroPoint);
  let [lowest, highest] = [bias, bias];
  for (let i = filter; i < data.length; i += filters) {
    const weight = data[i] - zeroPointOf(type);
    lowest += weight * (weight > 0 ? least : greatest);
    highest += weight * (weight > 0 ? greatest : least);
  }
  return [lowest, highest];
}

/** Where a tile kernel writes: planes if a depthwise convolution alone reads the result, quads otherwise. */
function tileTarget(low: IntegerLowering, operation: IntegerOperation): TileTarget {
  const shape = low.shape(operation.output);
  const [pixels, channels] = pixelsOf(shape);
  const consumer = low.soleConsumer(operation.output);
  if (consumer?.node.kind === 'depthwiseConv2d' && consumer.node.attributes.depthMultiplier === 1) {
    const { place, layout } = planesFor(low, consumer as OperationOf<'depthwiseConv2d'>, shape[1]);
    low.made(operation.output, { planes: { place, layout } });
    return { place, stride: layout.planeStride, offsets: low.pixelOffsets(layout) };
  }
  const place = low.program.buffer(quadsBytes(pixels, channels));
  low.made(operation.output, { quads: place });
  return { place, stride: quadStride(channels) };
}

/** The last three arguments of the tile kernels. */
function tileArguments({ place, stride, offsets }: TileTarget, first: number): [Place, number, Place | 0] {
  return offsets ? [place, stride, at(offsets, first * 4)] : [at(place, (first / 4) * stride), stride, 0];
}

// Depthwise convolutions

/** Whether the only consumer is a depthwise convolution that will run together with its own pointwise consumer. */
export function startsChain(low: IntegerLowering, operation: IntegerOperation): boolean {
  const consumer = low.soleConsumer(operation.output);
  return consumer?.node.kind === 'depthwiseConv2d' && joinsPointwise(low, consumer);
}

export function joinsPointwise(low: IntegerLowering, operation: IntegerOperation): boolean {
  if (operation.node.kind !== 'depthwiseConv2d' || operation.node.attributes.depthMultiplier !== 1) return false;
  const [, height, width] = low.shape(operation.output);
  return height * width > 1 && low.soleConsumer(operation.output)?.node.kind === 'pointwiseConv2d';
}

/** depthwise → pointwise, or pointwise → depthwise → pointwise, some rows at a time. */
export function chain(
  low: IntegerLowering,
  depthwise: OperationOf<'depthwiseConv2d'>,
  project: OperationOf<'pointwiseConv2d'>,
): void {
  const [, outHeight, outWidth, channels] = low.shape(depthwise.output);
  const expand = low.waiting.get(depthwise.inputs[0]);
  const [, height, width] = low.shape(depthwise.inputs[0]);
  const plan = planBlocks({
    height,
    width,
    // Blocks are planned for numbers of four bytes.
    channels: channels / 2,
    outHeight,
    outWidth,
    kernel: depthwise.node.attributes.kernelSize[0],
    stride: depthwise.node.attributes.strides[0],
    dilation: depthwise.node.attributes.dilation[0],
    top: depthwise.padding!.top,
    expands: expand !== undefined,
    wholeMaps: false,
  });
  const { place: planes, layout } = expand ? planesFor(low, depthwise, plan.ringRows) : depthwiseInput(low, depthwise);
  const between = low.program.buffer(quadsBytes(plan.rowsPerBlock * outWidth, channels));
  const target = tileTarget(low, project);
  let made = 0;
  for (const block of plan.blocks) {
    if (expand && block.inputRows > made) {
      const x = at(matrixInput(low, expand), ((made * width) / 4) * inputStride(low, expand));
      const rows = { place: planes, stride: layout.planeStride, offsets: low.pixelOffsets(layout) };
      pointwiseSteps(low, expand, x, rows, made * width, (block.inputRows - made) * width);
      made = block.inputRows;
    }
    const rows = block.to - block.from;
    depthwiseSteps(low, depthwise, planes, layout, between, block.from, rows, project);
    pointwiseSteps(low, project, between, target, block.from * outWidth, rows * outWidth);
  }
}

export function depthwise(low: IntegerLowering, operation: OperationOf<'depthwiseConv2d'>): void {
  const [, height, width, channels] = low.shape(operation.output);
  const place = low.program.buffer(quadsBytes(height * width, channels));
  const { place: x, layout } = depthwiseInput(low, operation);
  depthwiseSteps(low, operation, x, layout, place, 0, height);
  low.made(operation.output, { quads: place });
}

/** Pixels that are summed before they become quads, at least. */
const PIXELS_AT_ONCE = 24;

/** `rows` of the output from `row` on, into the quads `out`, as `consumer` reads them. */
function depthwiseSteps(
  low: IntegerLowering,
  operation: OperationOf<'depthwiseConv2d'>,
  x: Place,
  layout: PlaneLayout,
  out: Place,
  row: number,
  rows: number,
  consumer?: IntegerOperation,
): void {
  const { node } = operation;
  const { zero, flip } = low.byteForm(operation.output);
  const asBytes = consumer !== undefined && low.bytePanels(consumer) !== undefined;
  const [, , width, channels] = low.shape(operation.output);
  const { kernelSize, strides, dilation } = node.attributes;
  const threeColumns = kernelSize[1] === 3 && dilation[1] === 1 && strides[1] <= 2;
  const rowsAtOnce = roundUp(Math.ceil(PIXELS_AT_ONCE / width), rowsPerQuads(width));
  const weights = low.program.table(`taps ${node.name}`, () => {
    const { data, type } = low.weight(node.name, 'kernel') as QuantizedTensor;
    return packDepthwise(data, zeroPointOf(type), kernelSize, channels, threeColumns);
  });
  low.serve(operation);
  low.program.step(
    'depthwise',
    x,
    layout.planeStride,
    Math.ceil(channels / 8),
    low.rowOffsets(layout),
    ...kernelSize,
    ...strides,
    ...dilation,
    weights,
    blocks(low, operation, channels),
    ...low.bounds(operation),
    width,
    row,
    rows,
    rowsAtOnce,
    out,
    quadStride(channels) / (asBytes ? 2 : 1),
    low.program.buffer((rowsAtOnce * width + 3) * VECTOR),
    asBytes ? zero : -1,
    flip,
  );
}

/** The planes that a depthwise convolution reads: written as such by the layer before it, or rearranged from quads. */
function depthwiseInput(
  low: IntegerLowering,
  operation: OperationOf<'depthwiseConv2d'>,
): { place: Place; layout: PlaneLayout } {
  const [input] = operation.inputs;
  const value = low.value(input);
  const [, height, width, channels] = value.shape;
  const { depthMultiplier } = operation.node.attributes;
  const layout = planesLayout(low, operation, height);
  if (depthMultiplier === 1 && value.planes && layoutKey(value.planes.layout) === layoutKey(layout))
    return value.planes;
  const total = channels * depthMultiplier;
  const x = depthMultiplier === 1 ? low.quads(input) : repeated(low, input, depthMultiplier);
  const place = low.planes(layout, total);
  const planes = Math.ceil(total / 8);
  const quads = quadCount(height * width);
  const offsets = low.pixelOffsets(layout);
  low.program.step('quadsToPlanes', x, quadStride(total), quads, place, layout.planeStride, planes, offsets);
  if (depthMultiplier === 1) value.planes = { place, layout };
  return { place, layout };
}

/** Quads in which every channel of the tensor stands `times` times. */
function repeated(low: IntegerLowering, input: string, times: number): Place {
  const shape = low.shape(input);
  const [pixels, channels] = pixelsOf(shape);
  const bytes = low.program.buffer(sizeOf(shape) * times);
  low.program.step('repeatBytes', low.bytes(input), sizeOf(shape), times, bytes);
  const quads = low.program.buffer(quadsBytes(pixels, channels * times));
  const stride = quadStride(channels * times);
  low.program.step('bytesToQuads', bytes, pixels, channels * times, ...low.zero(input), quads, stride);
  return quads;
}

/** Planes for the input of a depthwise convolution, of which `rows` exist at a time. */
function planesLayout(
  low: IntegerLowering,
  { node, inputs, padding }: OperationOf<'depthwiseConv2d'>,
  rows: number,
): PlaneLayout {
  const [, height, width] = low.shape(inputs[0]);
  const { strides, dilation } = node.attributes;
  const layout = planeLayout([height, width], padding!, rows, strides[1]);
  // The kernel also reads the second tap of a last pair that has only one.
  return { ...layout, spare: layout.spare + dilation[1] * VECTOR };
}

function planesFor(
  low: IntegerLowering,
  operation: OperationOf<'depthwiseConv2d'>,
  rows: number,
): { place: Place; layout: PlaneLayout } {
  const layout = planesLayout(low, operation, rows);
  return { place: low.planes(layout, low.shape(operation.output)[3]), layout };
}
