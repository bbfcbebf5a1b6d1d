/** The composite action: its script, run with the built package in place of the published one. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './imports.js';

const text = readFileSync(join(root, 'action/action.yml'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'depthwise-action-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What stands below `run: |`, without its indentation. */
const script = text.slice(text.indexOf('run: |\n') + 7).replaceAll(/^ {8}/gm, '');
const inputs = [...text.matchAll(/^ {8}([A-Z_]+): \$\{\{ inputs\.([\w-]+) \}\}$/gm)].map(([, name, input]) => [
  name,
  input,
]);

function defaultOf(input: string): string {
  const [, value] = new RegExp(`^  ${input}:\n    description: .*\n    default: (.*)$`, 'm').exec(text)!;
  return value.replace(/^'(.*)'$/, '$1');
}

beforeAll(() => {
  const npx = `#!/bin/sh\n[ "$1 $2" = "--yes depthwise@latest" ] || exit 99\nshift 2\nexec "${process.execPath}" "${join(root, 'dist/cli/main.js')}" "$@"\n`;
  writeFileSync(join(folder, 'npx'), npx);
  chmodSync(join(folder, 'npx'), 0o755);
});

function run(given: Readonly<Record<string, string>>): { status: number | null; stdout: string; output: string } {
  const env = Object.fromEntries(inputs.map(([name, input]) => [name, given[input] ?? defaultOf(input)]));
  const output = join(folder, 'output');
  writeFileSync(output, '');
  const { status, stdout } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env, PATH: `${folder}${delimiter}${process.env.PATH}`, GITHUB_OUTPUT: output },
  });
  return { status, stdout, output: readFileSync(output, 'utf8') };
}

test('every input of the script is an input of the action', () => {
  expect(inputs).toHaveLength(7);
  for (const [, input] of inputs) expect(defaultOf(input)).toBeTypeOf('string');
});

test('it makes the bundles, compares, and fails as the exit code says', () => {
  const make = '--suite layers --shapes odd --kinds relu6';
  expect(run({ make })).toMatchObject({ status: 0, output: '' });
  expect(existsSync(join(folder, 'golden/relu6-normal.safetensors'))).toBe(true);
  const same = run({ theirs: 'golden' });
  expect(same).toMatchObject({ status: 0, output: 'exit-code=0\n' });
  expect(same.stdout).toContain(' 0 beyond of 3 bundles.');
  expect(readFileSync(join(folder, 'depthwise.xml'), 'utf8')).toContain('tests="3" failures="0"');
  // Other inputs: beyond. None for two of them: not decided, which may be allowed.
  expect(run({ golden: 'others', make: `${make} --seed 2`, theirs: 'golden', options: '--only beyond' })).toMatchObject(
    {
      status: 1,
      output: 'exit-code=1\n',
    },
  );
  rmSync(join(folder, 'others/relu6-large.safetensors'));
  expect(run({ theirs: 'others' })).toMatchObject({ status: 1 });
  rmSync(join(folder, 'others'), { recursive: true });
  run({ golden: 'others', make: '--suite layers --kinds relu6 --count 3', theirs: '' });
  expect(run({ theirs: 'others' })).toMatchObject({ status: 4 });
  writeFileSync(
    join(folder, 'others/relu6-normal.safetensors'),
    readFileSync(join(folder, 'golden/relu6-normal.safetensors')),
  );
  expect(run({ theirs: 'others' })).toMatchObject({ status: 3, output: 'exit-code=3\n' });
  expect(run({ theirs: 'others', 'allow-undecided': 'true' })).toMatchObject({ status: 0, output: 'exit-code=3\n' });
});
