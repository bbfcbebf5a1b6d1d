/**
 * The parts that a plan is put together from: buffers whose lives are recorded as steps touch them, constants (packed weights, tables), and the
 * list of kernel calls.
 */
import type { FloatArray } from '../tensor.js';
import type { KernelName } from './kernels.js';
import { align, type Buffer, type Place, placeBuffers } from './memory.js';

/** A kernel call. Arguments are numbers, or places that become addresses once memory is laid out. */
export interface Step {
  readonly kernel: KernelName;
  readonly args: readonly (number | Place)[];
  /** Index of the operation that it serves. */
  readonly operation: number;
}

/** A matrix that goes into the weights area as panels of `width` columns, see assembly/layout.ts. */
export interface PackedMatrix {
  readonly address: number;
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  readonly data: FloatArray;
  /** Address of a float64 factor for each column; 0 for none. */
  readonly scale: number;
}

export interface Table {
  readonly address: number;
  readonly data: Uint32Array | FloatArray;
}

/** Address 0 is kept free: it means "none" to kernels. */
const FIRST_ADDRESS = 64;

export class Program {
  readonly steps: Step[] = [];
  readonly buffers: Buffer[] = [];
  readonly matrices: PackedMatrix[] = [];
  readonly tables: Table[] = [];
  readonly #matrixAddresses = new Map<string, number>();
  readonly #tableAddresses = new Map<string, number>();
  #constants = FIRST_ADDRESS;
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

  step(kernel: KernelName, ...args: (number | Place)[]): void {
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

  /** Address of the matrix [rows][columns] as panels of `width` columns. Steps that use one key share one matrix. */
  matrix(key: string, rows: number, columns: number, width: number, data: FloatArray, scale = 0): number {
    const known = this.#matrixAddresses.get(key);
    if (known !== undefined) return known;
    const address = this.#constant(Math.ceil(columns / width) * rows * width * 4);
    this.matrices.push({ address, rows, columns, width, data, scale });
    this.#matrixAddresses.set(key, address);
    return address;
  }

  /** Address of a table. Tables with the same key are one: the key says everything that the content depends on. */
  table(key: string, make: () => Uint32Array | FloatArray): number {
    const known = this.#tableAddresses.get(key);
    if (known !== undefined) return known;
    const data = make();
    const address = this.#constant(data.byteLength);
    this.tables.push({ address, data });
    this.#tableAddresses.set(key, address);
    return address;
  }

  /** Bytes of weights and tables. */
  get constantBytes(): number {
    return this.#constants;
  }

  /** Places all buffers and returns the bytes of memory needed for activations. */
  layOut(): number {
    return placeBuffers(this.buffers);
  }

  #constant(bytes: number): number {
    const address = this.#constants;
    this.#constants += align(bytes);
    return address;
  }
}

export const at = (place: Place, bytes: number): Place => ({ buffer: place.buffer, byte: place.byte + bytes });
