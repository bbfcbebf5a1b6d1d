/** `depthwise evaluate` of a detector that always sees a cat in the upper left quarter and a dog in the whole picture. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
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
    [['--data', `voc:${folder.path('empty')}`], 'wanted a folder Annotations or annotations in it'],
    [['--data', `coco:${folder.path('nowhere')}`], 'no such file or folder'],
    [['--data', `coco:${folder.path('coco')}`, '--mirror'], '--mirror is for classifiers'],
    [['--data', `voc:${folder.path('nothing')}`], '--data voc: there is no object to find in 1 picture'],
    [['--data', `voc:${folder.path('twice')}`], "Annotations: two files are about the picture 'a.jpg'"],
    [
      ['--data', `coco:${folder.path('coco')}`, '--labels', folder.path('wrong.txt')],
      "constant has none of the data's classes: cat, dog; are these the right --labels?",
    ],
    [['--data', 'digits'], "constant finds objects: wanted --data coco:FOLDER or voc:FOLDER, found 'digits'"],
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
