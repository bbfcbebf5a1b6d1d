/** `depthwise train --detect`: from a folder of boxed pictures to a model that `detect` takes, and what it refuses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ssd } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { cat, depthwise, depthwiseJson, main, rocket, temporaryFolder, writeModel } from './command.js';

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

describe('train --detect', () => {
  test('writes a detector of the classes that are wanted', async () => {
    const out = folder.path('cats.safetensors');
    const data = ['--data', `voc:${folder.path('voc')}`, '--base', base, '--only', 'cat'];
    const flags = ['--epochs', '2', '--batch', '1', '--views', '1', '--held-back', '0.5', '--out', out];
    const answer = await depthwiseJson('train', '--detect', ...data, ...flags);
    expect(answer).toMatchObject({ out, epochs: [{ epoch: 1 }, { epoch: 2 }] });
    expect(Object.keys(answer.perClass)).toEqual(['cat']);
    const [{ detections }] = await depthwiseJson('detect', cat, '--model', out, '--score', '0', '--max', '1');
    expect(detections).toMatchObject([{ label: 'cat', classIndex: 0 }]);
  });

  test('Ctrl-C: the detector of the epoch in work is written; before there is one, nothing', async () => {
    const start = (out: string, after: string) => {
      const data = ['--data', `voc:${folder.path('voc')}`, '--base', base, '--views', '1', '--held-back', '0.4'];
      const child = spawn(process.execPath, [main, 'train', '--detect', ...data, '--epochs', '100000', '--out', out]);
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text) => {
        said += text;
        if (!child.killed && said.includes(after)) child.kill('SIGINT');
      });
      return once(child, 'close').then(([code]) => ({ code, said }));
    };
    const out = folder.path('stopped.safetensors');
    const { code, said } = await start(out, 'epoch 2: ');
    expect([code, said]).toEqual([
      130,
      expect.stringMatching(`stopped after epoch \\d+; ${out} is the detector of that epoch\n$`),
    ]);
    const [{ detections }] = await depthwiseJson('detect', cat, '--model', out, '--score', '0', '--max', '1');
    expect(detections).toHaveLength(1);
    const none = folder.path('none.safetensors');
    const early = await start(none, 'learns from 2 pictures, 1 picture held back');
    // Within three pictures; where the machine is faster than the signal, an epoch has ended.
    const isEarly = early.said.endsWith('stopped before the first epoch had ended; nothing written\n');
    expect([early.code, existsSync(none)]).toEqual([130, !isEarly]);
  }, 60_000);

  test.each([
    [['--detect'], '--detect: wanted --data voc:FOLDER or coco:FOLDER'],
    [['--detect', '--data', 'digits', '--base', 'x'], "wanted --data voc:FOLDER or coco:FOLDER, found 'digits'"],
    [['--detect', '--data', 'voc:x'], '--detect: wanted --base MODEL'],
    [['--detect', '--alpha', '0.5'], '--alpha is for training classifiers, not for --detect'],
    [['--data', 'digits', '--views', '2'], '--views goes with --detect, which was not given'],
  ])('refuses %o', async (flags, message) => {
    const { exitCode, stderr } = await depthwise('train', ...flags, '--out', folder.path('x.safetensors'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test('refuses a class that the data does not have', async () => {
    const flags = ['--data', `voc:${folder.path('voc')}`, '--base', base, '--only', 'dog'];
    const { stderr } = await depthwise('train', '--detect', ...flags, '--out', folder.path('x.safetensors'));
    expect(stderr).toContain("--only: the data has no class 'dog', only cat, rocket");
  });
});
