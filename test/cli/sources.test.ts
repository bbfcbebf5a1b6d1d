/** What commands are given: models, pictures and labels, by every way that people try. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNpy } from '../../src/formats/tensors/npy.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { dataPath, noData } from '../data.js';
import { cat, depthwise, depthwiseJson, main, rocket, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);
let model: string;
beforeAll(async () => {
  model = await writeModel(folder.path('small.safetensors'), smallNetwork());
});

const failure = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await depthwise(...args);
  return { exitCode, stdout, stderr };
};

describe('a model', () => {
  const classify = (source: string, ...flags: string[]) => failure('classify', cat, '--model', source, ...flags);

  test('by a name without weights: similar names', async () => {
    expect(await classify('mobilenet_v1_0.3_224')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        "error: there are no published weights called 'mobilenet_v1_0.3_224', and no such file; similar names: mobilenet_v1_0.25_224, mobilenet_v1_0.25_192, mobilenet_v1_0.5_224; depthwise models lists all\n",
    });
    expect((await classify('mobilenet_v3')).stderr).toContain('similar names: mobilenet_v2_1.4_224, ');
  });

  test.each([
    ['no.h5', 1, 'no.h5: there is no such file or folder'],
    ['no/such/model', 1, 'no/such/model: there is no such file or folder'],
    [
      'x/mobilenet_v1_0.25_224.h5',
      1,
      'x/mobilenet_v1_0.25_224.h5: there is no such file or folder; --model mobilenet_v1_0.25_224 fetches published weights',
    ],
    [
      'https://example.com/a.tflite',
      2,
      'https://example.com/a.tflite: addresses are not fetched; save it as a file first, as with curl -LO',
    ],
  ])('%s', async (source, exitCode, message) => {
    expect(await classify(source)).toEqual({ exitCode, stdout: '', stderr: `error: ${message}\n` });
    expect((await failure('summary', source)).stderr).toBe(`error: ${message}\n`);
  });

  test('a folder is its model.safetensors, or says what it lacks', async () => {
    mkdirSync(folder.path('run'));
    copyFileSync(model, folder.path('run/model.safetensors'));
    const args = ['classify', cat, '--model'];
    expect(await depthwiseJson(...args, folder.path('run'))).toEqual(await depthwiseJson(...args, model));
    mkdirSync(folder.path('empty'));
    expect((await classify(folder.path('empty'))).stderr).toBe(
      `error: ${folder.path('empty')}: is a folder, not a file, and holds neither model.safetensors nor model.json\n`,
    );
  });

  test('as an argument or as --model, in the commands that are about a model', async () => {
    expect(await depthwise('summary', '--model', model)).toEqual(await depthwise('summary', model));
    const out = folder.path('copy.npz');
    expect((await depthwise('convert', '--model', model, '--out', out)).exitCode).toBe(0);
    expect((await depthwise('convert', '--model', model, out)).exitCode).toBe(0);
    expect((await depthwise('convert', model, '--out', out)).exitCode).toBe(0);
    expect((await failure('convert', '--model', model, 'a.npz', out)).stderr).toBe(
      `error: wanted one model and one file to write, found '${out}' too\n`,
    );
  });

  test('from standard input', () => {
    const { stdout } = spawnSync(process.execPath, [main, 'summary', '-'], {
      input: readFileSync(model),
      encoding: 'utf8',
    });
    expect(stdout).toContain('mobilenet_v1_0.25_32');
  });

  test('--resolution that is too small: the least that the file takes', async () => {
    expect(await classify(model, '--resolution', '0x1')).toMatchObject({ exitCode: 2 });
    const valid = await writeModel(
      folder.path('keras.safetensors'),
      randomWeights(mobilenetV1({ alpha: 0.25, classes: 3 }), 1),
    );
    const { exitCode, stderr } = await classify(valid, '--resolution', '20');
    expect(exitCode).toBe(2);
    const [, least] =
      /^error: --resolution: mobilenet_v1_0\.25_224 wants pictures of (\d+) x \d+ or more, found 20 x 20\n$/.exec(
        stderr,
      )!;
    expect((await classify(valid, '--resolution', least)).exitCode).toBe(0);
    expect((await classify(valid, '--resolution', `${Number(least) - 1}`)).exitCode).toBe(2);
  });
});

describe('weights of another network than was said', () => {
  test('five of each kind, how many more, and what they look like', async () => {
    const weights = folder.path('weights.npz');
    writeFileSync(weights, await writeNpz(new Map(randomWeights(mobilenetV1({ alpha: 0.25 }), 1).weights)));
    const { exitCode, stderr } = await failure('summary', weights, '--network', 'mobilenet_v2');
    expect(exitCode).toBe(1);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.length).toBeLessThan(20);
    for (const kind of ['missing', 'surplus']) {
      expect(lines.filter((line) => line.startsWith(`  ${kind}: `))).toHaveLength(5);
    }
    // 262 weights of V2 and 137 of V1 have no name in common.
    expect(lines).toContain('  and 389 more');
    expect(lines.at(-1)).toBe('These look like the weights of MobileNet V1 0.25: --network mobilenet_v1 --alpha 0.25');
  });

  test('a file of weights alone says the same where no network was said', async () => {
    const weights = folder.path('unnamed.npz');
    writeFileSync(
      weights,
      await writeNpz(new Map(randomWeights(mobilenetV2({ alpha: 0.35, classes: 10 }), 1).weights)),
    );
    const { exitCode, stderr } = await failure('summary', weights);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      '\nThese look like the weights of MobileNet V2 0.35: --network mobilenet_v2 --alpha 0.35\n',
    );
  });
});

describe('names that differ by a letter or two', () => {
  test.each([
    [['classify', cat, '--preset', 'kears'], '(Did you mean keras?)'],
    [['summary', 'mobilenet_v1', '--conventions', 'slin'], '(Did you mean slim?)'],
    [['classify', cat, '--target', 'relaxt'], '(Did you mean relaxed?)'],
    [['train', '--data', 'x', '--network', 'mobilnet_v1', '--out', 'y'], '(Did you mean mobilenet_v1?)'],
    [['clasify', cat], '(Did you mean classify?)'],
    [['classify', cat, '--lables', 'x'], '(Did you mean --labels?)'],
  ])('%j', async (args, suggestion) => {
    const { exitCode, stderr } = await failure(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(suggestion);
  });
});

describe('pictures', () => {
  const photos = folder.path('photos');
  beforeAll(() => {
    mkdirSync(`${photos}/more`, { recursive: true });
    copyFileSync(rocket, `${photos}/b.jpg`);
    copyFileSync(cat, `${photos}/a.dat`);
    writeFileSync(`${photos}/notes.txt`, 'no picture\n');
    writeFileSync(`${photos}/.hidden.jpg`, '');
  });

  test.skipIf(process.platform === 'win32')('a pipe among them is left out; alone it is refused', async () => {
    const mixed = folder.path('mixed');
    mkdirSync(mixed);
    copyFileSync(cat, `${mixed}/cat.jpg`);
    spawnSync('mkfifo', [`${mixed}/pipe.jpg`]);
    const { exitCode, stderr } = await depthwise('classify', mixed, '--model', model);
    expect([exitCode, stderr.split('\n')[0]]).toEqual([0, `${mixed}: 1 picture; left out: pipe.jpg`]);
    const message =
      "is a pipe (FIFO), not a regular file; what comes from elsewhere is read from standard input, which commands call '-'";
    const pipe = `${mixed}/pipe.jpg`;
    const refused = { exitCode: 1, stdout: '', stderr: `error: ${pipe}: ${message}\n` };
    expect(await failure('classify', pipe, '--model', model)).toEqual(refused);
    for (const command of [
      ['summary', pipe],
      ['classify', cat, '--model', pipe],
      ['trace', '--model', model, '--input', pipe, '--out', folder.path('x.npz')],
    ]) {
      expect(await failure(...command)).toEqual(refused);
    }
    expect(await failure('classify', cat, '--model', model, '--labels', pipe)).toEqual(refused);
  });

  test('too large by --max-pixels or --max-side', async () => {
    const size = 'has 256×170 pixels, more than';
    for (const command of [['classify'], ['embed', '--json']]) {
      for (const [flag, limit, what] of [
        ['--max-pixels', '43519', '(maxPixels, --max-pixels)'],
        ['--max-side', '255', 'along a side (maxSide, --max-side)'],
      ]) {
        const { exitCode, stderr } = await depthwise(...command, cat, '--model', model, flag, limit);
        expect(exitCode).toBe(1);
        expect(stderr).toContain(`${size} ${limit} ${what}`);
      }
    }
    expect((await depthwise('classify', cat, '--model', model, '--max-side', '256')).exitCode).toBe(0);
    const classes = folder.path('classes');
    for (const name of ['cats', 'dogs']) {
      mkdirSync(`${classes}/${name}`, { recursive: true });
      for (const file of ['1.jpg', '2.jpg']) copyFileSync(cat, `${classes}/${name}/${file}`);
    }
    const out = ['--out', folder.path('limited.safetensors')];
    for (const command of [
      ['trace', cat, '--model', model, ...out],
      ['golden', '--picture', cat, '--model', model, ...out],
      ['evaluate', model, '--data', classes],
      ['quantize', model, '--data', classes, ...out],
      ['train', '--data', classes, '--out', folder.path('limited')],
      ['train', classes, '--base', model, ...out],
    ]) {
      const { exitCode, stderr } = await depthwise(...command, '--max-side', '255');
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`${size} 255 along a side`)]);
    }
  });

  test('a folder is its pictures, by name; what is left out is said', async () => {
    const { stdout, stderr } = await depthwise('classify', photos, '--model', model, '--json');
    expect(JSON.parse(stdout).map(({ picture }: { picture: string }) => picture)).toEqual([
      `${photos}/a.dat`,
      `${photos}/b.jpg`,
    ]);
    expect(stderr).toBe(`${photos}: 2 pictures; left out: more/, notes.txt\n`);
    expect(await failure('classify', `${photos}/more`, '--model', model)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `error: ${photos}/more: there is no picture in this folder\n`,
    });
    mkdirSync(folder.path('sorted/cat'), { recursive: true });
    expect((await failure('classify', folder.path('sorted'), '--model', model)).stderr).toBe(
      `error: ${folder.path('sorted')}: there is no picture in this folder, only cat/; those of its folders are ${folder.path('sorted')}/*/*\n`,
    );
  });

  test('what has the name of a picture and is none is an error in a folder too, and does not lose the others', async () => {
    const damaged = folder.path('damaged');
    mkdirSync(damaged);
    copyFileSync(cat, `${damaged}/cat.jpg`);
    writeFileSync(`${damaged}/empty.png`, '');
    const { exitCode, stdout, stderr } = await depthwise('classify', damaged, '--model', model, '--json');
    expect(exitCode).toBe(1);
    const [good, empty] = JSON.parse(stdout);
    expect(good.predictions).toHaveLength(5);
    expect(empty).toEqual({ picture: `${damaged}/empty.png`, error: { code: 'picture', message: expect.any(String) } });
    expect(empty.error.message).toContain(`${damaged}/empty.png: `);
    expect(stderr).not.toContain('left out');
  });

  test('a folder without pictures, or an address, does not lose the others', async () => {
    const empty = `${photos}/more`;
    const address = 'https://example.org/a.jpg';
    const { exitCode, stdout, stderr } = await depthwise('classify', empty, address, cat, '--model', model, '--json');
    expect([exitCode, JSON.parse(stderr).error.code]).toEqual([1, 'picture']);
    const [folder, remote, good] = JSON.parse(stdout);
    expect(folder).toEqual({
      picture: empty,
      error: { code: 'picture', message: `${empty}: there is no picture in this folder` },
    });
    expect(remote.error).toEqual({
      code: 'usage',
      message: `${address}: addresses are not fetched; save it as a file first, as with curl -LO`,
    });
    expect(good).toEqual((await depthwiseJson('classify', cat, '--model', model))[0]);
  });

  test('one that cannot be read does not lose the others', async () => {
    const args = ['classify', 'no.jpg', cat, `${photos}/notes.txt`, '--model', model, '--top', '1'];
    const text = await depthwise(...args);
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toMatch(new RegExp(`^${cat}\n *\\d+\\.\\d %  class \\d\n$`));
    expect(text.stderr).toMatch(
      /^mobilenet_v1_0\.25_32 does not name its outputs: --labels FILE does\nerror: 2 of 3 pictures cannot be read:\n {2}no\.jpg: there is no such file or folder\n {2}\S+notes\.txt: found /,
    );
    const { exitCode, stdout, stderr } = await depthwise(...args, '--json');
    expect([exitCode, JSON.parse(stderr).error.code]).toEqual([1, 'picture']);
    const [bad, good, notes] = JSON.parse(stdout);
    expect(bad).toEqual({
      picture: 'no.jpg',
      error: { code: 'picture', message: 'no.jpg: there is no such file or folder' },
    });
    expect(good).toEqual((await depthwiseJson('classify', cat, '--model', model, '--top', '1'))[0]);
    expect(notes.error.code).toBe('picture');
  });

  test('embed: rows for those that can be read', async () => {
    const out = folder.path('features.npy');
    const args = ['embed', cat, 'no.jpg', rocket, '--model', model, '--layer', 'conv_pw_7_relu', '--out', out];
    const { exitCode, stdout } = await depthwise(...args, '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      pictures: [cat, rocket],
      layer: 'conv_pw_7_relu',
      shape: [2, 128],
      out,
      errors: [{ picture: 'no.jpg', error: { code: 'picture', message: 'no.jpg: there is no such file or folder' } }],
    });
    expect(readNpy(readFileSync(out)).shape).toEqual([2, 128]);
  });

  test.each([
    ['no.jpg', 1, 'no.jpg: there is no such file or folder'],
    [
      'http://example.com/x.jpg',
      2,
      'http://example.com/x.jpg: addresses are not fetched; save it as a file first, as with curl -LO',
    ],
  ])('%s alone', async (picture, exitCode, message) => {
    const outcome = { exitCode, stdout: '', stderr: `error: ${message}\n` };
    expect(await failure('classify', picture)).toEqual(outcome);
    expect(await failure('trace', picture, '--model', model, '--out', folder.path('x.npz'))).toEqual(outcome);
  });

  test('from standard input, once', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [main, ...args], { input: readFileSync(cat), encoding: 'utf8' });
    const [{ picture, predictions }] = JSON.parse(run('classify', '-', '--top', '1', '--json').stdout);
    expect([picture, predictions[0].label]).toEqual(['-', 'cat']);
    const labels = { input: 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n', encoding: 'utf8' } as const;
    expect(spawnSync(process.execPath, [main, 'classify', '-', '--labels', '-'], labels).stderr).toBe(
      "error: '-' is the labels already, and there is only one standard input\n",
    );
  });
});

describe('labels', () => {
  test.each(['named.safetensors', 'named.npz', 'named.tflite', 'named.onnx', 'named/model.json'])(
    'convert --labels to %s',
    async (name) => {
      const labels = ['zero', 'one', 'two', 'three', 'four', 'five', 'six'];
      writeFileSync(folder.path('labels.txt'), labels.join('\n'));
      const out = folder.path(name);
      expect((await depthwise('convert', model, out, '--labels', folder.path('labels.txt'))).exitCode).toBe(0);
      const [{ predictions }] = await depthwiseJson('classify', cat, '--model', out, '--top', '7');
      for (const { index, label } of predictions) expect(label).toBe(labels[index]);
    },
  );

  test('of another number are refused with the file', async () => {
    writeFileSync(folder.path('two.txt'), 'a\nb\n');
    expect(await failure('convert', model, folder.path('x.npz'), '--labels', folder.path('two.txt'))).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `error: --labels ${folder.path('two.txt')}: found 2 labels for 7 outputs, wanted 7\n`,
    });
  });
});

test('convert --preset states how pictures are prepared', async () => {
  const { preprocessing: _, ...conventions } = smallNetwork().conventions;
  const unstated = await writeModel(folder.path('unstated.safetensors'), { ...smallNetwork(), conventions });
  const out = folder.path('stated.tflite');
  expect((await depthwise('convert', unstated, out, '--preset', 'tfjs')).exitCode).toBe(0);
  expect(await depthwiseJson('classify', cat, '--model', out, '--target', 'reference')).toEqual(
    await depthwiseJson('classify', cat, '--model', out, '--preset', 'tfjs', '--target', 'reference'),
  );
});

describe('models', () => {
  test('lists the published names with figures that have a source', async () => {
    const models = await depthwiseJson('models');
    expect(models).toHaveLength(41);
    const byName = Object.fromEntries(models.map((one: { name: string }) => [one.name, one]));
    // keras-applications' README: errors of 48.418 and 24.208 %; its parameters and multiply-adds from the papers' tables, see test/models.
    expect(byName['mobilenet_v1_0.25_224']).toMatchObject({
      params: 470_072,
      multiplyAdds: 41_030_272,
      accuracy: { top1: 51.6, top5: 75.8, source: 'Keras' },
    });
    // slim's README.
    expect(byName['mobilenet_v2_0.35_96'].accuracy).toEqual({ top1: 45.5, top5: 70.4, source: 'slim' });
    expect(byName['mobilenet_v2_1.0_224_quant'].accuracy).toBeNull();
  });

  test.skipIf(noData)("slim's figures are those of its tables (needs DEPTHWISE_DATA)", async () => {
    const models: { name: string; accuracy: { top1: number; top5: number; source: string } | null }[] =
      await depthwiseJson('models');
    const csv = ['slim_mobilenet_v1.csv', 'slim_mobilenet_v2.csv'].flatMap((file) =>
      readFileSync(dataPath('tables', file), 'utf8').toLowerCase().trim().split('\n').slice(1),
    );
    const published = new Map(
      csv.map((row) => {
        const [name, , , top1, top5] = row.split(',');
        return [name.replace('0.50', '0.5'), [Number(top1), Number(top5)]];
      }),
    );
    const ofSlim = models.filter(({ accuracy }) => accuracy?.source === 'slim');
    expect(ofSlim).toHaveLength(30);
    for (const { name, accuracy } of ofSlim) {
      expect([accuracy!.top1, accuracy!.top5], name).toEqual(published.get(name));
    }
  });

  test('says what is in the cache', async () => {
    const cache = folder.path('cache');
    mkdirSync(cache);
    writeFileSync(`${cache}/mobilenet_v1_0.25_224.h5`, 'twelve bytes');
    process.env.DEPTHWISE_CACHE = cache;
    try {
      expect((await depthwise('models')).stdout).toMatch(/^mobilenet_v1_0\.25_224 .* 12 B {2}no labels$/m);
      writeFileSync(`${cache}/imagenet_labels.txt`, 'background');
      const models = await depthwiseJson('models');
      const here = models.filter(({ cached }: { cached: boolean }) => cached);
      expect(here.map(({ name, bytes }: { name: string; bytes: number }) => [name, bytes])).toEqual([
        ['mobilenet_v1_0.25_224', 12],
      ]);
      expect((await depthwise('models')).stdout).toMatch(/^mobilenet_v1_0\.25_224 .* 12 B {2}yes$/m);
    } finally {
      delete process.env.DEPTHWISE_CACHE;
    }
  });
});

describe('options that would do nothing are refused', () => {
  test.each([
    [
      ['trace', 'x.jpg', '--model', 'm', '--out', 'o.npz', '--seed', '2'],
      '--seed has no effect with a picture: the seed is of the noise',
    ],
    [
      ['trace', '--input', 'x.npy', '--model', 'm', '--out', 'o.npz', '--seed', '2'],
      '--seed has no effect with --input: the seed is of the noise',
    ],
    [
      ['verify', 'x.tflite', '--with', 'litert', '--preset', 'slim'],
      '--preset goes with a picture, which was not given',
    ],
    [
      ['convert', 'x.npz', 'y.npz', '--tensors', '--alpha', '0.5'],
      '--alpha has no effect with --tensors: tensors are copied as they are',
    ],
    [
      ['evaluate', '--data', 'cifar10:x', '--seed', '2'],
      '--seed is for a folder of pictures, a part of which is held back; this data has test pictures of its own',
    ],
    [['bench', 'mobilenet_v1', '--preset', 'slim'], "unknown option '--preset'"],
  ])('%j', async (args, message) => {
    expect(await failure(...args)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` });
  });
});
