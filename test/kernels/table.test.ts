/** The tables of kernels against the kernels' source and the compiled modules; and what does not compile. */
import './relaxed.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INT8_KERNEL_TABLE, int8Bytes } from '../../src/engine/int8/kernels.js';
import { ENGINE_KERNELS, type EngineKernels, type EngineKernelTable } from '../../src/engine/kernels.js';
import { PICTURE_KERNEL_TABLE } from '../../src/image/kernels.js';
import { WASM_KERNELS } from '../../src/training/wasm/kernels.js';
import type { KernelDeclaration, KernelTable } from '../../src/wasm/kernel-table.js';
import { Program } from '../../src/wasm/program.js';
import { allocate, compileBytes, instantiate } from '../../src/wasm/web-assembly.js';
import { root } from '../project/imports.js';
import { kernelSets } from './sets.js';
import { inOrder, operandNames, operandsOf, splitCall } from './table.js';

const sets = await kernelSets();

/** 'x: usize, count: i32' of every function that `index` exports, out of itself or of another file. */
function signatures(folder: string): Map<string, string> {
  const read = (file: string) => readFileSync(join(root, folder, `${file}.ts`), 'utf8');
  const found = new Map<string, string>();
  const index = read('index');
  const own = [...index.matchAll(/^export function (\w+)/gm)].map(([, name]) => name).join(',');
  for (const [, names, file] of [['', own, 'index'], ...index.matchAll(/export \{([^}]*)\} from '(\.\.?\/[\w-]+)'/g)]) {
    const source = read(file);
    for (const name of names.split(',').map((word) => word.trim())) {
      if (name === '') continue;
      const [, parameters] = new RegExp(`^export function ${name}\\(([^)]*)\\): void`, 'm').exec(source) ?? [];
      // What gives a number is no step of a program.
      if (parameters === undefined) continue;
      found.set(name, parameters.replaceAll(/\s+/g, ' ').replace(/,? $/, '').trim());
    }
  }
  return found;
}

const TYPES: Readonly<Record<string, string>> = { i32: 'i32', f32: 'f32' };

const signatureOf = (declaration: KernelDeclaration): string =>
  operandsOf(declaration)
    .map((operand, i) => `${operandNames(declaration)[i]}: ${TYPES[operand.split(' ')[0]] ?? 'usize'}`)
    .join(', ');

describe.each<[string, KernelTable, string]>([
  ['the engine', ENGINE_KERNELS, 'assembly'],
  ['the trainer', WASM_KERNELS, 'assembly/training'],
  ['the integer engine', INT8_KERNEL_TABLE, 'assembly/int8'],
  ['pictures', PICTURE_KERNEL_TABLE, 'assembly/image'],
])('the table of %s', (_, table, folder) => {
  test('has the names and types of the source, in its order', () => {
    const declared = Object.entries(table).map(([name, declaration]) => [name, signatureOf(declaration)]);
    expect(Object.fromEntries(declared)).toEqual(Object.fromEntries(signatures(folder)));
  });

  test.each(Object.entries(table))('%s: a split names its operands', (_, declaration) => {
    const names = operandNames(declaration);
    const { along, advance } = declaration.split ?? { along: names[0], advance: {} };
    expect(names).toEqual(expect.arrayContaining([along, ...Object.keys(advance)]));
    expect(new Set(names).size).toBe(names.length);
  });
});

const arities = (table: KernelTable) =>
  Object.fromEntries(Object.entries(table).map(([name, kernel]) => [name, operandsOf(kernel).length]));

const aritiesOf = (kernels: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(kernels).flatMap(([name, kernel]) => (typeof kernel === 'function' ? [[name, kernel.length]] : [])),
  );

test.each(sets)(
  'the modules of the $of export the kernels of its table, with as many operands',
  ({ table, machines }) => {
    for (const { target, kernels } of machines) {
      if (target !== 'javascript') expect(aritiesOf(kernels)).toEqual(arities(table));
    }
  },
);

test.each(['scalar', 'simd', 'relaxed'] as const)('so do the integer kernels, %s', async (target) => {
  const module = await compileBytes(target, int8Bytes(target));
  const { probe, ...kernels } = await instantiate<Record<string, unknown>>(module, allocate('a test', 1));
  expect(probe).toBeTypeOf('function');
  expect(aritiesOf(kernels)).toEqual(arities(INT8_KERNEL_TABLE));
});

test('a missing or a surplus operand is named', () => {
  const { hard } = ENGINE_KERNELS;
  const wanted = 'wanted the operands x, count, swish, out, found';
  expect(() => inOrder(hard, { x: 0, count: 4, out: 0 })).toThrow(`${wanted} x, count, out`);
  const surplus = { x: 0, count: 4, swish: 0, out: 0, scratch: 0 };
  expect(() => inOrder(hard, surplus)).toThrow(`${wanted} x, count, swish, out, scratch`);
  expect(inOrder(hard, { out: 4, swish: 3, count: 2, x: 1 })).toEqual([1, 2, 3, 4]);
});

test('a split call: 10 of 16 numbers, cut at a multiple of four', () => {
  const named = { a: 1000, b: 0, count: 16, lo: 0, hi: 6, out: 2000 };
  expect(splitCall(ENGINE_KERNELS.addAll.split, named, 10 / 16)).toEqual([
    { ...named, count: 8 },
    { ...named, a: 1032, count: 8, out: 2032 },
  ]);
});

test('calls with other operands than the table has do not compile', () => {
  const program = new Program<EngineKernelTable>();
  const [x, out] = [program.buffer(64), program.buffer(64)];
  program.step('addAll', x, x, 16, 0, 6, out);
  program.step('addAll', x, 0, 16, 0, 6, out);
  // @ts-expect-error an operand is missing
  program.step('addAll', x, x, 16, 0, out);
  // @ts-expect-error one too many
  program.step('addAll', x, x, 16, 0, 6, out, out);
  // @ts-expect-error a number for an address
  program.step('addAll', 16, x, 16, 0, 6, out);
  // @ts-expect-error an address that may not be 0
  program.step('addAll', 0, x, 16, 0, 6, out);
  // @ts-expect-error no kernel of this table
  program.step('clampForward', x, 64, 0, 6, out);
  program.step('packPanels', x, 2, 2, 8, 0, out, 64);
  // @ts-expect-error six numbers for a kernel that takes seven
  const pack = (kernels: EngineKernels) => kernels.packPanels(0, 2, 2, 8, 0, 64);
  expect(pack).toBeTypeOf('function');
  expect(program.steps).toHaveLength(8);
});

test('programs know the buffers that a step touches', () => {
  const program = new Program<EngineKernelTable>();
  const [x, out] = [program.buffer(64), program.buffer(64)];
  program.touch(x, -1);
  program.step('addAll', x, 0, 16, 0, 6, out);
  program.step('sigmoid', out, 16, out);
  expect([x, out].map(({ buffer: { first, last } }) => [first, last])).toEqual([
    [-1, 0],
    [0, 1],
  ]);
});
