/** `depthwise evaluate` of a detector that always sees a cat in the upper left quarter and a dog in the whole picture. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPicture } from '../../src/image/index.js';
import { cat, depthwise, depthwiseJson, temporaryFolder, writeModel } from './command.js';
import { constantDetector } from './detector.js';

const folder = temporaryFolder();
afterAll(folder.remove);
let model: string;

/** Truth: the cat where it is seen, the dog in the right half, which the whole picture overlaps by just 0.5. */
beforeAll(async () => {
  model = await writeModel(folder.path('constant.safetensors'), constantDetector());
  const { width, height } = await readPicture(cat);
  for (const path of ['coco/images', 'voc/Annotations', 'voc/JPEGImages', 'empty']) {
    mkdirSync(folder.path(path), { recursive: true });
  }
  copyFileSync(cat, folder.path('coco/images/chelsea.jpg'));
  copyFileSync(cat, folder.path('voc/JPEGImages/chelsea.jpg'));
  const annotation = (category_id: number, bbox: number[]) => ({
    image_id: 1,
    category_id,
    bbox,
    area: bbox[2] * bbox[3],
  });
  const instances = {
    images: [{ id: 1, file_name: 'chelsea.jpg' }],
    categories: [
      { id: 17, name: 'cat' },
      { id: 18, name: 'dog' },
    ],
    annotations: [annotation(17, [0, 0, width / 2, height / 2]), annotation(18, [width / 2, 0, width / 2, height])],
  };
  writeFileSync(folder.path('coco/instances.json'), JSON.stringify(instances));
  const object = (name: string, box: number[]) =>
    `<object><name>${name}</name><bndbox>${box.map((n, i) => `<${SIDES[i]}>${n}</${SIDES[i]}>`).join('')}</bndbox></object>`;
  writeFileSync(
    folder.path('voc/Annotations/chelsea.xml'),
    `<annotation><filename>chelsea.jpg</filename>${object('cat', [1, 1, Math.ceil(width / 2), Math.ceil(height / 2)])}${object('sheep', [1, 1, 9, 9])}</annotation>`,
  );
});

/** The same sets in other folders: COCO's official ones, what Roboflow and labelImg write, renamed pictures, and with one that is none. */
beforeAll(() => {
  const [json, xml] = ['coco/instances.json', 'voc/Annotations/chelsea.xml'].map((file) =>
    readFileSync(folder.path(file), 'utf8'),
  );
  const write = (path: string, content: string) => {
    mkdirSync(dirname(folder.path(path)), { recursive: true });
    writeFileSync(folder.path(path), content);
  };
  const picture = (path: string) => {
    mkdirSync(dirname(folder.path(path)), { recursive: true });
    copyFileSync(cat, folder.path(path));
  };
  write('official/annotations/instances_val2017.json', json);
  picture('official/val2017/chelsea.jpg');
  for (const part of ['train', 'val']) write(`official-both/annotations/instances_${part}2017.json`, json);
  write('exported/_annotations.coco.json', json);
  picture('exported/chelsea.jpg');
  write('labelled/chelsea.xml', xml);
  picture('labelled/chelsea.jpg');
  write('renamed/annotations/photo.xml', xml.replace('chelsea.jpg', 'IMG_0001.JPG'));
  picture('renamed/images/photo.jpg');
  write('half/Annotations/a.xml', xml);
  write('bare/a.xml', xml.replace('<filename>chelsea.jpg</filename>', ''));
  const { images, ...rest } = JSON.parse(json);
  const truth = { ...rest.annotations[0], image_id: 0 };
  const bad = { id: 0, file_name: 'bad.jpg' };
  write(
    'spoiled/instances.json',
    JSON.stringify({ ...rest, images: [bad, ...images], annotations: [truth, ...rest.annotations] }),
  );
  picture('spoiled/images/chelsea.jpg');
  write('spoiled/images/bad.jpg', 'no picture');
  write('spoiled-alone/instances.json', JSON.stringify({ ...rest, images: [bad], annotations: [truth] }));
  write('spoiled-alone/images/bad.jpg', 'no picture');
});

