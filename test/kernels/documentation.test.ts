/** The list of kernels in assembly/README.md is written from their tables: `npm run docs:kernels`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INT8_KERNEL_TABLE } from '../../src/engine/int8/kernels.js';
import { ENGINE_KERNELS } from '../../src/engine/kernels.js';
import { PICTURE_KERNEL_TABLE } from '../../src/image/kernels.js';
import { TYPESCRIPT_KERNELS, WASM_KERNELS } from '../../src/training/wasm/kernels.js';
import type { KernelDeclaration, KernelTable } from '../../src/wasm/kernel-table.js';
import { root } from '../project/imports.js';
import { operandsOf } from './table.js';

const FILE = join(root, 'assembly/README.md');
const LIST = /(?<=<!-- kernels -->\n).*(?=<!-- \/kernels -->)/s;

const TABLES: readonly (readonly [title: string, KernelTable])[] = [
  ['The engine', ENGINE_KERNELS],
  ['The trainer', WASM_KERNELS],
  ['The trainer, in TypeScript', TYPESCRIPT_KERNELS],
  ['The integer engine', INT8_KERNEL_TABLE],
  ['Pictures', PICTURE_KERNEL_TABLE],
];

function operandsText(kernel: KernelDeclaration): string {
  const operands = operandsOf(kernel);
  const named = (...roles: string[]) =>
    operands.filter((operand) => roles.includes(operand.split(' ')[0])).map((operand) => operand.split(' ')[1]);
  const scratch = named('scratch').map((name) => `${name} (scratch)`);
  const updated = named('updates').map((name) => `${name} (added to)`);
  const written = [...named('writes'), ...updated, ...scratch].join(', ');
  return `${named('reads').join(', ')} → ${written} · ${named('bytes', 'i32', 'f32', 'f64').join(', ')}`.trim();
}

const splitText = ({ split }: KernelDeclaration): string =>
  split ? `${split.along}${split.by ? `, by ${split.by}` : ''}` : '';

const tableText = (table: KernelTable): string =>
  [
    '| kernel | does | operands | split along |',
    '|---|---|---|---|',
    ...Object.entries(table).map(
      ([name, kernel]) => `| \`${name}\` | ${kernel.does} | ${operandsText(kernel)} | ${splitText(kernel)} |`,
    ),
  ].join('\n');

test('assembly/README.md lists every kernel as its table has it; `npm run docs:kernels` writes it', () => {
  const wanted = TABLES.map(([title, table]) => `\n### ${title}\n\n${tableText(table)}\n`).join('');
  const readme = readFileSync(FILE, 'utf8');
  if (process.env.WRITE_KERNELS)
    writeFileSync(
      FILE,
      readme.replace(LIST, () => `${wanted}\n`),
    );
  expect(LIST.exec(readFileSync(FILE, 'utf8'))?.[0]).toBe(`${wanted}\n`);
});

test('a kernel with every role', () => {
  const kernel: KernelDeclaration = {
    does: 'something',
    operands: ['reads x, bytes stride, updates y', 'reads r?', 'writes out, i32 n, scratch s, f32 lo'],
    split: { along: 'n', by: 4, advance: {} },
  };
  expect(operandsText(kernel)).toBe('x, r? → out, y (added to), s (scratch) · stride, n, lo');
  expect(splitText(kernel)).toBe('n, by 4');
});
