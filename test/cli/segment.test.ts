/** `depthwise segment`, on a network that finds the same class everywhere: its scores are weights of its own. */
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPicture } from '../../src/image/index.js';
import { NetworkBuilder, preprocessingPreset } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { cat, depthwise, depthwiseJson, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);
let model: string;

beforeAll(async () => {
  const net = new NetworkBuilder();
  const scores = net.add('scores', 'pointwiseConv2d', net.input('input', [1, 8, 8, 3]), { filters: 2, bias: true });
  const network = net.build('constant', [scores], {
    source: 'other',
    output: 'features',
    preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
    labels: ['background', 'cat'],
  });
  const weights = new Map([
    ['scores/kernel', tensor([3, 2], [0, 0, 0, 0, 0, 0])],
    ['scores/bias', tensor([2], [0, 1])],
  ]);
  model = await writeModel(folder.path('constant.safetensors'), { ...network, weights });
});

describe('segment', () => {
  test('shares by class, of the whole picture', async () => {
    const { width, height } = await readPicture(cat);
    expect(await depthwiseJson('segment', cat, '--model', model)).toEqual([
      { picture: cat, width, height, classes: [{ classIndex: 1, pixels: width * height, share: 1, label: 'cat' }] },
    ]);
    const { stdout } = await depthwise('segment', cat, '--model', model);
    expect(stdout).toMatch(/class +of the picture/);
    expect(stdout).toMatch(/cat +100\.0 %/);
  });

  test('--out: the picture in colours; one bad picture does not lose the others', async () => {
    const bad = folder.path('bad.jpg');
    writeFileSync(bad, 'no picture');
    const out = folder.path('coloured');
    const { exitCode, stderr } = await depthwise('segment', bad, cat, '--model', model, '--out', out);
    expect([exitCode, existsSync(`${out}/bad.png`)]).toEqual([1, false]);
    expect(stderr).toContain(`wrote 1 picture into ${out}`);
    const [drawn, given] = [await readPicture(`${out}/chelsea.png`), await readPicture(cat)];
    const first = (picture: typeof given) => [...picture.data.subarray(0, 3)];
    expect(first(drawn)).toEqual([128, 0, 0].map((colour, c) => Math.round(0.5 * first(given)[c] + 0.5 * colour)));
  });
});
