import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readLabels } from '../../src/tasks/files.js';
import { parseLabels } from '../../src/tasks/labels.js';
import { dataPath, noData } from '../data.js';

describe('parseLabels', () => {
  test.each<[string, string, string[]]>([
    ['a line each', 'cat\ndog\nowl', ['cat', 'dog', 'owl']],
    ['a newline at the end', 'cat\ndog\n', ['cat', 'dog']],
    ['several', 'cat\ndog\n\n\n', ['cat', 'dog']],
    ['Windows line ends', 'cat\r\ndog\r\n', ['cat', 'dog']],
    ['old Macintosh line ends', 'cat\rdog', ['cat', 'dog']],
    ['a byte order mark', '\uFEFFcat\ndog', ['cat', 'dog']],
    ['spaces around', '  cat \n\tdog', ['cat', 'dog']],
    ['commas and accents', 'tench, Tinca tinca\ncafé', ['tench, Tinca tinca', 'café']],
    ['index: label', '0: cat\n1: dog', ['cat', 'dog']],
    ['index label', '0  person\n1  bicycle', ['person', 'bicycle']],
    ['index,label', '0,cat\n1,dog', ['cat', 'dog']],
    ['numbers out of order are names', '1:dog\n0:cat', ['1:dog', '0:cat']],
    ['numbers with gaps are names', '0 person\n3 car', ['0 person', '3 car']],
    ['numbers from 1 are names', '1 rupee\n2 rupees', ['1 rupee', '2 rupees']],
    ['bank notes', '10 rupees\n100 rupees\n20 rupees', ['10 rupees', '100 rupees', '20 rupees']],
    ['numbers that repeat are names', '0 cat\n0 dog', ['0 cat', '0 dog']],
    ['large numbers are names', '999999999 cat', ['999999999 cat']],
    ['CSV with indices', 'index,label\n1,dog\n0,cat\n', ['cat', 'dog']],
    ['CSV whose label comes first', 'Label;Class ID\ncat;0\ndog;1', ['cat', 'dog']],
    ['CSV without indices', 'name,count\n"tench, Tinca ""tinca""",7\ndog,9', ['tench, Tinca "tinca"', 'dog']],
    ['tabs with a header', 'id\tname\n0\tcat\n1\tdog', ['cat', 'dog']],
    ['CSV whose indices have a gap', 'id,name\n1,cat\n2,dog', ['???', 'cat', 'dog']],
    ['a label with a comma is no header', 'cat, Felis\ndog, Canis', ['cat, Felis', 'dog, Canis']],
    ["Hugging Face's id2label", '{"model_type": "x", "id2label": {"0": "cat", "1": "dog"}}', ['cat', 'dog']],
    ['label2id alone', '{"label2id": {"dog": 1, "cat": 0}}', ['cat', 'dog']],
    ['class_names', '{"class_names": ["cat", "dog"], "size": 224}', ['cat', 'dog']],
    ['folders that are numbers', '{"10": 1, "2": 2, "1": 0}', ['1', '10', '2']],
    ["a class called 'labels'", '{"labels": 0, "names": 1}', ['labels', 'names']],
    ["Python's dict by index", "{0: 'cat',\n 1: \"dog's\",\n}", ['cat', "dog's"]],
    ["Python's dict by label", "{'dog': 1, 'cat': 0}", ['cat', 'dog']],
    ["Python's list", "['cat', 'it\\'s a dog']", ['cat', "it's a dog"]],
    ["Python's tuple, assigned", "CLASSES = ('cat', 'dog',)", ['cat', 'dog']],
    ['numbers in some lines only', '7 eleven\ncat', ['7 eleven', 'cat']],
    ['numbers alone', '0\n1\n2', ['0', '1', '2']],
    ['a JSON list', '["cat", "dog"]', ['cat', 'dog']],
    ['a JSON object', '{"1": "dog", "0": "cat"}', ['cat', 'dog']],
    ["Keras' class_indices", '{"dog": 1, "cat": 0}', ['cat', 'dog']],
    [
      "Teachable Machine's metadata",
      '{"tmVersion": "2.4.5", "labels": ["cat", "dog"], "imageSize": 224}',
      ['cat', 'dog'],
    ],
    ['class_indices as texts', '{"dog": "1", "cat": "0"}', ['cat', 'dog']],
    ['objects', '[{"id": 1, "name": "dog"}, {"id": 0, "name": "cat"}]', ['cat', 'dog']],
    ['objects in order', '{"classes": [{"label": "cat"}, {"label": "dog"}]}', ['cat', 'dog']],
    ['lines of a program', '"cat",\n"dog, tame"\n', ['cat', 'dog, tame']],
    ['one line', 'cat, dog,owl', ['cat', 'dog', 'owl']],
    [
      "TensorFlow's label map",
      "item {\n  id: 1\n  name: 'cat'\n}\nitem { name: 'dog' id: 2 }\n",
      ['???', 'cat', 'dog'],
    ],
    ['its names for people', 'item {\n  name: \'/m/01\'\n  id: 1\n  display_name: "cat"\n}', ['???', 'cat']],
    ["Keras' class index", '{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}', ['tench', 'goldfish']],
  ])('%s', (_, text, wanted) => {
    expect(parseLabels(text)).toEqual(wanted);
  });

  test('a .csv file of one column may have a header; in other files it is a label', () => {
    const text = 'label\nTench, tinca\nGoldfish\n';
    expect(parseLabels(text, 'classes.CSV')).toEqual(['Tench, tinca', 'Goldfish']);
    expect(parseLabels(text, 'classes.txt')).toEqual(['label', 'Tench, tinca', 'Goldfish']);
    expect(parseLabels('cat\ndog', 'classes.csv')).toEqual(['cat', 'dog']);
  });

  test.each([
    ['a list', 'path: x\nnames: [cat, "dog, tame"]\nnc: 2\n', ['cat', 'dog, tame']],
    ['a list of several lines', "names: ['cat',\n  'dog, tame']", ['cat', 'dog, tame']],
    ['a list below', 'nc: 2\nnames:\n- cat\n- "dog"\nval: y', ['cat', 'dog']],
    ['a map', "names:\n  0: cat\n  1: 'dog'\n\n# comment\ntrain: z\n", ['cat', 'dog']],
    ['a map in braces', 'names: {0: cat, 1: dog}', ['cat', 'dog']],
    ['no names', 'cat\ndog', ['cat', 'dog']],
  ])('.yaml: %s', (_, text, wanted) => {
    expect(parseLabels(text, 'data.yaml')).toEqual(wanted);
  });

  test.each<[string, string, string]>([
    ['nothing', '', 'list.txt: found no labels'],
    ['blank lines', '\n \n', 'list.txt: found no labels'],
    ['an empty list', '[]', 'list.txt: found no labels'],
    ['a hole', 'cat\n\ndog', "list.txt: found 1 label, an empty line 2, then 'dog'; wanted a label on every line"],
    ['HTML', '<!DOCTYPE html>\n<html>', 'list.txt: found an HTML or XML page, wanted one label a line'],
    ['an index twice', 'id,name\n0,cat\n0,dog', "list.txt: index 0 has two labels, 'cat' and 'dog'"],
    ['a giant index', '{"999999999": "cat"}', 'list.txt: index 999999999 is beyond 1000000'],
    ['a row without its label', 'id,name\n0,cat\n1', "list.txt: line 3: wanted a label in column 2, found '1'"],
    ['an index that is none', 'id,name\n0,cat\nx,dog', "list.txt: line 3: wanted an index in column 1, found 'x'"],
    ["half of Python's dict", "{0: 'cat", 'list.txt: begins like JSON, but is not: '],
    ['a call in Python', "{0: str('cat')}", 'list.txt: begins like JSON, but is not: '],
    ['half a JSON', '["cat", ', 'list.txt: begins like JSON, but is not: '],
    ['JSON of numbers', '[1, 2]', 'list.txt: wanted labels by index, found {"0":1}'],
    ['a negative index', '{"cat": 0, "dog": -1}', 'list.txt: wanted labels by index, found {"cat":0}'],
    ['two labels of one index', '{"cat": 0, "dog": 0}', "list.txt: index 0 has two labels, 'cat' and 'dog'"],
    ['labels that are no texts', '{"labels": ["cat", 7]}', 'list.txt: wanted labels by index, found {"1":7}'],
    ['an item without a name', 'item { id: 1 }', 'list.txt: item 1 has no id or no name'],
    ['objects without names', '[{"id": 0}]', 'list.txt: wanted labels by index, found {"0":{"id":0}}'],
  ])('%s is an error', (_, text, message) => {
    expect(() => parseLabels(text, 'list.txt')).toThrow(FormatError);
    expect(() => parseLabels(text, 'list.txt')).toThrow(message);
  });
});