/** Pictures with no object in them, and two annotations of one picture. */
beforeAll(() => {
  for (const [set, names] of Object.entries({ nothing: ['a'], twice: ['a', 'b'] })) {
    for (const path of ['Annotations', 'JPEGImages']) mkdirSync(folder.path(`${set}/${path}`), { recursive: true });
    for (const name of names) {
      writeFileSync(
        folder.path(`${set}/Annotations/${name}.xml`),
        '<annotation><filename>a.jpg</filename></annotation>',
      );
    }
  }
  writeFileSync(folder.path('wrong.txt'), 'fish\nbird\n');
});
const SIDES = ['xmin', 'ymin', 'xmax', 'ymax'];

describe('evaluate', () => {
  test("coco: COCO's twelve numbers, and AP by class", async () => {
    const answer = await depthwiseJson('evaluate', model, '--data', `coco:${folder.path('coco')}`);
    expect(answer.pictures).toBe(1);
    // The cat is right at all ten overlaps, the dog at 0.5 alone.
    expect(answer.AP).toBeCloseTo(0.55, 6);
    expect(answer.AP50).toBeCloseTo(1, 6);
    expect(answer.perClass.cat).toBeCloseTo(1, 6);
    expect(answer.perClass.dog).toBeCloseTo(0.1, 6);
    expect(answer.APsmall).toBe(-1);
  });

  test.runIf(process.platform !== 'win32')(
    'a pipe in the place of an annotation or a list is refused at once',
    async () => {
      const pipe = folder.path('pipe');
      spawnSync('mkfifo', [pipe]);
      for (const path of ['piped/Annotations', 'piped/JPEGImages', 'piped-coco'])
        mkdirSync(folder.path(path), { recursive: true });
      spawnSync('mkfifo', [folder.path('piped/Annotations/a.xml'), folder.path('piped-coco/instances.json')]);
      const refused = (path: string) =>
        `error: ${path}: is a pipe (FIFO), not a regular file; what comes from elsewhere is read from standard input, which commands call '-'\n`;
      const evaluate = (...args: string[]) => depthwise('evaluate', model, '--data', ...args);
      const voc = await evaluate(`voc:${folder.path('piped')}`);
      expect([voc.exitCode, voc.stderr]).toEqual([1, refused(folder.path('piped/Annotations/a.xml'))]);
      const coco = await evaluate(`coco:${folder.path('piped-coco')}`);
      expect(coco.stderr).toBe(refused(folder.path('piped-coco/instances.json')));
      expect((await evaluate(`voc:${folder.path('voc')}`, '--list', pipe)).stderr).toBe(refused(pipe));
      const ids = await depthwise(
        'detect',
        cat,
        '--model',
        model,
        '--coco',
        folder.path('x.json'),
        '--annotations',
        pipe,
      );
      expect(ids.stderr).toBe(refused(pipe));
    },
  );

  test("voc: both of VOC's rules", async () => {
    const answer = await depthwiseJson('evaluate', model, '--data', `voc:${folder.path('voc')}`);
    expect(answer).toEqual({ pictures: 1, elevenPoint: 0.5, everyPoint: 0.5, perClass: { cat: 1, sheep: 0 } });
  });

  test.each(['official', 'official/annotations/instances_val2017.json', 'exported'])(
    'coco:%s: as it is downloaded, and as tools export it',
    async (set) => {
      const answer = await depthwiseJson('evaluate', model, '--data', `coco:${folder.path(set)}`);
      expect(answer.AP).toBeCloseTo(0.55, 6);
    },
  );

  test.each(['labelled', 'renamed'])(
    'voc:%s: annotations beside the pictures; names that are not up to date',
    async (set) => {
      const answer = await depthwiseJson('evaluate', model, '--data', `voc:${folder.path(set)}`);
      expect(answer).toEqual({ pictures: 1, elevenPoint: 0.5, everyPoint: 0.5, perClass: { cat: 1, sheep: 0 } });
    },
  );

  test('a picture that cannot be read is left out of the numbers, said, and the end is 1', async () => {
    const data = `coco:${folder.path('spoiled')}`;
    const { exitCode, stdout, stderr } = await depthwise('evaluate', model, '--data', data, '--json');
    const bad = folder.path('spoiled/images/bad.jpg');
    const { errors, ...numbers } = JSON.parse(stdout);
    expect(numbers).toEqual(await depthwiseJson('evaluate', model, '--data', `coco:${folder.path('coco')}`));
    expect(errors).toEqual([{ picture: bad, error: { code: 'picture', message: expect.stringContaining(bad) } }]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr.trim().split('\n').at(-1)!).error.message).toBe(
      `1 of 2 pictures cannot be read:\n  ${errors[0].error.message}`,
    );
    const alone = await depthwise('evaluate', model, '--data', `coco:${folder.path('spoiled-alone')}`, '--json');
    expect([alone.exitCode, alone.stdout]).toEqual([1, '']);
    expect(alone.stderr).toContain('bad.jpg');
  });

  test('as a table', async () => {
    const { stdout } = await depthwise('evaluate', model, '--data', `coco:${folder.path('coco')}`);
    expect(stdout).toContain('1 picture');
    expect(stdout).toMatch(/AP50 +100\.00/);
    expect(stdout).toMatch(/APsmall +none/);
    expect(stdout).toMatch(/dog +10\.00/);
  });

  test('classes that the model does not have are said', async () => {
    const { stderr } = await depthwise('evaluate', model, '--data', `voc:${folder.path('voc')}`);
    expect(stderr).toContain('constant does not have these classes of the data: sheep\n');
  });

  test('--nms as-file: one box', async () => {
    const answer = await depthwiseJson('evaluate', model, '--data', `coco:${folder.path('coco')}`, '--nms', 'as-file');
    expect(answer.perClass.dog).toBe(0);
  });

  test.each([
    [['--data', `coco:${folder.path('empty')}`], 'wanted one file instances….json, found none'],
    [
      ['--data', `voc:${folder.path('empty')}`],
      'wanted .xml files, in it or in a folder Annotations or annotations, found none',
    ],
    [['--data', `voc:${folder.path('half')}`], 'half: wanted a folder JPEGImages or images in it'],
    [['--data', `voc:${folder.path('bare')}`], "a.xml: names no picture in <filename>, and there is none called 'a'"],
    [
      ['--data', `coco:${folder.path('official-both')}`],
      `annotations: wanted one file of annotations, found instances_train2017.json, instances_val2017.json; name one: coco:${folder.path('official-both/annotations/instances_train2017.json')}`,
    ],
    [['--data', `coco:${folder.path('nowhere')}`], 'no such file or folder'],
    [['--data', `coco:${folder.path('coco')}`, '--mirror'], '--mirror is for classifiers'],
    [['--data', `voc:${folder.path('nothing')}`], '--data voc: there is no object to find in 1 picture'],
    [['--data', `voc:${folder.path('twice')}`], "Annotations: two files are about the picture 'a.jpg'"],
    [
      ['--data', `coco:${folder.path('coco')}`, '--labels', folder.path('wrong.txt')],
      "constant has none of the data's classes: cat, dog; are these the right --labels?",
    ],
    [['--data', 'digits'], "constant finds objects: wanted --data coco:FOLDER or voc:FOLDER, found 'digits'"],
    [['--data', `coco:${folder.path('coco')}`, '--from', 'scores'], '--from is for segmenters; constant finds objects'],
    [['--data', 'digits', '--nms', 'none'], '--nms is for detectors and segmenters, on data coco:FOLDER or voc:FOLDER'],
  ])('%o', async (flags, message) => {
    const { exitCode, stderr } = await depthwise('evaluate', model, ...flags);
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toContain(message);
  });

  test.each(['classify', 'segment'])('%s says that the model finds objects', async (command) => {
    const { exitCode, stderr } = await depthwise(command, cat, '--model', model);
    expect(exitCode).toBe(2);
    const does = { classify: 'classifies', segment: 'segments' }[command];
    expect(stderr).toContain(
      `constant: wanted a network that ${does} pictures; this one finds objects, see depthwise detect --help`,
    );
  });

  test('a model whose classes nothing names is evaluated by the ids of COCO, where it has as many', async () => {
    const { labels: _, ...conventions } = constantDetector().conventions;
    const unnamed = await writeModel(folder.path('unnamed.safetensors'), { ...constantDetector(), conventions });
    const { stderr } = await depthwise('evaluate', unnamed, '--data', `coco:${folder.path('coco')}`);
    expect(stderr).toContain("constant neither names its classes nor has COCO's 80 or 90; give --labels FILE");
  });
});
