/**
 * Every kernel is declared once, in the table of its module: what it does, its operands in order, and along what its work can be split. Calls of kernels
 * are typed from the table, so that a missing or surplus argument does not compile. Tests hold the table to the kernels' source and to the compiled
 * modules, and documentation is written from it. A page carries none of it, as long as only the table's type is imported.
 *
 * An operand is its role and its name; commas part operands:
 *
 *   'reads x'         address of memory that the kernel reads
 *   'writes y'        address of memory that it writes
 *   'updates y'       address of memory that it reads and writes
 *   'scratch s'       address of memory whose content means nothing before and after; calls at the same time need one each
 *   'reads offsets?'  an address that may be 0, for none
 *   'bytes stride'    a distance or length in bytes
 *   'i32 count'       any other integer: a number of things, an index, a flag
 *   'f32 lo'          a float32; 'f64' a float64
 *
 * A split is one operand that counts independent pieces of work, and what each further `by` of them add to the other operands: '16 channels' is the product
 * of a number and of operands; 'offsets ? 2 outStride : 128' depends on whether an operand is 0. An address of 0 stays 0. The results keep every bit.
 */
import type { Place } from './memory.js';

export type AddressRole = 'reads' | 'writes' | 'updates' | 'scratch';
export type OperandRole = AddressRole | 'bytes' | 'i32' | 'f32' | 'f64';

export interface KernelSplit {
  readonly along: string;
  /** Pieces are cut at multiples of this. Default 1. */
  readonly by?: number;
  readonly advance: Readonly<Record<string, string>>;
}

export interface KernelDeclaration {
  readonly does: string;
  /** Lines of operands. */
  readonly operands: readonly `${OperandRole} ${string}`[];
  readonly split?: KernelSplit;
}

export type KernelTable = Readonly<Record<string, KernelDeclaration>>;

export type KernelName<Table extends KernelTable> = keyof Table & string;

/** 'never' for a role that there is not. */
type Argument<Operand> = Operand extends `${'bytes' | 'i32' | 'f32' | 'f64'} ${string}`
  ? number
  : Operand extends `${AddressRole} ${string}?`
    ? Place | 0
    : Operand extends `${AddressRole} ${string}`
      ? Place
      : never;

type InLine<Line> = Line extends `${infer First}, ${infer Rest}`
  ? [Argument<First>, ...InLine<Rest>]
  : [Argument<Line>];
type InLines<Lines> = Lines extends readonly [infer First, ...infer Rest] ? [...InLine<First>, ...InLines<Rest>] : [];

/** The arguments of a call in a program: places stand for addresses until the program has its memory. */
export type Arguments<Table extends KernelTable, Name extends keyof Table> = InLines<Table[Name]['operands']>;

type NumbersFor<Arguments extends readonly unknown[]> = { readonly [Index in keyof Arguments]: number };

/** A kernel as WebAssembly exports it. */
export type Kernel = (...args: number[]) => void;

/** The kernels of a module that is bound to a memory. */
export type Kernels<Table extends KernelTable> = {
  readonly [Name in keyof Table]: (...args: NumbersFor<Arguments<Table, Name>>) => void;
};
