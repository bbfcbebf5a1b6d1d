/** The Python package in python/: its own tests, its verdicts beside ours, its README word for word, and what is packed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTensors } from '../../src/formats/index.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { check, type Golden, layerSuite, makeGolden, mobilenetSuite, writeGolden } from '../../src/oracle/index.js';
import { uniformRandom } from '../../src/random.js';
import type { Tensor } from '../../src/tensor.js';
import { float32, runBackend } from './backend.js';

const source = fileURLToPath(new URL('../../python', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'depthwise-python-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const has = (...modules: string[]): boolean =>
  spawnSync('python3', ['-c', `import ${modules.join(', ')}`]).status === 0;
const noNumpy = !has('numpy');
const noPytest = noNumpy || !has('pytest');
const noSetuptools = !has('setuptools');

const env = { ...process.env, PYTHONPATH: join(source, 'src'), PYTHONDONTWRITEBYTECODE: '1' };
const python = (...args: string[]): string =>
  execFileSync('python3', args, { env, cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

test.skipIf(noNumpy)(`its own tests${noNumpy ? ' (needs python3 and numpy)' : ''}`, () => {
  const { status, stderr } = spawnSync('python3', ['-m', 'unittest', 'discover', '-s', join(source, 'tests')], {
    env,
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/\nRan \d+ tests in .*\n\nOK/);
  expect(status).toBe(0);
});

const problems = [
  ...[...layerSuite(5)].filter((_, i) => i % 29 === 0),
  ...[...mobilenetSuite(5)].filter(({ name }) => name === 'mobilenet_v2_0.25_33x47_slim'),
];

/** Right numbers with some changed by up to twice their bound, and here and there something that is no number. */
function disturbed(golden: Golden, right: ReadonlyMap<string, Tensor>, seed: number): Map<string, Tensor> {
  const uniform = uniformRandom(seed);
  const layers = golden.network.nodes.map(({ name }): [string, Tensor] => {
    const { shape } = golden.outputs.get(name)!;
    const bound = golden.isolated!.get(name)!;
    const often = [0, 0.01, 1][Math.floor(3 * uniform())];
    const worse = uniform() < 0.2 ? [Number.NaN, Infinity][Math.floor(2 * uniform())] : undefined;
    const data = Float32Array.from(right.get(name)!.data, (value, i) =>
      uniform() < often ? (worse ?? value + bound.data[i] * (4 * uniform() - 2)) : value,
    );
    return [name, { shape, data }];
  });
  return new Map(layers);
}

beforeAll(async () => {
  if (noNumpy) return;
  mkdirSync(join(folder, 'golden'));
  mkdirSync(join(folder, 'theirs'));
  for (const [index, { name, network, inputs }] of problems.entries()) {
    const golden = makeGolden(network, inputs, { source: { kind: 'noise', detail: 'normal' } });
    const right = runBackend(network, inputs, float32('blocked'));
    const format = index % 2 === 0 ? 'safetensors' : 'npz';
    const bytes = await writeGolden(golden, { format, weights: true, generator: 'depthwise 0.0.0' });
    writeFileSync(join(folder, 'golden', `${name}.${format}`), bytes);
    const theirs = disturbed(golden, right, index);
    writeFileSync(join(folder, 'theirs', `${name}.npz`), await writeNpz(theirs));
    expected.set(name, check(golden, theirs, { mode: 'fed' }).layers.map(asTheirs));
  }
});
const expected = new Map<string, unknown>();

const asTheirs = ({ name, verdict, difference }: ReturnType<typeof check>['layers'][number]) => ({
  name,
  verdict,
  coordinate: difference!.worst.coordinate,
  units: Number(difference!.maxUnits.toPrecision(12)),
});

