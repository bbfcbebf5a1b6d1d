/** `depthwise train --detect`: from a folder of boxed pictures to a model that `detect` takes, and what it refuses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ssd } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { built, cat, depthwise, depthwiseJson, main, rocket, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);
let base: string;

beforeAll(async () => {
  const network = ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 3, heads: 'pointwise' });
  base = await writeModel(folder.path('base.safetensors'), randomWeights(network, 1));
  for (const name of ['Annotations', 'JPEGImages']) mkdirSync(folder.path(`voc/${name}`), { recursive: true });
  for (const [name, file, label] of [
    ['a', cat, 'cat'],
    ['b', rocket, 'rocket'],
    ['c', cat, 'cat'],
  ] as const) {
    copyFileSync(file, folder.path(`voc/JPEGImages/${name}.jpg`));
    const box = '<xmin>20</xmin><ymin>20</ymin><xmax>200</xmax><ymax>220</ymax>';
    writeFileSync(
      folder.path(`voc/Annotations/${name}.xml`),
      `<annotation><filename>${name}.jpg</filename><object><name>${label}</name><bndbox>${box}</bndbox></object></annotation>`,
    );
  }
});

/** Two pictures of three are learnt from, 2 steps an epoch: a second. */
const command = (out: string, ...more: string[]): string[] => [
  ...['train', '--detect', '--data', `voc:${folder.path('voc')}`, '--base', base, '--views', '2', '--held-back', '0.4'],
  ...['--epochs', '4', '--batch', '1', '--out', folder.path(out), ...more],
];

const file = (run: string, name: string) => readFileSync(`${folder.path(run)}/${name}`);
const model = (run: string) => file(run, 'model.safetensors');
/** Without the seconds, the only numbers of a run that are never the same. */
const metrics = (run: string) => `${file(run, 'metrics.csv')}`.replaceAll(/,[^,\n]*$/gm, '');

/** Starts the run, or goes on with it where a checkpoint lies; at these words it is sent the signal. */
async function start(run: string, words: string, signal: NodeJS.Signals) {
  const resume = existsSync(`${folder.path(run)}/checkpoint.safetensors`) ? ['--resume'] : [];
  const child = spawn(process.execPath, [main, ...command(run, ...resume)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
    if (!child.killed && said.includes(words)) child.kill(signal);
  });
  const [code] = await once(child, 'close');
  return { code, said };
}

describe('train --detect', () => {
  test('writes a detector of all classes, or of those that are wanted, metrics and a report', async () => {
    const answer = await depthwiseJson(...command('whole'));
    expect(answer).toMatchObject({ out: folder.path('whole'), bytes: model('whole').length });
    expect(answer.epochs.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3, 4]);
    expect(Object.keys(answer.perClass)).toEqual(['cat']); // the held-back picture's
    expect(metrics('whole').split('\n')[0]).toBe('epoch,boxLoss,classLoss,ap,ap50,learningRate');
    const report = `${file('whole', 'report.html')}`;
    expect(report).toMatch(/<title>ssd.* for 2 classes of its own<\/title>/);
    expect(report.match(/<polyline/g)).toHaveLength(5);
    expect(report).toMatch(/<tr><th scope="row">cat<\/th><td>\d+\.\d\d %<\/td><\/tr>/);
    // A run's folder is its model.
    const found = await depthwiseJson('detect', cat, '--model', folder.path('whole'), '--score', '0', '--max', '99');
    const labels = new Set(found[0].detections.map(({ label }: { label: string }) => label));
    expect([...labels].sort()).toEqual(['cat', 'rocket']);
    const cats = await depthwiseJson(...command('cats', '--only', 'cat,cat', '--epochs', '1'));
    expect(Object.keys(cats.perClass)).toEqual(['cat']);
  }, 60_000);

  test('killed after each epoch and resumed, it ends with the same bits', async () => {
    for (const epoch of [1, 3]) await start('killed', `epoch ${epoch}/4: `, 'SIGKILL');
    expect((await start('killed', 'nothing', 'SIGKILL')).code).toBe(0);
    expect(model('killed').equals(model('whole'))).toBe(true);
    expect(metrics('killed')).toBe(metrics('whole'));
  }, 60_000);

  test('stopped by Ctrl-C, before the first step and later, and resumed by the command that it prints', async () => {
    const early = await start('stopped', 'learns from 2 pictures, 1 picture held back', 'SIGINT');
    const { code, said } = early.code === 130 ? await start('stopped', 'epoch 2/4: ', 'SIGINT') : early;
    expect(code).toBe(130);
    const [, words] = /^stopped and saved; to go on: depthwise (.*)$/m.exec(said) ?? [];
    expect(words).toBe([...command('stopped'), '--resume'].join(' '));
    expect(built(...words.split(' ')).exitCode).toBe(0);
    expect(model('stopped').equals(model('whole'))).toBe(true);
    expect(metrics('stopped')).toBe(metrics('whole'));
    expect(readdirSync(folder.path('stopped')).sort()).toEqual([
      ...['checkpoint.safetensors', 'metrics.csv', 'model.safetensors', 'report.html'],
    ]);
  }, 60_000);

  test.each<[readonly string[], string]>([
    [['--resume', '--seed', '2'], '%/checkpoint.safetensors was trained with seed 1, this run has 2; it can only be'],
    [['--resume', '--only', 'cat'], '%/checkpoint.safetensors was trained with labels ["cat","rocket"], this run has'],
    [[], "--out: '%' holds a run already; --resume goes on with it, --overwrite begins anew in its place"],
    [['--resume', '--overwrite'], "option '--resume' cannot be used with option '--overwrite'"],
  ])('a folder that holds a run, with %j', async (flags, message) => {
    const { exitCode, stderr } = await depthwise(...command('whole', ...flags));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message.replace('%', folder.path('whole')))]);
  });

  test.each([
    [['--detect'], '--detect: wanted --data voc:FOLDER or coco:FOLDER'],
    [['--detect', '--data', 'digits', '--base', 'x'], "wanted --data voc:FOLDER or coco:FOLDER, found 'digits'"],
    [['--detect', '--data', 'voc:x'], '--detect: wanted --base MODEL'],
    [['photos', '--detect'], "'photos': the pictures of --detect are those of --data voc:FOLDER or coco:FOLDER"],
    [['--detect', '--alpha', '0.5'], '--alpha is for training classifiers, not for --detect'],
    [['--data', 'digits', '--views', '2'], '--views goes with --detect, which was not given'],
  ])('refuses %o', async (flags, message) => {
    const { exitCode, stderr } = await depthwise('train', ...flags, '--out', folder.path('x'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test('refuses a class that the data does not have', async () => {
    const { stderr } = await depthwise(...command('x', '--only', 'dog'));
    expect(stderr).toContain("--only: the data has no class 'dog', only cat, rocket");
  });

  test.each(['safetensors', 'npz', 'tflite'])('refuses a file .%s in place of a folder', async (ending) => {
    const { exitCode, stderr } = await depthwise(...command(`x.${ending}`));
    const path = folder.path(`x.${ending}`);
    expect([exitCode, existsSync(path), stderr]).toEqual([
      2,
      false,
      `error: --out: wanted a folder, which the model will be in; '${path}' is the name of a file\n`,
    ]);
  });
});
