/**
 * What lowering a quantised network knows while it goes from operation to operation: shapes and types, where each tensor lies, and in which layouts.
 *
 *   bytes   [pixels][C]                  8-bit integers as the type has them: pictures, results, layers without a kernel of their own
 *   quads   [pixels / 4][C' / 2][4][2]   int16 without zero point: what a matrix product reads; C' is C rounded up to 8
 *   planes  [C' / 8][rows][columns][8]   int16 without zero point: what a depthwise convolution reads
 *
 * A pixel of planes takes 16 bytes, as many as in the float engine's, so that ../layouts.ts says where it lies.
 */
import type { Rounding } from '../../layers/int8/fixed-point.js';
import { soleReaders } from '../../network/graph.js';
import { weightName } from '../../network/network.js';
import {
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  quantizedWeightsOf,
} from '../../network/quantized-network.js';
import {
  type AnyTensor,
  type QuantizedTensor,
  type QuantizedType,
  type Shape,
  sizeOf,
  type TensorType,
} from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { Program } from '../../wasm/program.js';
import { type PlaneLayout, pixelOffsets, quadCount, roundUp, rowOffsets, VECTOR } from '../layouts.js';
import { pixelsOf } from '../lowering.js';
import type { Int8KernelTable } from './kernels.js';
import type { IntegerOperation } from './operations.js';
import { type BytePanels, packBytePanels } from './packing.js';

/** Computes on numbers that lie at these addresses of the memory. */
export type Page = (memory: ArrayBuffer, ...addresses: number[]) => void;

/**
 * Numbers, two of them for two output channels; pairs of int16; bytes in sums that saturate; or exact dot products of
 * bytes, which are unsigned or signed.
 */
export type Products = 'numbers' | 'pairs' | 'bytes' | 'dots' | 'signedDots';

export interface Layouts {
  bytes?: Place;
  quads?: Place;
  /** uint8 with zero point, [pixels / 4][C' / 4][4][4]: what a matrix product of bytes reads. */
  byteQuads?: Place;
  planes?: { readonly place: Place; readonly layout: PlaneLayout };
}

/** A tensor and the layouts in which it lies in memory so far. */
interface Value extends Layouts {
  readonly shape: Shape;
}

/** From one quad of pixels to the next, in bytes. */
export const quadStride = (channels: number): number => roundUp(channels, 8) * 8;

export const quadsBytes = (pixels: number, channels: number): number => quadCount(pixels) * quadStride(channels);

export class IntegerLowering {
  readonly rounding: Rounding;
  /** What the kernels of matrix products multiply at once. */
  readonly products: Products;
  readonly program = new Program<Int8KernelTable>();
  readonly pages: Page[] = [];
  /** Operations that wait to be computed together with their only consumer, by the name of their output. */
  readonly waiting = new Map<string, IntegerOperation>();
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly #network: QuantizedNetwork;
  readonly #types: ReadonlyMap<string, TensorType>;
  readonly #consumers: ReadonlyMap<string, IntegerOperation | undefined>;
  readonly #indices: ReadonlyMap<IntegerOperation, number>;
  /** Tensors whose bytes are another's, with its zero point. */
  readonly #bytesOf = new Map<string, string>();
  readonly #bytePanels = new Map<string, BytePanels | undefined>();
  readonly #values = new Map<string, Value>();

  constructor(
    network: QuantizedNetwork,
    operations: readonly IntegerOperation[],
    outputs: readonly string[],
    shapes: ReadonlyMap<string, Shape>,
    types: ReadonlyMap<string, TensorType>,
    rounding: Rounding,
    products: Products,
  ) {
    this.#network = network;
    this.rounding = rounding;
    this.products = products;
    this.shapes = shapes;
    this.#types = types;
    this.#consumers = soleReaders(operations, outputs, ({ inputs }) => inputs);
    this.#indices = new Map(operations.map((operation, index) => [operation, index]));
  }

  /** Steps from here on are this operation's, in reports and timings. */
  serve(operation: IntegerOperation): void {
    this.program.operation = this.#indices.get(operation) as number;
  }

  shape(name: string): Shape {
    return this.shapes.get(name) as Shape;
  }

  anyType(name: string): TensorType {
    return this.#types.get(name) as TensorType;
  }

  /** Of a tensor of 8 bits. */
  type(name: string): QuantizedType {
    return this.#types.get(name) as QuantizedType;
  }

  hasBytes(name: string): boolean {
    const type = this.anyType(name);
    return isQuantizedType(type) && type.type !== 'int32';
  }

  /** The tensor, which an operation before has made. */
  value(name: string): Value {
    return this.#values.get(name) as Value;
  }

  /** Says where the tensor lies now that it has been made. */
  made(name: string, layouts: Layouts): void {
    this.#values.set(name, { shape: this.shape(name), ...layouts });
  }

  /** The one operation that reads the tensor as its input, if no other does and the tensor itself is not wanted. */
  soleConsumer(name: string): IntegerOperation | undefined {
    return this.#consumers.get(name);
  }

  /** Where the tensor lies as its numbers are: 8-bit integers, or real numbers and indices of 4 bytes. */
  bytes(name: string): Place {
    const value = this.value(name);
    if (!value.bytes) {
      const [pixels, channels] = pixelsOf(value.shape);
      const out = this.program.buffer(sizeOf(value.shape));
      const { zeroPoint } = this.type(name);
      this.program.step('quadsToBytes', value.quads as Place, quadStride(channels), pixels, channels, zeroPoint, out);
      value.bytes = out;
    }
    return value.bytes;
  }

