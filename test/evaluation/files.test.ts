/** Annotations of COCO and Pascal VOC: what is read of them, and the text of every refusal. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type BoxedTruth, readCoco, readVoc } from '../../src/evaluation/index.js';
import { dataPath, noData } from '../data.js';

const coco = {
  images: [{ id: 7, file_name: 'street.jpg', width: 640, height: 480 }],
  categories: [{ id: 18, name: 'dog' }],
  annotations: [
    { image_id: 7, category_id: 18, bbox: [1.5, 2, 30, 40], area: 700, iscrowd: 0 },
    { image_id: 7, category_id: 18, bbox: [0, 0, 100, 100], iscrowd: 1 },
  ],
};

describe('readCoco', () => {
  test('pictures, categories and boxes', () => {
    const { pictures, categories, truths } = readCoco(JSON.stringify(coco), 'a.json');
    expect(pictures).toEqual([{ id: 7, file: 'street.jpg' }]);
    expect([...categories]).toEqual([[18, 'dog']]);
    expect(truths).toEqual<BoxedTruth[]>([
      { image: 7, category: 18, box: { x: 1.5, y: 2, width: 30, height: 40 }, area: 700 },
      { image: 7, category: 18, box: { x: 0, y: 0, width: 100, height: 100 }, area: 10_000, crowd: true },
    ]);
  });

  test('ids with gaps and in any order, segments as runs, no area, the same id twice among annotations', () => {
    const { categories, truths } = readCoco(
      JSON.stringify({
        images: [
          { id: 9e15, file_name: 'b.jpg' },
          { id: 0, file_name: 'a.jpg' },
        ],
        categories: [
          { id: 90, name: 'toothbrush', supercategory: null },
          { id: 1, name: 'person' },
        ],
        annotations: [
          {
            id: 5,
            image_id: 0,
            category_id: 90,
            bbox: [0.25, 0, 0, 7.5],
            segmentation: { counts: 'a1', size: [9, 9] },
          },
          { id: 5, image_id: 9e15, category_id: 1, bbox: [-1, 2, 3, 4], area: null, iscrowd: true, segmentation: [] },
        ],
        licenses: 3,
      }),
      'a.json',
    );
    expect([...categories]).toEqual([
      [90, 'toothbrush'],
      [1, 'person'],
    ]);
    expect(truths).toEqual<BoxedTruth[]>([
      { image: 0, category: 90, box: { x: 0.25, y: 0, width: 0, height: 7.5 }, area: 0 },
      { image: 9e15, category: 1, box: { x: -1, y: 2, width: 3, height: 4 }, area: 12, crowd: true },
    ]);
  });

  test('pictures in folders of their own', () => {
    const images = [{ id: 7, file_name: 'val2017/a..b.jpg' }];
    expect(readCoco(JSON.stringify({ ...coco, images }), 'a.json').pictures[0].file).toBe('val2017/a..b.jpg');
  });

  const changed = (change: object) => JSON.stringify({ ...coco, ...change });
  test.each([
    ['{', 'a.json: is no JSON: '],
    ['3', 'a.json: wanted an object with images, annotations and categories'],
    [changed({ images: undefined }), 'a.json: wanted a list of images'],
    [changed({ categories: [1] }), 'a.json: wanted a list of categories'],
    [changed({ images: [{ id: '7' }] }), 'a.json: images[0]: id must be a whole number, found "7"'],
    [changed({ images: [{ id: 7 }] }), 'a.json: images[0]: file_name must be a text, found undefined'],
    [changed({ images: [] }), 'a.json: annotations[0]: is of picture 7, which is not among the images'],
    [changed({ categories: [] }), 'a.json: annotations[0]: is of category 18, which is not among the categories'],
    [changed({ images: [coco.images[0], coco.images[0]] }), 'a.json: images[1]: another has the id 7 too'],
    [
      changed({ categories: [coco.categories[0], coco.categories[0]] }),
      'a.json: categories[1]: another has the id 18 too',
    ],
    ...['../a.jpg', '/a.jpg', 'C:\\a.jpg', 'a/../../b.jpg', '..\\a.jpg'].map((file_name): [string, string] => [
      changed({ images: [{ id: 7, file_name }] }),
      `a.json: images[0]: the picture '${file_name}' lies outside of the folder of the pictures`,
    ]),
    [
      changed({ annotations: [{ ...coco.annotations[0], bbox: [1, 2, 3] }] }),
      'a.json: annotations[0]: bbox must be [x, y, width, height] in pixels, found [1,2,3]',
    ],
  ])('refuses %#', (text, message) => {
    expect(() => readCoco(text, 'a.json')).toThrow(message);
  });
});

describe('readVoc', () => {
  const object =
    '<object><name>dog</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>';
  const annotation = (inner: string) => `<annotation><filename>a.jpg</filename>${inner}</annotation>`;

  test('corners count from 1 and belong to the box', async () => {
    expect(await readVoc(annotation(object), 'a.xml')).toEqual({
      file: 'a.jpg',
      objects: [{ label: 'dog', box: { x: 0, y: 1, width: 10, height: 19 }, difficult: true }],
    });
  });

  test('entities, comments and a byte order mark', async () => {
    const text = `\uFEFF<?xml version="1.0"?>\n<!-- by hand -->${annotation(object.replace('dog', 'cat &amp; dog'))}`;
    expect((await readVoc(text, 'a.xml')).objects[0].label).toBe('cat & dog');
  });

  test('as tools write it: no file name, a namespace, parts with boxes of their own, sides with fractions', async () => {
    const head = object.replace('dog', 'head').replace('<object>', '<part>').replace('</object>', '</part>');
    const whole = object
      .replace('</object>', `${head}</object>`)
      .replace('<xmin>1<', '<xmin>0.5<')
      .replace('<difficult>1</difficult>', '');
    expect(await readVoc(`<annotation xmlns="urn:voc">${whole}</annotation>`, 'a.xml')).toEqual({
      objects: [{ label: 'dog', box: { x: -0.5, y: 1, width: 10.5, height: 19 }, difficult: false }],
    });
    const prefixed = annotation(object)
      .replaceAll(/<(\/?)/g, '<$1v:')
      .replace('<v:annotation', '<v:annotation xmlns:v="urn:voc"');
    expect(await readVoc(prefixed, 'a.xml')).toEqual(await readVoc(annotation(object), 'a.xml'));
  });

  test('a box of one pixel, and one whose sides are equal', async () => {
    const dot = object.replace('<xmax>10<', '<xmax>1<').replace('<ymax>20<', '<ymax>2<');
    expect((await readVoc(annotation(dot), 'a.xml')).objects[0].box).toEqual({ x: 0, y: 1, width: 1, height: 1 });
  });

  test('entities that stand for entities are not followed', async () => {
    const text = `<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>${annotation(object.replace('dog', '&c;'))}`;
    await expect(readVoc(text, 'a.xml')).rejects.toThrow('a.xml: is no XML: entity not found:&c;');
  });

  test.each([
    ['', 'a.xml: is no XML: missing root element'],
    ['<annotation>', 'a.xml: is no XML: unclosed xml tag(s): annotation'],
    ['no XML', 'a.xml: is no XML: missing root element'],
    ['<annotation>&dog;</annotation>', 'a.xml: is no XML: entity not found:&dog;'],
    [
      '<annotation><filename>../a.jpg</filename></annotation>',
      "a.xml: the picture '../a.jpg' lies outside of the folder of the pictures",
    ],
    ['<html/>', 'a.xml: wanted an <annotation>, found <html>'],
    [annotation('<object><name>dog</name></object>'), 'a.xml: object 1: has no <bndbox>'],
    [annotation(object.replace('<xmin>1<', '<xmin>one<')), "a.xml: object 1: wanted a number in <xmin>, found 'one'"],
    [
      annotation(object.replace('<xmax>10', '<xmax>0')),
      'a.xml: object 1: its box ends before it begins: 1, 2 to 0, 20',
    ],
    [annotation(object.replace('dog', ' ')), 'a.xml: object 1: wanted a text in <name>, found nothing'],
    ['<a>'.repeat(20_000), 'a.xml: is no XML: '],
    ['<annotation><object></annotation>', 'a.xml: is no XML: '],
  ])('refuses %#', async (text, message) => {
    await expect(readVoc(text, 'a.xml')).rejects.toThrow(message);
  });
});

describe.skipIf(noData)('the sets here (needs DEPTHWISE_DATA)', () => {
  test('coco80: 80 pictures, 815 objects, 11 crowds', () => {
    const { pictures, categories, truths } = readCoco(readFileSync(dataPath('coco80', 'instances.json'), 'utf8'), 'x');
    expect([pictures.length, categories.size, truths.length]).toEqual([80, 80, 815]);
    expect(truths.filter(({ crowd }) => crowd)).toHaveLength(11);
  });

  test('voc100: 273 objects of 20 classes, 38 difficult', async () => {
    const folder = dataPath('voc100', 'annotations');
    const files = readdirSync(folder);
    const read = await Promise.all(files.map((name) => readVoc(readFileSync(`${folder}/${name}`, 'utf8'), name)));
    const objects = read.flatMap((one) => one.objects);
    expect([files.length, objects.length]).toEqual([100, 273]);
    expect(objects.filter(({ difficult }) => difficult)).toHaveLength(38);
    expect(new Set(objects.map(({ label }) => label)).size).toBe(20);
  });
});
