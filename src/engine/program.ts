/**
 * The parts that a plan is put together from: buffers whose lives are recorded as steps touch them, constants (packed weights, tables), and the
 * list of kernel calls.
 */
import type { FloatArray } from '../tensor.js';
import type { KernelName } from './kernels.js';
import { align, type Buffer, type Place, placeBuffers } from './memory.js';

/** A kernel call. Arguments are numbers, or places that become addresses once the plan has its memory. */
export interface Step<Name = KernelName> {
  readonly kernel: Name;
  readonly args: readonly (number | Place)[];
  /** Index of the operation that it serves. */
  readonly operation: number;
}

/** A matrix that goes into the weights area as panels of `width` columns, see assembly/layout.ts. */
export interface PackedMatrix {
  readonly place: Place;
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  readonly data: FloatArray;
  /** A float64 factor for each column. */
  readonly scale: Place | undefined;
}

export interface Table {
  readonly place: Place;
  readonly data: ArrayBufferView;
}

/** `Name` is a kernel's. */
export class Program<Name = KernelName> {
  readonly steps: Step<Name>[] = [];
  readonly buffers: Buffer[] = [];
  readonly matrices: PackedMatrix[] = [];
  readonly tables: Table[] = [];
  /** Weights and tables. They lie before all other buffers. */
  readonly constants = { bytes: 0, first: 0, last: 0, offset: 0 };
  readonly #matrixPlaces = new Map<string, Place>();
  readonly #tablePlaces = new Map<string, Place>();
  #operation = 0;

  /** Steps added from here on serve this operation. */
  beginOperation(index: number): void {
    this.#operation = index;
  }

  buffer(bytes: number): Place {
    const buffer = { bytes: align(bytes), first: Number.POSITIVE_INFINITY, last: -1, offset: -1 };
    this.buffers.push(buffer);
    return { buffer, byte: 0 };
  }

  step(kernel: Name, ...args: (number | Place)[]): void {
    for (const arg of args) if (typeof arg !== 'number') this.touch(arg);
    this.steps.push({ kernel, args, operation: this.#operation });
  }

  /** Keeps the buffer until the next step. */
  touch({ buffer }: Place): void {
    buffer.first = Math.min(buffer.first, this.steps.length);
    buffer.last = Math.max(buffer.last, this.steps.length);
  }

  /** Keeps the buffer from the very start, for what is written before the first step. */
  touchAtStart({ buffer }: Place): void {
    buffer.first = -1;
    buffer.last = Math.max(buffer.last, -1);
  }

  /** The matrix [rows][columns] as panels of `width` columns. Steps that use one key share one matrix. */
  matrix(key: string, rows: number, columns: number, width: number, data: FloatArray, scale?: Place): Place {
    const known = this.#matrixPlaces.get(key);
    if (known) return known;
    const place = this.#constant(Math.ceil(columns / width) * rows * width * 4);
    this.matrices.push({ place, rows, columns, width, data, scale });
    this.#matrixPlaces.set(key, place);
    return place;
  }

  /** A table. Tables with the same key are one: the key says everything that the content depends on. */
  table(key: string, make: () => ArrayBufferView): Place {
    const known = this.#tablePlaces.get(key);
    if (known) return known;
    const data = make();
    const place = this.#constant(data.byteLength);
    this.tables.push({ place, data });
    this.#tablePlaces.set(key, place);
    return place;
  }

  /** Places all buffers and returns the bytes of memory needed for activations. */
  layOut(): number {
    return placeBuffers(this.buffers);
  }

  #constant(bytes: number): Place {
    const place = { buffer: this.constants, byte: this.constants.bytes };
    this.constants.bytes += align(bytes);
    return place;
  }
}

export const at = (place: Place, bytes: number): Place => ({ buffer: place.buffer, byte: place.byte + bytes });
