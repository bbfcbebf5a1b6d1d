/** All layers on integers but the convolutions. What has no kernel here is computed by the readable layers: `page`. */
import { axisOf } from '../../layers/concat.js';
import { multiplierOf, roundAway } from '../../layers/int8/fixed-point.js';
import { divided } from '../../layers/int8/globalAveragePool.js';
import { rangeOf } from '../../layers/int8/layer.js';
import { productMultiplier } from '../../layers/int8/multiply.js';
import { placesOf } from '../../layers/int8/resizeBilinear.js';
import { powersOf, sharesOf } from '../../layers/int8/softmax.js';
import { isQuantizedType, sameType } from '../../network/quantized-network.js';
import { forwardOf } from '../../network/run-quantized.js';
import { slideWindows } from '../../padding.js';
import { type AnyTensor, type QuantizedType, type Shape, sizeOf } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';
import { quadCount, roundUp } from '../layouts.js';
import { pixelsOf } from '../lowering.js';
import { channelBlocks, halfOf } from './channel-blocks.js';
import { type IntegerLowering, type Page, quadStride, quadsBytes, viewOf } from './lowering.js';
import type { IntegerOperation, OperationOf } from './operations.js';

/** The operation by the readable layer, on tensors as their numbers are. */
export function page(low: IntegerLowering, operation: IntegerOperation): void {
  const { node, inputs, output, clamp } = operation;
  const { lo, hi } = clamp;
  const [least, greatest] = isQuantizedType(node.type) ? rangeOf(node.type) : [0, 0];
  const isLimited = lo > least || hi < greatest;
  const types = [...inputs, output].map((name) => low.anyType(name));
  const shapes = inputs.map((name) => low.shape(name));
  const weights = low.weights(node);
  const forward = forwardOf(node);
  pageStep(low, operation, (memory, ...addresses) => {
    const tensors = shapes.map((shape, i) => {
      const data = viewOf(memory, addresses[i], sizeOf(shape), types[i]);
      return (isQuantizedType(types[i]) ? { shape, data, type: types[i] } : { shape, data }) as AnyTensor;
    });
    const { data } = forward(tensors, weights, node.attributes, node.type, low.rounding);
    const limited = isLimited ? data.map((q) => Math.min(Math.max(q, lo), hi)) : data;
    viewOf(memory, addresses[inputs.length], data.length, node.type).set(limited);
  });
}

/** `page` computes without a kernel: the index of the page, then the places of its inputs and of its result. */
function pageStep(low: IntegerLowering, { inputs, output }: IntegerOperation, compute: Page): void {
  const sources = inputs.map((input) => low.bytes(input));
  low.bytesStep(output, (out) => low.program.add('page', low.pages.push(compute) - 1, ...sources, out));
}

/** A row's powers depend on 256 differences to its greatest number: what the readable layer makes of each is computed once. */
export function softmax(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs: [input], output } = operation; // biome-ignore format: one line
  const [shape, type] = [low.shape(input), low.type(input)];
  const [least, greatest] = rangeOf(type);
  const powers = powersOf(type.scale);
  const terms = powers.map((power) => roundAway(power / 2 ** 12));
  const size = sizeOf(shape);
  const classes = shape.at(-1) as number;
  const shares = new Int32Array(256);
  pageStep(low, operation, (memory, from, to) => {
    const x = viewOf(memory, from, size, type);
    const y = viewOf(memory, to, size, low.type(output));
    for (let row = 0; row < size; row += classes) {
      let max = least;
      for (let i = row; i < row + classes; i++) if (x[i] > max) max = x[i];
      let sum = 0;
      for (let i = row; i < row + classes; i++) sum += terms[max - x[i]];
      const share = sharesOf(sum);
      for (let d = 0; d < 256; d++) shares[d] = powers[d] === 0 ? least : Math.min(share(powers[d]) + least, greatest);
      for (let i = row; i < row + classes; i++) y[i] = shares[max - x[i]];
    }
  });
}

/** One integer of 8 bits for another. */
export function lookup(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs: [input], output } = operation; // biome-ignore format: one line
  if (isOtherSign(low, operation) && low.soleConsumer(output)?.node.kind === 'conv2d') {
    low.readAs(output, input);
    return;
  }
  const inQuads = low.hasOnlyQuads(input);
  low.made(output, { [inQuads ? 'quads' : 'bytes']: lookedUp(low, operation, inQuads) });
}

/** Between int8 and uint8, where no number changes but by the 128 of their zero points. */
function isOtherSign(low: IntegerLowering, { inputs: [input], output, node, through }: IntegerOperation): boolean {
  const [x, y] = [low.type(input), low.type(output)];
  const moved = y.type === x.type ? 0 : y.type === 'int8' ? 128 : -128;
  return node.kind === 'quantize' && !through && x.scale === y.scale && x.zeroPoint - y.zeroPoint === moved;
}

