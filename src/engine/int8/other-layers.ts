/** Pools, sums, products, softmax and what only moves numbers, on integers. What has no kernel here is computed by the readable layers: `page`. */
import { axisOf } from '../../layers/concat.js';
import { multiplierOf, roundAway } from '../../layers/int8/fixed-point.js';
import { divided } from '../../layers/int8/globalAveragePool.js';
import { rangeOf } from '../../layers/int8/layer.js';
import { productMultiplier } from '../../layers/int8/multiply.js';
import { powersOf, sharesOf } from '../../layers/int8/softmax.js';
import { isQuantizedType, sameType } from '../../network/quantized-network.js';
import { forwardOf } from '../../network/run-quantized.js';
import { slideWindows } from '../../padding.js';
import { type AnyTensor, type QuantizedType, type Shape, sizeOf } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';
import { quadCount } from '../layouts.js';
import { pixelsOf } from '../lowering.js';
import { channelBlocks, halfOf } from './channel-blocks.js';
import { lookedUp } from './lookups.js';
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
  const limit = 255 ** 2;
  const channel = { bias: 0, scale, limit, range: () => [-limit, limit] as const };
  const block = low.program.table(`block ${node.name}`, () =>
    channelBlocks(Array(8).fill(channel), low.bounds(operation), low.rounding),
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
