import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { dataPath, noData } from '../data.js';
import { depthwise, depthwiseJson, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

/** The totals line of the text, as numbers. */
const multiplyAddsIn = (text: string): number =>
  Number(/multiply-adds {2}([\d,]+)/.exec(text)?.[1].replaceAll(',', ''));

describe('totals', () => {
  // Multiply-adds, trainable and stored parameters: recounted by hand from the papers' tables, see test/models for all 38 pairs.
  test.each([
    [['mobilenet_v1'], [568_740_352, 4_231_976, 4_253_864]],
    [['mobilenet_v2'], [300_774_272, 3_504_872, 3_538_984]],
    [['mobilenet_v2_1.4_224'], [582_195_824, 6_108_776, 6_156_712]],
    [
      ['mobilenet_v2', '--alpha', '1.4'],
      [582_195_824, 6_108_776, 6_156_712],
    ],
    [
      ['mobilenet_v1', '--classes', '1001'],
      [568_741_376, 4_233_001, 4_254_889],
    ],
    [
      ['mobilenet_v1', '--resolution', '192'],
      [418_121_728, 4_231_976, 4_253_864],
    ],
    [
      ['mobilenet_v1_1.0_128', '--resolution', '192'],
      [418_121_728, 4_231_976, 4_253_864],
    ],
  ])('%j', async (args, [multiplyAdds, trainable, stored]) => {
    const { totals } = await depthwiseJson('summary', ...args);
    expect(totals).toMatchObject({ multiplyAdds, params: { trainable, stored } });
  });

  // The paper's 4866 leaves the classifier's 1.024 million out, unlike its other figures.
  test('Table 4 and Table 5 of the V1 paper, in millions: full convolutions 4866, shallow 307', async () => {
    const { totals: full } = await depthwiseJson('summary', 'mobilenet_v1', '--full-convolutions');
    const { totals: shallow } = await depthwiseJson('summary', 'mobilenet_v1', '--shallow');
    expect(Math.round((full.multiplyAdds - 1_024_000) / 1e6)).toBe(4866);
    expect(Math.round(shallow.multiplyAdds / 1e6)).toBe(307);
  });

  test('with 2 for each output of a batch norm, V2 counts 314.13 million (fvcore)', async () => {
    const { totals, convention } = await depthwiseJson('summary', 'mobilenet_v2', '--counting', 'batch-norm');
    expect((totals.multiplyAdds / 1e6).toFixed(2)).toBe('314.13');
    expect(convention).toContain('batch norm counts 2');
  });
});

describe('--json', () => {
  test('has the layers, the totals and the convention', async () => {
    const summary = await depthwiseJson('summary', 'mobilenet_v1');
    expect(Object.keys(summary)).toEqual(['network', 'layers', 'totals', 'convention', 'memory']);
    expect(summary.network).toBe('mobilenet_v1_1.0_224');
    expect(summary.layers[0]).toMatchObject({
      name: 'conv1',
      kind: 'conv2d',
      kernel: [3, 3],
      strides: [2, 2],
      output: [1, 112, 112, 32],
      params: 864,
      multiplyAdds: 10_838_016,
      receptiveField: [3, 3],
    });
  });

  test('--resolution takes height x width', async () => {
    const { layers } = await depthwiseJson('summary', 'mobilenet_v1', '--resolution', '96x160');
    expect(layers[0].output).toEqual([1, 48, 80, 32]);
  });

  test('--output-stride 8 leaves a map of 28 x 28', async () => {
    const { layers } = await depthwiseJson('summary', 'mobilenet_v1', '--output-stride', '8');
    expect(layers.find(({ name }: { name: string }) => name === 'conv_pw_13').output).toEqual([1, 28, 28, 1024]);
  });

  test('--conventions slim has 1001 classes and slim names', async () => {
    const { layers } = await depthwiseJson('summary', 'mobilenet_v1', '--conventions', 'slim');
    expect(layers[0].name).toBe('Conv2d_0');
    expect(layers.at(-1).output).toEqual([1, 1001]);
  });

  test('--expansion 4 narrows the second block of V2 to 4 · 16 channels', async () => {
    const { layers } = await depthwiseJson('summary', 'mobilenet_v2', '--expansion', '4');
    expect(layers.find(({ name }: { name: string }) => name === 'block_1_expand').output).toEqual([1, 112, 112, 64]);
  });
});

describe('the text', () => {
  test('is a table, one layer a line, then the totals and the convention', async () => {
    const { stdout } = await depthwise('summary', 'mobilenet_v1');
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('mobilenet_v1_1.0_224');
    expect(lines[2]).toMatch(/^name +kind +kernel +stride +output +params +multiply-adds +share +receptive field$/);
    const conv1 = lines.find((line) => line.startsWith('conv1 '));
    expect(conv1?.split(/ {2,}/)).toEqual([
      'conv1',
      'conv2d',
      '3×3',
      '2',
      '112×112×32',
      '864',
      '10,838,016',
      '1.9 %',
      '3',
    ]);
    expect(multiplyAddsIn(stdout)).toBe(568_740_352);
    expect(stdout).toContain('4,231,976 trainable, 4,253,864 stored (17.0 MB in float32)');
    expect(stdout).toContain('counted        multiply-adds as in the papers');
  });

  test('by kind: Table 2 of the V1 paper, which prints 1.19 % for the first convolution', async () => {
    const { stdout } = await depthwise('summary', 'mobilenet_v1', '--grouped', '--conventions', 'torchvision');
    const line = stdout
      .replaceAll(/\n +/g, ' ')
      .split('\n')
      .find((one) => one.startsWith('by kind'));
    const shares = [...line!.matchAll(/(\w+) (\d+\.\d+ %) of multiply-adds/g)].map(([, kind, share]) => [kind, share]);
    expect(Object.fromEntries(shares)).toEqual({
      pointwiseConv2d: '94.86 %',
      depthwiseConv2d: '3.06 %',
      conv2d: '1.91 %',
      dense: '0.18 %',
    });
  });

  test('by kind: parameters without multiply-adds stand last', async () => {
    const { stdout } = await depthwise('summary', 'mobilenet_v1', '--alpha', '0.25');
    expect(stdout.replaceAll(/\n +/g, ' ')).toMatch(/^by kind {8}pointwiseConv2d .*, batchNorm 1\.16 % of params$/m);
  });

  test('--grouped has the 28 layers of the V1 paper, and the pooling', async () => {
    const { layers, totals } = await depthwiseJson('summary', 'mobilenet_v1', '--grouped');
    expect(layers.filter(({ multiplyAdds }: { multiplyAdds: number }) => multiplyAdds > 0)).toHaveLength(28);
    expect(layers).toHaveLength(29);
    expect(totals.multiplyAdds).toBe(568_740_352);
  });

  test('--markdown has a row for each layer, with as many cells as the head', async () => {
    const { stdout } = await depthwise('summary', 'mobilenet_v2', '--markdown');
    const rows = stdout.split('\n').filter((line) => line.startsWith('|'));
    const { layers } = await depthwiseJson('summary', 'mobilenet_v2');
    expect(rows).toHaveLength(layers.length + 2);
    expect(new Set(rows.map((row) => row.split('|').length))).toEqual(new Set([11]));
    expect(multiplyAddsIn(stdout)).toBe(300_774_272);
  });

  test('--csv adds up', async () => {
    const { stdout } = await depthwise('summary', 'mobilenet_v1', '--csv');
    const [head, ...rows] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const sum = (column: string): number => rows.reduce((total, row) => total + Number(row[head.indexOf(column)]), 0);
    expect(sum('multiply_adds')).toBe(568_740_352);
    expect(sum('params')).toBe(4_231_976);
    expect(sum('stored_params')).toBe(4_253_864);
    expect(sum('share')).toBeCloseTo(1, 12);
  });
});

describe('a model file', () => {
  test('describes itself', async () => {
    const path = await writeModel(folder.path('small.safetensors'), smallNetwork());
    const { network, layers } = await depthwiseJson('summary', path);
    expect(network).toBe('mobilenet_v1_0.25_32');
    expect(layers.at(-1).output).toEqual([1, 7]);
  });

  test('of weights alone needs --network', async () => {
    const path = folder.path('weights.npz');
    writeFileSync(path, await writeNpz(new Map(smallNetwork().weights)));
    const { exitCode, stderr } = await depthwise('summary', path);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('holds weights without a network');
    expect(stderr).toContain('--network, --alpha, --resolution');
    const flags = ['--network', 'mobilenet_v1', '--alpha', '0.25', '--classes', '7', '--resolution', '32'];
    const { totals } = await depthwiseJson('summary', path, ...flags);
    expect(totals.params.stored).toBe(
      [...smallNetwork().weights.values()].reduce((sum, { data }) => sum + data.length, 0),
    );
  });

  test.skipIf(noData)('of Keras: V1 0.25 with 475,544 numbers (needs DEPTHWISE_DATA)', async () => {
    const { totals } = await depthwiseJson('summary', dataPath('models', 'mobilenet_v1_0.25_224.h5'));
    expect(totals.params).toMatchObject({ trainable: 470_072, stored: 475_544 });
  });

  test.skipIf(noData)('with names longer than a screen (needs DEPTHWISE_DATA)', async () => {
    const path = dataPath('models', 'mobilenet_v2_1.0_224_quant.tflite');
    const { stdout } = await depthwise('summary', path);
    expect(
      Math.max(
        ...stdout
          .split('\n')
          .slice(2, 20)
          .map((line) => line.length),
      ),
    ).toBeLessThan(150);
    const { layers } = await depthwiseJson('summary', path);
    expect(layers[0].name.length).toBeGreaterThan(48);
  });

  test.skipIf(noData)('the types of a quantised file: table, CSV and JSON (needs DEPTHWISE_DATA)', async () => {
    const path = dataPath('models', 'mobilenet_v1_0.25_128_quant.tflite');
    const { stdout } = await depthwise('summary', path);
    const lines = stdout.split('\n').map((line) => line.replace(/ +/g, ' '));
    expect(lines[2]).toContain('output type, scale, zero params');
    expect(lines[4]).toContain('relu6 64×64×8 uint8 0.02353 0 ');
    expect(lines.find((line) => line.startsWith('inputs'))).toBe('inputs input [1,128,128,3] of uint8 0.007813 128');
    expect(stdout).toContain('467,593 stored (478.8 kB as integers)'); // 463,856 + 4 · 3,737
    const { inputs, layers, totals } = await depthwiseJson('summary', path);
    expect(inputs).toEqual([
      { name: 'input', shape: [1, 128, 128, 3], type: { type: 'uint8', scale: 0.0078125, zeroPoint: 128 } },
    ]);
    expect(layers[1]).toMatchObject({
      kind: 'relu6',
      type: { type: 'uint8', scale: 0.023528477177023888, zeroPoint: 0 },
    });
    expect(layers.at(-1)).toMatchObject({ kind: 'softmax', type: { type: 'uint8', scale: 1 / 256, zeroPoint: 0 } });
    const csv = (await depthwise('summary', path, '--csv')).stdout.split('\n');
    expect(csv[0]).toMatch(/,type,scale,zero_point$/);
    expect(csv[2]).toMatch(/,uint8,0.023528477177023888,0$/);
    expect(totals.params.bytes).toBeLessThan(4 * totals.params.stored);
    expect(stdout).toContain('with integers of 8 bits, rounding: single');
    const real = await depthwiseJson('summary', path, '--as-real-numbers', '--resolution', '160');
    expect(real.layers[0]).not.toHaveProperty('type');
    expect(real).not.toHaveProperty('rounding');
    // Numbers of 2 bytes in place of 4, and a map of 1.56 times the pixels.
    const { memory } = await depthwiseJson('summary', path);
    expect(memory.weightBytes).toBeLessThan(0.75 * real.memory.weightBytes);
    expect(memory.activationBytes).toBeLessThan(0.5 * real.memory.activationBytes);
    expect(Object.keys(memory)).toEqual(['weightBytes', 'activationBytes']);
  });

  test.skipIf(noData)('what its file does not state is said to be assumed (needs DEPTHWISE_DATA)', async () => {
    const path = dataPath('models', 'mobilenet_v2_1.0_224_quant.tflite');
    const { stdout } = await depthwise('summary', path);
    const said = stdout.slice(stdout.indexOf('assumed')).replace(/\s+/g, ' ');
    expect(said).toContain('assumed crop: the central 87.5 % of each side; resize: tf1-legacy');
    const { assumed } = await depthwiseJson('summary', path);
    expect(assumed).toEqual(['crop: the central 87.5 % of each side', 'resize: tf1-legacy']);
  });
});

describe('wrong values name the flag, what was found and what was wanted', () => {
  test.each([
    [
      ['mobilenet_v1', '--alpha', 'wide'],
      "option '--alpha <number>' argument 'wide' is invalid. Wanted a number above 0.",
    ],
    [['mobilenet_v1', '--alpha', '-1'], "option '--alpha <number>' argument '-1' is invalid. Wanted a number above 0."],
    [
      ['mobilenet_v1', '--resolution', '0'],
      "option '--resolution <pixels>' argument '0' is invalid. Wanted a side in pixels, 224, or height x width, 240x320; 16384x16384 at most.",
    ],
    [
      ['mobilenet_v1', '--resolution', '16'],
      '--resolution: mobilenet_v1 wants pictures of 32 x 32 or more, found 16 x 16',
    ],
    [
      ['mobilenet_v1', '--classes', '1.5'],
      "option '--classes <count>' argument '1.5' is invalid. Wanted a whole number of 1 or more.",
    ],
    [
      ['mobilenet_v1', '--output-stride', '4'],
      "option '--output-stride <stride>' argument '4' is invalid. Allowed choices are 8, 16, 32.",
    ],
    [
      ['mobilenet_v1', '--conventions', 'caffe'],
      "option '--conventions <of>' argument 'caffe' is invalid. Allowed choices are slim, keras, torchvision.",
    ],
    [['mobilenet_v1', '--expansion', '6'], '--expansion is for mobilenet_v2, found mobilenet_v1'],
    [['mobilenet_v2', '--shallow'], '--shallow is for mobilenet_v1, found mobilenet_v2'],
    [
      ['mobilenet_v1', '--network', 'mobilenet_v1'],
      "--network is for files of weights; 'mobilenet_v1' is a name itself",
    ],
    [['mobilenet_v1', '--csv', '--markdown'], "option '--markdown' cannot be used with option '--csv'"],
    [
      ['resnet50'],
      "there is no network 'resnet50', and no such file; wanted a file's path, mobilenet_v1, mobilenet_v2, or a name such as mobilenet_v1_0.75_192",
    ],
    [
      ['mobilnet_v2'],
      "there is no network 'mobilnet_v2', and no such file; wanted a file's path, mobilenet_v1, mobilenet_v2, or a name such as mobilenet_v1_0.75_192 (Did you mean mobilenet_v2?)",
    ],
    [['mobilenet_v1', '--model', 'mobilenet_v2'], "wanted one model, found 'mobilenet_v1' and --model 'mobilenet_v2'"],
  ])('%j', async (args, message) => {
    expect(await depthwise('summary', ...args)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` });
  });
});