/** The input's numbers through tables, which are what the readable layers make of all 256. */
function lookedUp(low: IntegerLowering, operation: IntegerOperation, inQuads: boolean): Place {
  const { inputs: [input], node } = operation; // biome-ignore format: one line
  const [pixels, channels] = pixelsOf(low.shape(input));
  const tables = tablesOf(low, operation, channels);
  const isOne = tables.length === 1;
  const name = `${input} ${node.name}`;
  if (inQuads) {
    const numbers = low.program.table(`numbers ${name}`, () => withoutZeroPoints(low, operation, tables));
    const out = low.program.buffer(quadsBytes(pixels, channels));
    const pairs = quadStride(channels) / 16;
    const [zero] = low.zero(input);
    low.program.step('lookupQuads', low.quads(input), quadCount(pixels), pairs, zero, numbers, isOne ? 0 : 512, out);
    return out;
  }
  const table = low.program.table(`table ${name}`, () => Uint8Array.from(tables.flatMap((bytes) => [...bytes])));
  const out = low.program.buffer(pixels * channels);
  const [rows, columns, stride] = isOne ? [1, pixels * channels, 0] : [pixels, channels, 256];
  low.program.step('lookup', low.bytes(input), rows, columns, table, stride, out);
  return out;
}

/** By the byte, so that −128 is at 128; one table for each channel where weights are on the way. */
function tablesOf(
  low: IntegerLowering,
  { inputs: [input], through = [], node }: IntegerOperation,
  channels: number,
): Uint8Array[] {
  const type = low.type(input);
  const nodes = [...through, node];
  const columns = nodes.some((each) => Object.keys(low.weights(each)).length > 0) ? channels : 1;
  const bytes = Uint8Array.from({ length: 256 * columns }, (_, i) => i / columns);
  const x = { shape: [256, columns], data: type.type === 'int8' ? new Int8Array(bytes.buffer) : bytes, type };
  const made = new Map<string, AnyTensor>([[input, x]]);
  for (const each of nodes) {
    const read = each.inputs.map((name) => made.get(name) as AnyTensor);
    made.set(each.name, forwardOf(each)(read, low.weights(each), each.attributes, each.type, low.rounding));
  }
  const found = Uint8Array.from((made.get(node.name) as AnyTensor).data);
  const tables = Array.from({ length: columns }, (_, c) => found.filter((_, i) => i % columns === c));
  return tables.every((table) => table.every((q, i) => q === tables[0][i])) ? tables.slice(0, 1) : tables;
}
/** The tables' results as int16 without zero point, for all channels that quads have. */
function withoutZeroPoints(
  low: IntegerLowering,
  { output }: IntegerOperation,
  tables: readonly Uint8Array[],
): Int16Array<ArrayBuffer> {
  const { type, zeroPoint } = low.type(output);
  const numbers = new Int16Array(256 * (tables.length === 1 ? 1 : roundUp(tables.length, 8)));
  const number = (byte: number) => (type === 'int8' && byte > 127 ? byte - 256 : byte) - zeroPoint;
  tables.forEach((table, c) => {
    numbers.set(Int16Array.from(table, number), 256 * c);
  });
  return numbers;
}

/** Average pools over the whole map, and means. */
export function wholeMap(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs: [input], output, node, clamp } = operation; // biome-ignore format: one line
  const [pixels, channels] = pixelsOf(low.shape(input));
  const pairs = Math.ceil(channels / 2);
  const sums = low.program.buffer(pairs * 8);
  const out = low.program.buffer(quadsBytes(1, channels));
  low.program.step('sums', low.quads(input), quadStride(channels), pixels, pairs, sums);
  if (node.kind === 'averagePool') {
    low.program.step('averages', sums, channels, pixels, low.type(input).zeroPoint, clamp.lo, clamp.hi, out);
  } else {
    const { m, shift } = divided(multiplierOf(low.type(input).scale / low.type(output).scale), pixels);
    const e = low.rounding === 'double' && shift < 0 ? 2n ** 30n : 0n;
    const numbers = low.program.table(`mean ${node.name}`, () =>
      BigInt64Array.of(BigInt(m), halfOf(-shift), e, BigInt(31 - shift)),
    );
    low.program.step('means', sums, channels, numbers, ...low.bounds(operation), out);
  }
  low.made(output, { quads: out });
}

