/**
 * The parts that a program is put together from: buffers whose lives are recorded as steps touch them, constants (weights, tables), and the list of
 * kernel calls, as data until the program is linked to a memory.
 */
import type { Arguments, Kernel, KernelName, KernelTable } from './kernel-table.js';
import { align, type Buffer, type Place, placeBuffers } from './memory.js';
import type { WasmMemory } from './web-assembly.js';

/** A kernel call. Arguments are numbers, or places that become addresses once the program has its memory. */
export interface Step {
  readonly kernel: string;
  readonly args: readonly (number | Place)[];
  /** Index of the operation that it serves. */
  readonly operation: number;
}

/** A step of a linked program. */
export interface Call {
  readonly kernel: Kernel;
  readonly args: readonly number[];
  readonly operation: number;
}

export type AddressOf = (place: Place) => number;

export interface Linked {
  readonly calls: readonly Call[];
  readonly addressOf: AddressOf;
  /** Where the buffers begin. */
  readonly base: number;
}

interface TableData {
  readonly place: Place;
  readonly data: ArrayBufferView;
}

export class Program<Table extends KernelTable> {
  readonly steps: Step[] = [];
  readonly buffers: Buffer[] = [];
  /** Weights and tables. They lie before all other buffers. */
  readonly constants = { bytes: 0, first: 0, last: 0, offset: 0 };
  readonly #tables: TableData[] = [];
  readonly #tablePlaces = new Map<string, Place>();
  /** Index of the operation that steps added from here on serve. */
  operation = 0;

  /** Adds a step of a kernel of the table. */
  readonly step = this.add as <Name extends KernelName<Table>>(kernel: Name, ...args: Arguments<Table, Name>) => void;

  buffer(bytes: number): Place {
    const buffer = { bytes: align(bytes), first: Infinity, last: -1, offset: -1 };
    this.buffers.push(buffer);
    return { buffer, byte: 0 };
  }

  /** Memory that nothing else ever uses. */
  constant(bytes: number): Place {
    const place = { buffer: this.constants, byte: this.constants.bytes };
    this.constants.bytes += align(bytes);
    return place;
  }

  /** A constant with this content. Tables with the same key are one: the key says everything that the content depends on. */
  table(key: string, make: () => ArrayBufferView): Place {
    const known = this.#tablePlaces.get(key);
    if (known) return known;
    const data = make();
    const place = this.constant(data.byteLength);
    this.#tables.push({ place, data });
    this.#tablePlaces.set(key, place);
    return place;
  }

  /** A step of a kernel that stands in no table. */
  add(kernel: string, ...args: Step['args']): void {
    for (const arg of args) if (typeof arg !== 'number') this.touch(arg);
    this.steps.push({ kernel, args, operation: this.operation });
  }

  /** Keeps the buffer until the next step; with a time of −1, from before the first. */
  touch({ buffer }: Place, time = this.steps.length): void {
    buffer.first = Math.min(buffer.first, time);
    buffer.last = Math.max(buffer.last, time);
  }

  /** Places all buffers and returns the bytes of memory needed for them. */
  layOut(): number {
    return placeBuffers(this.buffers);
  }

  /** The program, laid out, in a memory from `address` on: writes its tables and says what is to be called. */
  link(kernels: Readonly<Record<string, unknown>>, memory: WasmMemory, address: number): Linked {
    const base = address + this.constants.bytes;
    const addressOf = ({ buffer, byte }: Place) => (buffer === this.constants ? address : base + buffer.offset) + byte;
    for (const { place, data } of this.#tables) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      new Uint8Array(memory.buffer).set(bytes, addressOf(place));
    }
    const calls = this.steps.map(({ kernel, args, operation }) => ({
      kernel: kernels[kernel] as Kernel,
      args: args.map((arg) => (typeof arg === 'number' ? arg : addressOf(arg))),
      operation,
    }));
    return { calls, addressOf, base };
  }

  /** For each of so many operations: the kernels that serve it, with the number of calls. */
  kernelCounts(operations: number): Readonly<Record<string, number>>[] {
    const counts = Array.from({ length: operations }, (): Record<string, number> => ({}));
    for (const { kernel, operation } of this.steps) counts[operation][kernel] = (counts[operation][kernel] ?? 0) + 1;
    return counts;
  }
}

export const at = (place: Place, bytes: number): Place => ({ buffer: place.buffer, byte: place.byte + bytes });
