/** Runs a problem on every target and says where one of them is wrong. */

import { type Cell, type Family, POISON, type Problem } from './problem.js';
import { inOrder, splitCall } from './table.js';
import type { Machine } from './targets.js';

/** Words of poison around every operand. */
const MARGIN = 64;

/** What an output and its margins hold before: a number unlike the poison, which a kernel that reads too far may write back unseen. */
const UNWRITTEN = 0xdeadbeef;

interface Layout {
  readonly addresses: ReadonlyMap<string, number>;
  /** Memory before the call; what lies beyond is poison too. */
  readonly before: Uint32Array;
  /** 1 for words of the output that may change. */
  readonly mayChange: Uint8Array;
}

/** Throws an Error that names the problem, the coordinate, both values and the bound. */
export function agree(family: Family, problem: Problem, machines: readonly Machine[]): void {
  const layout = layOut(problem);
  const bits = new Map<Machine['target'], Uint32Array>();
  for (const machine of machines) {
    const fail = (what: string): never => {
      throw new Error(`${family.kernel} on ${machine.target}, ${problem.name}: ${what}`);
    };
    const found = solve(machine, family, problem, layout, fail);
    bits.set(machine.target, found);
    checkValues(found, problem, fail);
  }
  const simd = bits.get('simd');
  for (const [target, found] of bits) {
    // JavaScript sums in float64.
    if (simd === undefined || target === 'simd' || target === 'javascript') continue;
    if (target === 'relaxed' && family.sameBits === 'two') continue;
    checkSameBits(family, problem, target, found, simd);
  }
}

/** Throws where a target gives other bits if the call is split in two, as the kernel's table says, at about `share` of its work. */
export function agreeWhenSplit(family: Family, problem: Problem, machines: readonly Machine[], share: number): void {
  const layout = layOut(problem);
  for (const machine of machines) {
    const { split } = machine.table[family.kernel];
    const fail = (what: string): never => {
      throw new Error(`${family.kernel} on ${machine.target}, split along ${split?.along}, ${problem.name}: ${what}`);
    };
    if (!split) return;
    const halves: Problem = { ...problem, calls: (named) => splitCall(split, named, share) };
    const [whole, parts] = [problem, halves].map((one) => solve(machine, family, one, layout, fail));
    for (const { word, coordinate } of problem.out.cells) {
      if (canonical(whole[word]) !== canonical(parts[word])) {
        fail(`[${coordinate}] is ${hex(parts[word])}, in one call ${hex(whole[word])}`);
      }
    }
  }
}

function layOut({ inputs, out, over }: Problem): Layout {
  const addresses = new Map<string, number>();
  let words = MARGIN;
  const claim = (name: string, size: number) => {
    addresses.set(name, words * 4);
    words += Math.ceil(size / 4) * 4 + MARGIN;
  };
  for (const [name, data] of Object.entries(inputs)) claim(name, data.byteLength / 4);
  if (over === undefined) claim('out', out.words);
  else addresses.set('out', addresses.get(over)!);

  const before = new Uint32Array(words).fill(POISON);
  if (over === undefined) before.fill(UNWRITTEN, addresses.get('out')! / 4 - MARGIN);
  for (const [name, data] of Object.entries(inputs)) {
    before.set(new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4), addresses.get(name)! / 4);
  }
  const mayChange = new Uint8Array(words);
  const first = addresses.get('out')! / 4;
  for (const { word } of out.cells) mayChange[first + word] = 1;
  for (const word of out.free) mayChange[first + word] = 1;
  return { addresses, before, mayChange };
}

/** Calls the kernel and returns the words of the output; fails if any other word of memory changed. Leaves the memory poisoned. */
function solve(
  { memory, kernels, table }: Machine,
  { kernel }: Family,
  problem: Problem,
  { addresses, before, mayChange }: Layout,
  fail: (what: string) => never,
): Uint32Array {
  const address = (operand: string, word = 0) => addresses.get(operand)! + 4 * word;
  if (before.length > memory.length) fail(`it needs ${before.length} words of memory, there are ${memory.length}`);
  memory.fill(POISON);
  memory.set(before);
  const run = kernels[kernel] ?? fail('there is no such kernel');
  const { args, calls = (named) => [named] } = problem;
  for (const named of calls(args(address))) run(...inOrder(table[kernel], named));
  const changed = changedWord(memory, before, mayChange);
  if (changed >= 0) {
    const was = before[changed] ?? POISON;
    fail(`it wrote ${hex(memory[changed])} over ${hex(was)} at ${whereIs(changed, addresses)}`);
  }
  const first = addresses.get('out')! / 4;
  return memory.slice(first, first + problem.out.words);
}

/** The first word that differs and should not, or −1. */
function changedWord(memory: Uint32Array, before: Uint32Array, mayChange: Uint8Array): number {
  for (let word = 0; word < before.length; word++) {
    if (memory[word] !== before[word] && mayChange[word] === 0) return word;
  }
  for (let word = before.length; word < memory.length; word++) if (memory[word] !== POISON) return word;
  return -1;
}

function checkValues(found: Uint32Array, { out }: Problem, fail: (what: string) => never): void {
  const values = new Float32Array(found.buffer);
  for (const { word, value, bound, coordinate } of out.cells) {
    const distance = Math.abs(values[word] - value);
    const equal = values[word] === value || (Number.isNaN(value) && Number.isNaN(values[word]));
    if (equal || distance <= bound || bound === Infinity) continue;
    fail(`[${coordinate}] is ${values[word]}, wanted ${value}, off by ${distance}, allowed ${bound}`);
  }
}

function checkSameBits(
  { kernel }: Family,
  problem: Problem,
  target: Machine['target'],
  found: Uint32Array,
  simd: Uint32Array,
): void {
  const number = ({ word }: Cell, of: Uint32Array) => new Float32Array(of.buffer)[word];
  for (const cell of problem.out.cells) {
    if (canonical(found[cell.word]) === canonical(simd[cell.word])) continue;
    throw new Error(
      `${kernel}, ${problem.name}: [${cell.coordinate}] is ${number(cell, found)} on ${target} and ${number(cell, simd)} on simd`,
    );
  }
}

/** All NaNs as one: WebAssembly leaves their payload open. */
const canonical = (word: number): number => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word);

const hex = (word: number): string => `0x${word.toString(16).padStart(8, '0')}`;

function whereIs(word: number, addresses: ReadonlyMap<string, number>): string {
  let place = `word ${word}`;
  for (const [name, address] of addresses) if (address <= word * 4) place = `word ${word - address / 4} of '${name}'`;
  return place;
}