export function pool(low: IntegerLowering, operation: OperationOf<'averagePool' | 'maxPool'>): void {
  const { inputs: [input], output, node, clamp } = operation; // biome-ignore format: one line
  const [, height, width, channels] = low.shape(input);
  const [, outHeight, outWidth] = low.shape(output);
  const { poolSize, strides, padding } = node.attributes;
  const { vertical, horizontal } = slideWindows(node.kind, [height, width], poolSize, strides, [1, 1], padding);
  const average = node.kind === 'averagePool' ? 1 : 0;
  const sameScale = sameType(low.type(input), low.type(output));
  if (!sameScale || (node.kind === 'averagePool' && node.attributes.includePadding)) {
    page(low, operation);
  } else if (average && outHeight * outWidth === 1 && height <= poolSize[0] && width <= poolSize[1] && startsAtOnce()) {
    wholeMap(low, operation);
  } else {
    const x = low.bytes(input);
    low.bytesStep(output, (out) =>
      low.program.step(
        'pool',
        x,
        height,
        width,
        channels,
        low.zero(input)[1],
        ...poolSize,
        ...strides,
        vertical.before,
        horizontal.before,
        outHeight,
        outWidth,
        average,
        clamp.lo,
        clamp.hi,
        out,
      ),
    );
  }

  /** Whether the only window takes in the whole map. */
  function startsAtOnce(): boolean {
    return poolSize[0] - vertical.before >= height && poolSize[1] - horizontal.before >= width;
  }
}

/** Two tensors of one shape. The kernel's numbers are exact if neither scale is 2¹³ times the other, and the result's is not too fine.
 * Both roundings are 'double', as in src/layers/int8/add.ts. */
export function add(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs, output, node } = operation;
  const numbers =
    inputs.length === 2
      ? additionNumbers(
          inputs.map((name) => low.type(name)),
          low.type(output),
        )
      : undefined;
  const shapes = inputs.map((name) => sizeOf(low.shape(name)));
  if (!numbers || shapes.some((size) => size !== sizeOf(low.shape(output)))) {
    page(low, operation);
    return;
  }
  const [pixels, channels] = pixelsOf(low.shape(output));
  const bytes = quadsBytes(pixels, channels);
  const out = low.program.buffer(bytes);
  const table = low.program.table(`add ${node.name}`, () => numbers);
  const [a, b] = inputs.map((name) => low.quads(name));
  low.program.step('add', a, b, bytes / 2, table, ...low.bounds(operation), out);
  low.made(output, { quads: out });
}

/** Two tensors of one shape, or a tensor and a number for each of its channels. */
export function multiply(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs: [a, b], output, node } = operation; // biome-ignore format: one line
  const [pixels, channels] = pixelsOf(low.shape(output));
  const isGate = pixelsOf(low.shape(b))[0] < pixels;
  const scale = productMultiplier(low.type(a), low.type(b), low.type(output));
  const channel = { bias: 0, scale, range: () => [-(255 ** 2), 255 ** 2] as const };
  const block = low.program.table(`block ${node.name}`, () =>
    channelBlocks(Array(8).fill(channel), low.bounds(operation)[0], low.rounding),
  );
  const out = low.program.buffer(quadsBytes(pixels, channels));
  const vectors = quadStride(channels) / 16;
  const operands = [low.quads(a), low.quads(b), quadCount(pixels), vectors, isGate ? 1 : 0, block] as const;
  low.program.step('multiply', ...operands, ...low.bounds(operation), out);
  low.made(output, { quads: out });
}

const ADD_BYTES = 72;

function additionNumbers(inputs: readonly QuantizedType[], output: QuantizedType): Uint8Array<ArrayBuffer> | undefined {
  const common = Math.fround(2 * Math.max(...inputs.map(({ scale }) => scale)));
  const last = multiplierOf(common / Math.fround(2 ** 20 * output.scale));
  const firsts = inputs.map(({ scale }) => multiplierOf(scale / common));
  if (last.shift > -1 || firsts.some(({ shift }) => shift < -13 || shift > 0)) return undefined;
  const bytes = new Uint8Array(ADD_BYTES);
  const view = new DataView(bytes.buffer);
  firsts.forEach(({ m, shift }, i) => {
    view.setFloat64(24 * i, (m / 2 ** 11) * 2 ** shift, true);
    view.setFloat64(24 * i + 8, shift < 0 ? 2 ** (shift - 1) : 0, true);
    view.setFloat64(24 * i + 16, 2 ** (shift - 13), true);
  });
  view.setBigInt64(48, halfOf(-last.shift), true);
  view.setInt32(56, last.m, true);
  view.setInt32(60, 2 ** 30, true);
  view.setInt32(64, -last.shift - 1, true);
  return bytes;
}

/**
 * Copies of bytes or, along whole groups of channels, of quads, where the inputs lie so. Inputs of other scales, which only uint8 allows, go through a
 * table first: the readable layer's, of one input alone.
 */