describe('readLabels', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'depthwise-labels-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('a file', async () => {
    await writeFile(join(folder, 'labels.txt'), 'cat\r\ndog\r\n');
    expect(await readLabels(join(folder, 'labels.txt'))).toEqual(['cat', 'dog']);
  });

  test('no file', async () => {
    const path = join(folder, 'missing.txt');
    await expect(readLabels(path)).rejects.toThrow(new FormatError(`${path}: there is no such file or folder`));
  });

  test('a picture instead', async () => {
    const path = join(folder, 'labels.png');
    await writeFile(path, Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 1, 2));
    await expect(readLabels(path)).rejects.toThrow(new FormatError(`${path}: found binary data, wanted UTF-8 text`));
  });

  test.skipIf(noData).each([
    ['imagenet_labels_1001.txt', 1001, 'background', 'toilet tissue, toilet paper, bathroom tissue'],
    ['coco_labelmap.txt', 91, '???', 'toothbrush'],
  ])('%s (needs DEPTHWISE_DATA)', async (name, count, first, last) => {
    const labels = await readLabels(dataPath('labels', name));
    expect(labels).toHaveLength(count);
    expect([labels[0], labels.at(-1)]).toEqual([first, last]);
  });

  test.skipIf(noData)('a list with remarks after it (needs DEPTHWISE_DATA)', async () => {
    const path = dataPath('labels', 'pascal_voc_segmentation_labels.txt');
    await expect(readLabels(path)).rejects.toThrow(
      `${path}: found 21 labels, an empty line 22, then 'and 255 is the ignore label that marks pixels excluded from '; wanted a label on every line`,
    );
  });
});
