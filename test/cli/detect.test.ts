/** `depthwise detect`, on a network whose boxes are known: its scores are weights of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPicture } from '../../src/image/index.js';
import { cat, depthwise, depthwiseJson, main, rocket, temporaryFolder, writeModel } from './command.js';
import { constantDetector } from './detector.js';

const folder = temporaryFolder();
afterAll(folder.remove);

let model: string;
beforeAll(async () => {
  model = await writeModel(folder.path('constant.safetensors'), constantDetector());
});

describe('detect', () => {
  test('boxes in pixels of the picture', async () => {
    const { width, height } = await readPicture(cat);
    expect(await depthwiseJson('detect', cat, '--model', model)).toEqual([
      {
        picture: cat,
        width,
        height,
        detections: [
          {
            label: 'cat',
            classIndex: 0,
            score: 0.75,
            box: { x: 0, y: 0, width: width / 2, height: height / 2 },
          },
          { label: 'dog', classIndex: 1, score: 0.5, box: { x: 0, y: 0, width, height } },
        ],
      },
    ]);
  });

  test('a table', async () => {
    const { stdout } = await depthwise('detect', cat, rocket, '--model', model);
    expect(stdout).toContain('chelsea.jpg\n');
    expect(stdout).toMatch(/label +score +x +y +width +height/);
    expect(stdout).toMatch(/cat +75\.0 % +0 +0 +\d+ +\d+/);
  });

  test('no objects', async () => {
    const { stdout } = await depthwise('detect', cat, '--model', model, '--score', '0.9');
    expect(stdout).toBe(`${cat}\nno objects\n`);
  });

  test.each([
    [['--nms', 'as-file'], ['cat']],
    [['--only', 'dog'], ['dog']],
    [['--except', '0'], ['dog']],
    [['--max', '1'], ['cat']],
  ])('%o', async (flags, labels) => {
    const [{ detections }] = await depthwiseJson('detect', cat, '--model', model, ...flags);
    expect(detections.map(({ label }: { label: string }) => label)).toEqual(labels);
  });

  test('--region and --turn', async () => {
    const flags = ['--region', '100,50,80,40', '--turn', '180', '--max', '1'];
    const [{ detections }] = await depthwiseJson('detect', cat, '--model', model, ...flags);
    expect(detections[0].box).toEqual({ x: 140, y: 70, width: 40, height: 20 });
  });

  test('--out: the picture with its boxes', async () => {
    const out = folder.path('found');
    const { stderr } = await depthwise('detect', cat, rocket, '--model', model, '--out', out);
    expect(stderr).toBe(`wrote 2 pictures into ${out}\n`);
    expect(existsSync(`${out}/rocket.png`)).toBe(true);
    const [drawn, given] = [await readPicture(`${out}/chelsea.png`), await readPicture(cat)];
    expect([drawn.width, drawn.height]).toEqual([given.width, given.height]);
    const at = (x: number, y: number) => [0, 1, 2].map((c) => drawn.data[(y * drawn.width + x) * drawn.channels + c]);
    // The cat's box ends in the middle of the picture, in the colour of class 0; the dog's at its edge.
    expect(at(Math.round(given.width / 2) - 1, 30)).toEqual([128, 0, 0]);
    expect(at(given.width - 1, given.height - 20)).toEqual([0, 128, 0]);
  });

  describe('--out and files that are there already', () => {
    const detectInto = (out: string, pictures: readonly string[], ...flags: string[]) =>
      depthwise('detect', ...pictures, '--model', model, '--out', out, ...flags);

    test('the pictures that are read are never replaced', async () => {
      const photos = folder.path('photos');
      mkdirSync(photos);
      const picture = join(photos, 'cat.png');
      writeFileSync(picture, readFileSync(cat));
      for (const flags of [[], ['--overwrite']]) {
        expect(await detectInto(photos, [photos], ...flags)).toEqual({
          exitCode: 2,
          stdout: '',
          stderr: `error: --out: '${picture}' is one of the pictures that are read; name another folder\n`,
        });
      }
      const link = folder.path('link-to-photos');
      symlinkSync(photos, link);
      expect((await detectInto(link, [photos])).exitCode).toBe(2);
      expect(readFileSync(picture).equals(readFileSync(cat))).toBe(true);
    });

    test('those of others want --overwrite, its own do not', async () => {
      const out = folder.path('theirs');
      mkdirSync(out);
      writeFileSync(join(out, 'chelsea.png'), 'mine');
      expect((await detectInto(out, [cat])).stderr).toBe(
        `error: --out: '${join(out, 'chelsea.png')}' is there already and no picture that depthwise wrote; --overwrite replaces it\n`,
      );
      expect(readFileSync(join(out, 'chelsea.png'), 'utf8')).toBe('mine');
      expect((await detectInto(out, [cat], '--overwrite')).exitCode).toBe(0);
      expect((await detectInto(out, [cat])).exitCode).toBe(0);
    });

    test('a name that becomes too long, and a place for --coco that cannot be written, before the work', async () => {
      const long = folder.path(`${'n'.repeat(253)}.p`);
      writeFileSync(long, readFileSync(cat));
      const file = join(folder.path('long'), `${'n'.repeat(253)}.png`);
      expect((await detectInto(folder.path('long'), [long])).stderr).toBe(
        `error: --out: cannot write '${file}': the name is too long\n`,
      );
      const numbered = folder.path('7.jpg');
      writeFileSync(numbered, readFileSync(cat));
      const coco = await depthwise('detect', numbered, '--model', 'nothing', '--coco', '/dev/null/x');
      expect(coco.stderr).toBe(
        "error: --coco: cannot write '/dev/null/x': folder '/dev/null': a file stands where a folder is wanted\n",
      );
    });

    test('--overwrite alone', async () => {
      const { exitCode, stderr } = await depthwise('detect', cat, '--model', model, '--overwrite');
      expect([exitCode, stderr]).toEqual([2, 'error: --overwrite goes with --out, which was not given\n']);
    });
  });

  test('a picture of one pixel, one that EXIF turns, and one on standard input: sizes and files are of the picture as it is seen', async () => {
    const [dot, turned] = [folder.path('dot.png'), folder.path('turned.jpg')];
    await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } }).toFile(dot);
    await sharp(cat).withMetadata({ orientation: 6 }).toFile(turned);
    const out = folder.path('seen');
    const found = await depthwiseJson('detect', dot, turned, '--model', model, '--out', out);
    const { width, height } = await readPicture(cat);
    const half = { x: 0, y: 0, width: height / 2, height: width / 2 };
    expect(found).toMatchObject([
      { width: 1, height: 1, detections: [{ box: { x: 0, y: 0, width: 0.5, height: 0.5 } }, {}] },
      { width: height, height: width, detections: [{ box: half }, {}] },
    ]);
    const drawn = await readPicture(`${out}/turned.png`);
    expect([drawn.width, drawn.height]).toEqual([height, width]);
    const args = [main, 'detect', '-', '--model', model, '--json', '--out', out];
    const piped = JSON.parse(
      spawnSync(process.execPath, args, { input: readFileSync(turned), encoding: 'utf8' }).stdout,
    );
    expect(piped).toEqual([{ ...found[1], picture: '-' }]);
    expect(existsSync(`${out}/picture.png`)).toBe(true);
  });

  test('one bad picture does not lose the others', async () => {
    const bad = folder.path('bad.jpg');
    writeFileSync(bad, 'no picture');
    const out = folder.path('with-bad');
    const { exitCode, stdout } = await depthwise('detect', bad, cat, '--model', model, '--out', out, '--json');
    const answers = JSON.parse(stdout);
    expect([exitCode, answers[0].error.code, answers[1].detections.length]).toEqual([1, 'picture', 2]);
    expect([existsSync(`${out}/bad.png`), existsSync(`${out}/chelsea.png`)]).toEqual([false, true]);
  });

  test.each([
    [['--only', 'cow'], "detect: there is no label 'cow'; similar labels: cat, dog"],
    [['--only', 'cat', '--except', 'dog'], 'wanted one of only and except, found both'],
    [['--region', '1,2'], 'Wanted left, top, width and height in pixels: 10,20,300,200.'],
    [['--region', '1,2,0,4'], 'Wanted left, top, width and height in pixels: 10,20,300,200.'],
    [['--score', '2'], 'Wanted a number from 0 to 1.'],
    [['--nms', 'soft'], 'Allowed choices are per-class, class-agnostic, none, as-file.'],
  ])('%o', async (flags, message) => {
    const { exitCode, stderr } = await depthwise('detect', cat, '--model', model, ...flags);
    expect([exitCode, stderr.includes(message)]).toEqual([2, true]);
  });

  test('two pictures of one name, and a network that classifies', async () => {
    const { stderr } = await depthwise(
      'detect',
      cat,
      folder.path('chelsea.png'),
      '--model',
      model,
      '--out',
      folder.path('x'),
    );
    expect(stderr).toContain("would both be written as 'chelsea.png'");
    const classifier = await depthwise(
      'detect',
      cat,
      '--model',
      'assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors',
    );
    expect(classifier.stderr).toContain('does not detect objects, or its file does not state how');
  });

  test('--coco: results with the ids of the annotations, or with digits of the name', async () => {
    const { width, height } = await readPicture(cat);
    const instances = {
      images: [{ id: 7, file_name: 'chelsea.jpg' }],
      categories: [{ id: 17, name: 'cat' }],
      annotations: [],
    };
    writeFileSync(folder.path('instances.json'), JSON.stringify(instances));
    const results = folder.path('results.json');
    const flags = ['--model', model, '--coco', results, '--annotations', folder.path('instances.json')];
    await depthwise('detect', cat, ...flags);
    expect(JSON.parse(readFileSync(results, 'utf8'))).toEqual([
      { image_id: 7, category_id: 17, bbox: [0, 0, width / 2, height / 2], score: 0.75 },
    ]);
    const other = await depthwise('detect', rocket, ...flags);
    expect(other.stderr).toContain(`'${rocket}' is not among the pictures of ${folder.path('instances.json')}`);
  });

  test('--coco in the folder of --out, which is not there yet', async () => {
    const out = folder.path('both');
    const annotations = folder.path('instances.json');
    const detected = (coco: string, ...flags: string[]) =>
      depthwise('detect', cat, '--out', out, '--coco', coco, '--annotations', annotations, ...flags);
    // Refused before the model is read.
    expect((await detected(join(out, 'none/c.json'), '--model', 'nothing')).stderr).toBe(
      `error: --coco: cannot write '${out}/none/c.json': folder '${out}/none': there is no such file or folder\n`,
    );
    for (const taken of [join(out, 'chelsea.png'), annotations, cat, 'nothing']) {
      expect(await detected(taken, '--model', 'nothing')).toMatchObject({
        exitCode: 2,
        stderr: `error: --coco: '${taken}' is read or written by this command already; name another file\n`,
      });
    }
    expect((await detected(join(out, 'c.json'), '--model', model)).exitCode).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['c.json', 'chelsea.png']);
  });

  test.each([
    [['--annotations', 'x.json'], '--annotations goes with --coco, which was not given'],
    [['--coco', 'x.json'], "has no number that would be the picture's id; give --annotations FILE"],
  ])('refuses %o', async (flags, message) => {
    const { stderr } = await depthwise('detect', cat, '--model', model, ...flags);
    expect(stderr).toContain(message);
  });
});