test.skipIf(noNumpy)(`its verdicts are those of compare${noNumpy ? ' (needs python3 and numpy)' : ''}`, () => {
  const program = `
import glob, json, os
import depthwise_golden as golden
found = {}
for path in glob.glob("golden/*"):
    bundle = golden.read(path)
    theirs, _ = golden.read_tensors("theirs/" + bundle.name + ".npz")
    differences = [(layer.name, layer.difference(theirs[layer.name])) for layer in bundle.layers]
    found[bundle.name] = [
        {"name": name, "verdict": d.verdict, "coordinate": d.coordinate, "units": None if d.units == float("inf") else d.units}
        for name, d in differences
    ]
print(json.dumps(found))`;
  const found = JSON.parse(python('-c', program)) as Record<string, { units: number | null }[]>;
  for (const [name, layers] of expected) {
    const theirs = found[name].map((layer) => ({
      ...layer,
      units: layer.units === null ? Infinity : Number(layer.units.toPrecision(12)),
    }));
    expect(theirs, name).toEqual(layers);
  }
  const verdicts = new Set(
    [...expected.values()].flatMap((layers) => (layers as { verdict: string }[]).map(({ verdict }) => verdict)),
  );
  expect(verdicts).toEqual(new Set(['exact', 'within rounding', 'beyond']));
});

test.skipIf(noPytest)(
  `the README's test, word for word${noPytest ? ' (needs python3, numpy and pytest)' : ''}`,
  async () => {
    const readme = readFileSync(join(source, 'README.md'), 'utf8');
    const [withPytest, without] = [...readme.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code]) => code);
    writeFileSync(join(folder, 'test_backend.py'), withPytest);
    for (const { name, network, inputs } of layerSuite(1, { kinds: ['relu6', 'dense'], shapes: ['odd'] })) {
      const golden = makeGolden(network, inputs, { source: { kind: 'noise', detail: 'normal' } });
      const bytes = await writeGolden(golden, { format: 'safetensors', weights: true, generator: 'depthwise 0.0.0' });
      mkdirSync(join(folder, 'readme/golden'), { recursive: true });
      writeFileSync(join(folder, `readme/golden/${name}.safetensors`), bytes);
    }
    const [, words] = /```sh\npytest (.*)\n```/.exec(readme)!;
    const printed = python(
      ...['-m', 'pytest', '-p', 'depthwise_golden.pytest_plugin', '-p', 'no:cacheprovider', 'test_backend.py'],
      ...words.replaceAll(/(?<= )(golden|theirs)(?= |$)/g, 'readme/$1').split(' '),
    );
    expect(printed).toContain('6 passed');
    expect(readdirSync(join(folder, 'readme/theirs')).sort()).toEqual([
      ...['dense-cancellation.npz', 'dense-large.npz', 'dense-normal.npz'],
      ...['relu6-cancellation.npz', 'relu6-large.npz', 'relu6-normal.npz'],
    ]);
    const theirs = await readTensors(readFileSync(join(folder, 'readme/theirs/relu6-normal.npz')));
    expect([...theirs.keys()]).toEqual(['relu6']);
    cpSync(join(folder, 'readme/golden/dense-normal.safetensors'), join(folder, 'golden/dense-normal.safetensors'));
    expect(python('-c', without)).toMatch(/^(exact|within rounding)\n$/);
  },
);

test.skipIf(noSetuptools)(`what is packed${noSetuptools ? ' (needs setuptools)' : ''}`, () => {
  // A copy: building leaves files beside the sources.
  cpSync(source, join(folder, 'package'), { recursive: true, filter: (path) => !path.includes('__pycache__') });
  const build = 'from setuptools import build_meta; build_meta.build_sdist("../dist")';
  mkdirSync(join(folder, 'dist'));
  execFileSync('python3', ['-c', build], { cwd: join(folder, 'package'), stdio: 'pipe' });
  const [archive] = readdirSync(join(folder, 'dist'));
  const files = execFileSync('tar', ['-tzf', join(folder, 'dist', archive)], { encoding: 'utf8' });
  for (const file of [
    'pyproject.toml',
    'README.md',
    'src/depthwise_golden/pytest_plugin.py',
    'src/depthwise_golden/bundle.py',
  ]) {
    expect(files).toMatch(new RegExp(`^depthwise[-_]golden-0\\.1\\.0/${file.replaceAll('.', '\\.')}$`, 'm'));
  }
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(archive).toMatch(new RegExp(`-${version.replaceAll('.', '\\.')}\\.tar\\.gz$`));
});