  /** Whether the tensor has been made as quads, and nothing has asked for its bytes. */
  hasOnlyQuads(name: string): boolean {
    const { quads, bytes } = this.value(name);
    return quads !== undefined && bytes === undefined;
  }

  quads(name: string): Place {
    const value = this.value(name);
    if (!value.quads) {
      const [pixels, channels] = pixelsOf(value.shape);
      const out = this.program.buffer(quadsBytes(pixels, channels));
      const stride = quadStride(channels);
      this.program.step('bytesToQuads', value.bytes as Place, pixels, channels, ...this.zero(name), out, stride);
      value.quads = out;
    }
    return value.quads;
  }

  byteQuads(name: string): Place {
    const value = this.value(name);
    if (!value.byteQuads) {
      const [pixels, channels] = pixelsOf(value.shape);
      const stride = quadStride(channels);
      const out = this.program.buffer((quadCount(pixels) * stride) / 2);
      const { zero, flip } = this.byteForm(name);
      this.program.step('quadsToByteQuads', this.quads(name), stride, quadCount(pixels), zero, flip, out);
      value.byteQuads = out;
    }
    return value.byteQuads;
  }

  /** The zero point of the tensor's numbers as unsigned bytes, and 128 where a matrix product reads them signed. */
  byteForm(name: string): { zero: number; flip: number } {
    const { zeroPoint, type } = this.type(name);
    return { zero: type === 'int8' ? zeroPoint + 128 : zeroPoint, flip: this.products === 'signedDots' ? 128 : 0 };
  }

  /** The tensor, which a convolution alone reads, has the same numbers as `source` but for the zero point: its bytes serve both. */
  readAs(name: string, source: string): void {
    this.made(name, { bytes: this.bytes(source) });
    this.#bytesOf.set(name, source);
  }

  /** The zero point, and 1 if the type has no sign: what kernels want that read bytes. */
  zero(name: string): [number, number] {
    const { zeroPoint, type } = this.type(this.#bytesOf.get(name) ?? name);
    return [zeroPoint, type === 'uint8' ? 1 : 0];
  }

  /** The operation's bounds without the zero point. */
  bounds({ output, clamp: { lo, hi } }: IntegerOperation): [number, number] {
    const { zeroPoint } = this.type(output);
    return [lo - zeroPoint, hi - zeroPoint];
  }

  /** All weights of a node, by the names its layer gives them. */
  weights(node: QuantizedNode): Readonly<Record<string, AnyTensor>> {
    return quantizedWeightsOf(this.#network, node, this.shapes);
  }

  weight(node: string, weight: string): QuantizedTensor | undefined {
    return this.#network.weights.get(weightName(node, weight)) as QuantizedTensor | undefined;
  }

  /** The weights of a matrix product of bytes, where it can be used and is faster. */
  bytePanels({ node, inputs, output }: IntegerOperation): BytePanels | undefined {
    if (this.products === 'numbers' || this.products === 'pairs') return undefined;
    if (!this.#bytePanels.has(node.name)) {
      const { data, type } = this.weight(node.name, 'kernel') as QuantizedTensor;
      const [rows, columns] = [inputs[0], output].map((name) => this.shape(name).at(-1) as number);
      this.#bytePanels.set(
        node.name,
        packBytePanels(data, zeroPointOf(type), rows, columns, this.products === 'bytes', FURTHER_SHARE),
      );
    }
    return this.#bytePanels.get(node.name);
  }

  /** New planes with their margins cleared. */
  planes(layout: PlaneLayout, channels: number): Place {
    const planes = Math.ceil(channels / 8);
    const place = this.program.buffer(planes * layout.planeStride + layout.spare);
    const { left, right } = layout.padding;
    const { planeStride, rows, rowBytes } = layout;
    this.program.step('zeroMargins', place, planeStride, planes, rows, rowBytes, left * VECTOR, right * VECTOR);
    return place;
  }

  pixelOffsets(layout: PlaneLayout): Place {
    return this.program.table(`pixels ${layoutKey(layout)}`, () => pixelOffsets(layout));
  }

  rowOffsets(layout: PlaneLayout): Place {
    return this.program.table(`rows ${layoutKey(layout)}`, () => rowOffsets(layout));
  }

  /** A new buffer for `output` as its numbers are, filled by `emit`. */
  bytesStep(output: string, emit: (out: Place) => void): void {
    const out = this.program.buffer(sizeOf(this.shape(output)) * (this.hasBytes(output) ? 1 : 4));
    emit(out);
    this.made(output, { bytes: out });
  }
}

/** Says everything of a layout. */
export const layoutKey = ({ height, width, padding, rows, spare }: PlaneLayout): string =>
  [height, width, padding.top, padding.bottom, padding.left, padding.right, rows, spare].join();

/** Byte products are faster than those of int16 by more than this part of further steps costs. */
const FURTHER_SHARE = 0.25;

export const zeroPointOf = (type: QuantizedTensor['type']): number => ('zeroPoint' in type ? type.zeroPoint : 0);

/** A view of as many numbers of a type as the tensor has. */
export const viewOf = (memory: ArrayBuffer, address: number, size: number, type: TensorType) =>
  new (arrayOf(type))(memory, address, size);

export function arrayOf(type: TensorType) {
  if (!isQuantizedType(type)) return Float32Array;
  return { int8: Int8Array, uint8: Uint8Array, int32: Int32Array }[type.type];
}