export function concat(low: IntegerLowering, operation: OperationOf<'concat'>): void {
  const { inputs, output, node } = operation;
  const type = low.type(output);
  const shape = low.shape(output);
  if (inputs.some((input) => low.type(input).type !== type.type)) {
    page(low, operation);
    return;
  }
  const axis = axisOf(shape, node.attributes);
  const ofChannels = axis === shape.length - 1 && inputs.every((input) => low.shape(input)[axis] % 8 === 0);
  const inQuads = ofChannels && inputs.some((input) => low.hasOnlyQuads(input));
  const [pixels, channels] = pixelsOf(shape);
  const bytesOf = (of: Shape) => (inQuads ? quadStride(of[axis]) : sizeOf(of.slice(axis)));
  const out = low.program.buffer(inQuads ? quadsBytes(pixels, channels) : sizeOf(shape));
  const runs = inQuads ? quadCount(pixels) : sizeOf(shape.slice(0, axis));
  let offset = 0;
  for (const input of inputs) {
    const bytes = bytesOf(low.shape(input));
    low.program.step('copyRuns', source(input), bytes, at(out, offset), bytesOf(shape), bytes, runs);
    offset += bytes;
  }
  low.made(output, { [inQuads ? 'quads' : 'bytes']: out });

  function source(input: string): Place {
    if (sameType(low.type(input), type)) return inQuads ? low.quads(input) : low.bytes(input);
    const alone = { ...node, inputs: [input], attributes: { axis: 1 } };
    return lookedUp(low, { ...operation, inputs: [input], node: alone }, inQuads);
  }
}

/** Other sizes for the same numbers in the same order. */
export function reshape(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs: [input], output } = operation; // biome-ignore format: one line
  if (!sameType(low.type(input), low.type(output))) {
    page(low, operation);
    return;
  }
  const value = low.value(input);
  const [before, after] = [pixelsOf(low.shape(input)), pixelsOf(low.shape(output))];
  const samePixels = before.every((size, i) => size === after[i]);
  if (samePixels && value.quads) low.made(output, { quads: value.quads });
  else low.made(output, { bytes: low.bytes(input) });
}

export function resize(low: IntegerLowering, operation: OperationOf<'resizeBilinear'>): void {
  const { inputs: [input], output } = operation; // biome-ignore format: one line
  if (low.soleConsumer(output)?.node.kind === 'argMax') {
    low.waiting.set(output, operation);
    return;
  }
  const [, , width, channels] = low.shape(input);
  const x = low.bytes(input);
  const operands = resizeOperands(low, operation);
  low.bytesStep(output, (out) => low.program.step('resizeBilinear', x, width, channels, ...operands, out));
}

/** Of both kernels, from `unsigned` on to the columns. */
function resizeOperands(low: IntegerLowering, { inputs: [input], output, node }: OperationOf<'resizeBilinear'>) {
  const [, height, width] = low.shape(input);
  const [, outHeight, outWidth] = low.shape(output);
  const [, unsigned] = low.zero(input);
  const places = (size: number, out: number) => {
    const { rule } = node.attributes;
    return low.program.table(`places ${[rule, unsigned, size, out]}`, () => {
      const view = new DataView(new ArrayBuffer(12 * out));
      for (const [i, { lower, upper, share }] of placesOf(rule, unsigned === 1, size, out).entries()) {
        view.setInt32(12 * i, lower, true);
        view.setInt32(12 * i + 4, upper, true);
        if (unsigned) view.setFloat32(12 * i + 8, share, true);
        else view.setInt32(12 * i + 8, share, true);
      }
      return view;
    });
  };
  const twice = low.rounding === 'double' ? 1 : 0;
  return [unsigned, twice, places(height, outHeight), outHeight, places(width, outWidth), outWidth] as const;
}

/** Of bytes as they are, or of what a resize before it makes of them, which nobody else reads. */
export function argMax(low: IntegerLowering, { inputs: [input], output }: IntegerOperation): void {
  const resized = low.waiting.get(input) as OperationOf<'resizeBilinear'> | undefined;
  if (resized) {
    const [, height, width, classes] = low.shape(resized.inputs[0]);
    const x = low.bytes(resized.inputs[0]);
    const operands = resizeOperands(low, resized);
    const scratch = low.program.buffer(4 * height * width + classes);
    low.bytesStep(output, (out) =>
      low.program.step('resizeArgMax', x, height, width, classes, ...operands, out, scratch),
    );
    return;
  }
  const [rows, classes] = pixelsOf(low.shape(input));
  const x = low.bytes(input);
  low.bytesStep(output, (out) => low.program.step('argMax', x, rows, classes, low.zero(input)[1], out));
}
