/** The example readers: programs in other languages find in a bundle what the library put there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layerSuite, makeGolden, type Problem, writeGolden } from '../../src/oracle/index.js';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'depthwise-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const python = has('python3');
const compiler = has('g++');

const problem = [...layerSuite(1)].find(({ name }) => name === 'conv2d-stride-2-odd-cancellation') as Problem;
const source = { kind: 'noise', detail: 'cancellation', seed: 1 } as const;
const golden = makeGolden(problem.network, problem.inputs, { source });
const bundle = join(folder, 'golden.safetensors');
beforeAll(async () =>
  writeFileSync(
    bundle,
    await writeGolden(golden, { format: 'safetensors', weights: true, generator: 'depthwise 0.0.0' }),
  ),
);

const first = (): { value: number; bound: number } => ({
  value: golden.outputs.get('conv2d')!.data[0],
  bound: golden.bounds.get('conv2d')!.data[0],
});

function expectNumbers(printed: string): void {
  const [, value, bound] = /: (\S+) ± (\S+), beyond: 0/.exec(printed) ?? [];
  expect(Number(value) / first().value).toBeCloseTo(1, 5);
  expect(Number(bound) / first().bound).toBeCloseTo(1, 1);
}

test.skipIf(!python)(`read_golden.py${python ? '' : ' (needs python3)'}`, () => {
  const printed = execFileSync('python3', [join(examples, 'read_golden.py'), bundle], { encoding: 'utf8' });
  expect(printed).toMatch(
    /^conv2d-stride-2-odd by depthwise 0\.0\.0, bounds for float32\nconv2d conv2d \[1, 4, 3, 7\]: /,
  );
  expectNumbers(printed);
});

test.skipIf(!compiler)(`read_golden.cpp${compiler ? '' : ' (needs g++)'}`, () => {
  const program = join(folder, 'read_golden');
  execFileSync('g++', ['-std=c++17', '-Wall', '-Werror', '-o', program, join(examples, 'read_golden.cpp')]);
  const printed = execFileSync(program, [bundle, 'conv2d'], { encoding: 'utf8' });
  expect(printed).toMatch(/^conv2d: .* of 84\n$/);
  expectNumbers(printed);
});
