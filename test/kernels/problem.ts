/**
 * A kernel problem: operands laid out in memory, a call, and what each word of memory must hold afterwards. Problems solve themselves by
 * their own loops in float64, share nothing with `src` but the kernels' names, and need no test runner, so that a page can solve them too.
 */
import type fc from 'fast-check';
import type { EngineKernelTable } from '../../src/engine/kernels.js';
import type { WASM_KERNELS } from '../../src/training/wasm/kernels.js';
import type { NamedOperands } from './table.js';

export type Words = Float32Array | Float64Array | Uint32Array;

/** A quiet NaN with a payload: what memory holds where nobody wrote. A kernel that reads it where it should not yields NaN. */
export const POISON = 0x7fc0b0b0;

/** Numbers that a kernel must not read, or (padding of a layout) must not let into a result. */
export const poisoned = (words: number): Float32Array => new Float32Array(new Uint32Array(words).fill(POISON).buffer);

export interface Cell {
  readonly word: number;
  readonly value: number;
  /** Allowed distance from `value`; Infinity where float32 overflows on the way and the result depends on the order of sums. */
  readonly bound: number;
  readonly coordinate: readonly number[];
}

/** The words of an output. Those that are neither expected nor free must keep what they held before. */
export class Sheet {
  readonly words: number;
  readonly cells: Cell[] = [];
  readonly free: number[] = [];

  constructor(words: number) {
    this.words = words;
  }

  expect(word: number, value: number, bound: number, ...coordinate: number[]): void {
    this.cells.push({ word, value, bound, coordinate });
  }

  /** Padding of a layout: a kernel may write anything there. */
  leaveFree(word: number): void {
    this.free.push(word);
  }
}

/** Address in bytes of an operand, or of a word of it. */
export type AddressOf = (operand: string, word?: number) => number;

export interface Problem {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Words>>;
  readonly out: Sheet;
  /** The output lies where this input lies. */
  readonly over?: string;
  /** Every operand of the kernel, by its name. */
  readonly args: (address: AddressOf) => NamedOperands;
  /** The calls that solve it. Default: one. */
  readonly calls?: (named: NamedOperands) => readonly NamedOperands[];
}

/** The engine's kernels and the trainer's. */
export type AnyKernelName = keyof EngineKernelTable | keyof typeof WASM_KERNELS;

/** All problems of one kernel. */
export interface Family {
  readonly kernel: AnyKernelName;
  /**
   * 'all': the three targets give the same bits. 'two': scalar and SIMD do, and relaxed SIMD, whose multiply-add may round once, keeps the
   * bound. In every kernel the order of the sums is the same for all targets.
   */
  readonly sameBits: 'all' | 'two';
  readonly named: readonly { readonly why: string; readonly problem: () => Problem }[];
  readonly any: fc.Arbitrary<Problem>;
}

/** A family from a function that makes the problem of some parameters, the parameters' arbitrary, and parameters worth a name. */
export function family<Parameters extends object>(
  kernel: AnyKernelName,
  sameBits: Family['sameBits'],
  any: fc.Arbitrary<Parameters>,
  named: Readonly<Record<string, Parameters>>,
  make: (parameters: Parameters) => Omit<Problem, 'name'>,
): Family {
  const problem = (parameters: Parameters): Problem => {
    const json = JSON.stringify(parameters, (_, value) => (typeof value === 'number' ? String(value) : value));
    const name = json.replaceAll('"', '');
    return Object.assign(make(parameters), { name, [TO_STRING]: () => name });
  };
  return {
    kernel,
    sameBits,
    named: Object.entries(named).map(([why, parameters]) => ({ why, problem: () => problem(parameters) })),
    any: any.map(problem),
  };
}

/** fast-check asks for this when it prints a counterexample; an infinity or NaN among the parameters shows as such. */
const TO_STRING = Symbol.for('fast-check/toStringMethod');
