/** All layers on integers but the convolutions. What has no kernel here is computed by the readable layers: `page`. */
import { axisOf } from '../../layers/concat.js';
import { multiplierOf, roundAway } from '../../layers/int8/fixed-point.js';
import { divided } from '../../layers/int8/globalAveragePool.js';
import { integerLayers } from '../../layers/int8/index.js';
import { rangeOf } from '../../layers/int8/layer.js';
import { placesOf } from '../../layers/int8/resizeBilinear.js';
import { powersOf, sharesOf } from '../../layers/int8/softmax.js';
import { isQuantizedType, sameType } from '../../network/quantized-network.js';
import { forwardOf } from '../../network/run-quantized.js';
import { slideWindows } from '../../padding.js';
import { type AnyTensor, type QuantizedType, sizeOf } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';
import { pixelsOf } from '../lowering.js';
import { halfOf } from './channel-blocks.js';
import { type IntegerLowering, type Page, quadStride, quadsBytes, viewOf } from './lowering.js';
import type { IntegerOperation, OperationOf } from './operations.js';

/** The operation by the readable layer, on tensors as their numbers are. */
export function page(low: IntegerLowering, operation: IntegerOperation): void {
  const { node, inputs, output, clamp } = operation;
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
    const limited = isQuantizedType(node.type) ? data.map((q) => Math.min(Math.max(q, clamp.lo), clamp.hi)) : data;
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

/** One integer of 8 bits for another: the table is what the readable layer makes of all 256. */
export function lookup(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs, output, node } = operation;
  const table = low.program.table(`table ${node.name}`, () => tableOf(low, operation));
  const x = low.bytes(inputs[0]);
  low.bytesStep(output, (out) => low.program.step('lookup', x, sizeOf(low.shape(output)), table, out));
}

/** By the byte, so that −128 is at 128. */
function tableOf(low: IntegerLowering, { inputs: [input], output, node }: IntegerOperation): Uint8Array<ArrayBuffer> {
  const type = low.type(input);
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const x = { shape: [1, 256], data: type.type === 'int8' ? new Int8Array(bytes.buffer) : bytes, type };
  const forward = integerLayers[node.kind as 'relu'];
  const { data } = forward([x], {}, node.attributes as object, low.type(output), low.rounding);
  return Uint8Array.from(data);
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

/** Inputs of other scales, which only uint8 allows, go through a table first: the readable layer's, of one input alone. */
export function concat(low: IntegerLowering, operation: OperationOf<'concat'>): void {
  const { inputs, output, node } = operation;
  const type = low.type(output);
  const shape = low.shape(output);
  if (inputs.some((input) => low.type(input).type !== type.type)) {
    page(low, operation);
    return;
  }
  const axis = axisOf(shape, node.attributes);
  const runs = sizeOf(shape.slice(0, axis));
  const stride = sizeOf(shape.slice(axis));
  const sources = inputs.map((input) => (sameType(low.type(input), type) ? low.bytes(input) : rescaled(input)));
  low.bytesStep(output, (out) => {
    let offset = 0;
    inputs.forEach((input, i) => {
      const bytes = sizeOf(low.shape(input).slice(axis));
      low.program.step('copyRuns', sources[i], bytes, at(out, offset), stride, bytes, runs);
      offset += bytes;
    });
  });

  function rescaled(input: string): Place {
    const x = low.bytes(input);
    const size = sizeOf(low.shape(input));
    const to = low.program.buffer(size);
    const table = low.program.table(`table ${input} ${node.name}`, () =>
      tableOf(low, { ...operation, inputs: [input], node: { ...node, attributes: { axis: 1 } } }),
    );
    low.program.step('lookup', x, size, table, to);
    return to;
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
  const { inputs: [input], output, node } = operation; // biome-ignore format: one line
  const [, height, width, channels] = low.shape(input);
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
  const x = low.bytes(input);
  const [rows, columns] = [places(height, outHeight), places(width, outWidth)];
  const twice = low.rounding === 'double' ? 1 : 0;
  low.bytesStep(output, (out) =>
    low.program.step('resizeBilinear', x, width, channels, unsigned, twice, rows, outHeight, columns, outWidth, out),
  );
}

export function argMax(low: IntegerLowering, { inputs: [input], output }: IntegerOperation): void {
  const [rows, classes] = pixelsOf(low.shape(input));
  const x = low.bytes(input);
  low.bytesStep(output, (out) => low.program.step('argMax', x, rows, classes, low.zero(input)[1], out));
}
