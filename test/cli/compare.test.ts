import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTensors, writeNpz, writeSafetensors } from '../../src/formats/index.js';
import { trace } from '../../src/network/index.js';
import { layerSuite, livelyWeights, makeGolden, noise, writeGolden } from '../../src/oracle/index.js';
import type { Tensor } from '../../src/tensor.js';
import { cat, depthwise, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const network = livelyWeights(smallNetwork(), 3);
const input = noise('normal', [1, 32, 32, 3], 1);
const tensors = trace(network, input);
const golden = folder.path('golden.safetensors');
let model: string;

beforeAll(async () => {
  model = await writeModel(folder.path('model.safetensors'), network);
  writeFileSync(folder.path('input.npz'), await writeNpz(new Map([['input', input]])));
  const made = await depthwise('golden', '--model', model, '--input', folder.path('input.npz'), '--out', golden);
  expect(made.stderr).toMatch(/^wrote \S+: 1 bundle, \d/);
});

async function save(name: string, theirs: ReadonlyMap<string, Tensor>): Promise<string> {
  writeFileSync(folder.path(name), await writeNpz(theirs));
  return folder.path(name);
}

/** The same tensors with one number changed. */
function changed(name: string, index: number, change: (value: number) => number): Map<string, Tensor> {
  const { shape, data } = tensors.get(name)!;
  const copy = data.slice();
  copy[index] = change(copy[index]);
  return new Map(tensors).set(name, { shape, data: copy });
}

describe('golden', () => {
  test('a suite is a folder of bundles, one a problem, the same every time', async () => {
    const { exitCode, stdout } = await depthwise('golden', '--suite', 'layers', '--out', folder.path('a'), '--json');
    expect(exitCode).toBe(0);
    const files = readdirSync(folder.path('a'));
    expect(JSON.parse(stdout)).toHaveLength(files.length);
    expect(files).toEqual([...layerSuite(1)].map(({ name }) => `${name}.safetensors`).sort());
    const [problem] = layerSuite(1);
    const source = { kind: 'noise', detail: 'normal', seed: 1 } as const;
    const bytes = await writeGolden(makeGolden(problem.network, problem.inputs, { source }), {
      format: 'safetensors',
      weights: true,
      generator: `depthwise ${JSON.parse(readFileSync('package.json', 'utf8')).version}`,
    });
    expect(readFileSync(folder.path(`a/${problem.name}.safetensors`)).equals(bytes)).toBe(true);
  });

  test('a picture is prepared as the model says', async () => {
    const out = folder.path('cat.npz');
    const { exitCode } = await depthwise('golden', '--model', model, '--picture', cat, '--weights', '--out', out);
    expect(exitCode).toBe(0);
    const found = await readTensors(readFileSync(out));
    expect(found.get('inputs/input')!.shape).toEqual([1, 32, 32, 3]);
    expect(found.has('weights/conv1/kernel')).toBe(true);
  });

  test.each([
    [['--out', 'x'], 'error: wanted either --suite or --model\n'],
    [['--suite', 'layers', '--model', 'm', '--out', 'x'], 'error: wanted either --suite or --model\n'],
    [
      ['--suite', 'layers', '--picture', cat, '--out', 'x'],
      'error: --picture goes with --model; a suite brings its own networks and inputs\n',
    ],
    [
      ['--model', 'm', '--picture', cat, '--noise', 'large', '--out', 'x.npz'],
      'error: wanted one of a picture, --input and --noise, found more\n',
    ],
    [['--model', 'm', '--out', 'x.zip'], "error: --out: wanted a name ending in .safetensors or .npz, found 'x.zip'\n"],
  ])('%s', async (args, message) => {
    expect(await depthwise('golden', ...args)).toEqual({ exitCode: 2, stdout: '', stderr: message });
  });
});

describe('compare', () => {
  test('a right backend: exit code 0, every layer listed', async () => {
    const { exitCode, stdout, stderr } = await depthwise('compare', golden, await save('right.npz', tensors));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^mobilenet_v1_0\.25_32, accumulated, bounds for float32\n\nlayer +kind +verdict +max abs/);
    expect(stdout).toMatch(/^conv1 +conv2d +(exact|within rounding) /m);
    expect(stdout).toMatch(/ within rounding, 0 beyond\.\n$/);
  });

  test('a wrong one: exit code 1, the first wrong layer with coordinate, both values and the bound', async () => {
    const theirs = await save(
      'wrong.npz',
      changed('conv_dw_1', 5, (value) => value + 1),
    );
    const { exitCode, stdout, stderr } = await depthwise('compare', golden, theirs);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`error: ${theirs}: the first layer beyond its bound is 'conv_dw_1'\n`);
    expect(stdout).toMatch(
      /First wrong: conv_dw_1\[0,0,0,5\]: theirs \S+, reference \S+, off by 1\.00, allowed \S+\.\n$/,
    );
    expect(stdout).toContain('conv_dw_1, its elements by their share of the bound:');
  });

  test('NaN is wrong', async () => {
    const theirs = await save(
      'nan.npz',
      changed('conv1', 0, () => Number.NaN),
    );
    const { stdout, exitCode } = await depthwise('compare', golden, theirs, '--json');
    expect(exitCode).toBe(1);
    const { first, verdict, layers } = JSON.parse(stdout);
    expect([first, verdict]).toEqual(['conv1', 'beyond']);
    const { name, nan, maxAbs, worst } = layers[0];
    expect({ name, nan, maxAbs, theirs: worst.theirs }).toEqual({
      name: 'conv1',
      nan: 1,
      maxAbs: 'Infinity',
      theirs: 'NaN',
    });
  });

  test('--isolated blames one layer alone, and needs weights or the model', async () => {
    // Everything after the wrong layer is right for what it was fed.
    const wrong = changed('conv_pw_2', 3, (value) => value + 1);
    const node = network.nodes.findIndex(({ name }) => name === 'conv_pw_2');
    const rest = { ...network, inputs: [{ name: 'conv_pw_2', shape: tensors.get('conv_pw_2')!.shape }] };
    const after = trace({ ...rest, nodes: network.nodes.slice(node + 1) }, wrong.get('conv_pw_2')!);
    const theirs = await save('isolated.npz', new Map([...wrong, ...after]));
    const without = await depthwise('compare', golden, theirs, '--isolated');
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain('which this bundle does not hold');
    const { exitCode, stdout } = await depthwise('compare', golden, theirs, '--isolated', '--model', model, '--json');
    expect(exitCode).toBe(1);
    const { layers, mode } = JSON.parse(stdout);
    expect(mode).toBe('isolated');
    const beyond = layers.filter(({ verdict }: { verdict: string }) => verdict === 'beyond');
    expect(beyond.map(({ name }: { name: string }) => name)).toEqual(['conv_pw_2']);
  });

  test('NCHW is told from NHWC, and converted when said', async () => {
    const { shape, data } = tensors.get('conv1')!;
    const [, H, W, C] = shape;
    const nchw = Float32Array.from(data, (_, i) => data[(i % (H * W)) * C + Math.floor(i / (H * W))]);
    const theirs = await save('nchw.npz', new Map([['conv1', { shape: [1, C, H, W], data: nchw }]]));
    const plain = await depthwise('compare', golden, theirs);
    expect([plain.exitCode, plain.stdout]).toEqual([
      1,
      expect.stringContaining(
        'First wrong: conv1 has the shape [1,8,16,16], wanted [1,16,16,8]; it looks like NCHW: --layout nchw.',
      ),
    ]);
    expect((await depthwise('compare', golden, theirs, '--layout', 'nchw')).exitCode).toBe(0);
  });

  test('--names says which is which', async () => {
    const theirs = await save('odd.npz', new Map([['first', tensors.get('conv1')!]]));
    const lost = await depthwise('compare', golden, theirs);
    expect(lost.exitCode).toBe(1);
    expect(lost.stderr).toContain('none of its tensors (first, …) has the name of a layer (conv1, conv1_bn, ');
    writeFileSync(folder.path('names.json'), '{"first": "conv1"}');
    expect((await depthwise('compare', golden, theirs, '--names', folder.path('names.json'))).exitCode).toBe(0);
    writeFileSync(folder.path('names.json'), '["first"]');
    const { stderr } = await depthwise('compare', golden, theirs, '--names', folder.path('names.json'));
    expect(stderr).toBe(`error: ${folder.path('names.json')}: wanted {"their name": "our name", …}\n`);
  });

  test('a tensor under the name of another layer is recognised', async () => {
    const theirs = await save('misnamed.npz', new Map([['conv1', tensors.get('conv1_relu')!]]));
    const { exitCode, stdout } = await depthwise('compare', golden, theirs);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Its numbers are those of conv1_relu: if that is what it is, say so with --names.\n');
  });

  test('--map draws the worst layer: red where it is wrong', async () => {
    const { shape } = tensors.get('conv1')!;
    const [, , W, C] = shape;
    const theirs = await save(
      'map.npz',
      changed('conv1', (3 * W + 2) * C, (value) => value + 1),
    );
    const map = folder.path('worst.png');
    await depthwise('compare', golden, theirs, '--map', map);
    const { data, info } = await sharp(map).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([256, 256]);
    const pixel = (row: number, column: number) => [
      ...data.subarray((row * 256 + column) * info.channels, (row * 256 + column) * info.channels + 3),
    ];
    expect(pixel(3 * 16 + 8, 2 * 16 + 8)).toEqual([255, 0, 0]);
    expect(pixel(3 * 16 + 8, 4 * 16 + 8)[0]).toBe(0); // rounding is blue, equal is black
  });

  test('a bundle compared with itself is exact', async () => {
    const { stdout } = await depthwise('compare', golden, golden, '--json');
    expect(JSON.parse(stdout).verdict).toBe('exact');
  });

  test('--precision and --allowance widen the bounds', async () => {
    const theirs = await save(
      'wide.npz',
      changed('conv1', 0, (value) => value * (1 + 2 ** -12)),
    );
    expect((await depthwise('compare', golden, theirs)).exitCode).toBe(1);
    expect((await depthwise('compare', golden, theirs, '--allowance', '1000')).exitCode).toBe(0);
    const half = await depthwise('compare', golden, theirs, '--model', model, '--precision', 'float16');
    expect(half.exitCode).toBe(0);
    expect(half.stdout).toContain('bounds for float16');
  });

  test('a file that is no bundle is an error', async () => {
    writeFileSync(folder.path('no.safetensors'), writeSafetensors(tensors));
    const { exitCode, stderr } = await depthwise('compare', folder.path('no.safetensors'), golden);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("no.safetensors: not a golden bundle: it has no 'depthwise.golden'");
  });
});
