/** Detection and segmentation by a loaded model: the answers of the pure functions, and `load` without `import()`. */
import { describe, expect, test } from 'vitest';
import { detect, detections } from '../../src/detection/index.js';
import { load } from '../../src/load/node.js';
import { load as loadStatic } from '../../src/load/static.js';
import { type Segmentation, segment, segmentation } from '../../src/segmentation/index.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { constantDetector } from '../cli/detector.js';
import { coloursSegmenter, noise, smallNetwork } from './models.js';

const detector = constantDetector();

const pictures = [noise(1), noise(2, 31, 17)];
const region = { left: 3, top: 5, width: 20, height: 10 };

describe('detect', () => {
  test('answers as the pure function; of a list, a list each', async () => {
    const model = await load(detector);
    for (const options of [
      {},
      { scoreThreshold: 0.6 },
      { nms: 'as-file' },
      { region, rotation: 90, mirror: true },
    ] as const) {
      const [one] = pictures;
      expect(await model.detect(one, options)).toEqual(await detect(detector, one, options));
      expect(await model.detect(pictures, options)).toEqual(await detect(detector, pictures, options));
    }
    expect(await model.detect(pictures[0])).toMatchObject([
      { label: 'cat', box: { x: 0, y: 0, width: 20, height: 24 } },
      { label: 'dog', box: { x: 0, y: 0, width: 40, height: 48 } },
    ]);
    expect(await model.detect([])).toEqual([]);
  });

  test("of a prepared tensor, in pixels of the network's input", async () => {
    const model = await load(detector);
    const boxes = await model.detect(inputTensor(detector, pictures[0]));
    expect(boxes.map(({ box }) => box)).toEqual([
      { x: 0, y: 0, width: 4, height: 4 },
      { x: 0, y: 0, width: 8, height: 8 },
    ]);
  });

  test('labels of load, with background or without', async () => {
    for (const labels of [
      ['a', 'b'],
      ['none', 'a', 'b'],
    ]) {
      const [first] = await (await load(detector, { labels })).detect(pictures[0]);
      expect(first.label).toBe('a');
    }
    const model = await load(detector, { labels: ['a'] });
    await expect(model.detect(pictures[0])).rejects.toThrow(
      'labels: the network has 2 classes and wants 2 labels or 3 with background first, found 1',
    );
  });

  test.each<[object, string]>([
    [{ scoreThreshold: 2 }, 'detect: scoreThreshold must be a number from 0 to 1, found 2'],
    [{ maxResults: 0 }, 'detect: maxResults must be a whole number of 1 or more, found 0'],
    [{ nms: 'soft' }, 'detect: nms must be one of per-class, class-agnostic, none, as-file, found'],
    [{ only: 'cat' }, "detect: only must be a list of labels or numbers of classes, found the text 'cat'"],
    [{ threshold: 0.5 }, "detect: there is no option 'threshold'; similar options: iouThreshold, scoreThreshold"],
    [{ only: ['dgo'] }, "detect: there is no label 'dgo'; similar labels: dog"],
  ])('refuses %o', async (options, message) => {
    const model = await load(detector);
    await expect(model.detect(pictures[0], options)).rejects.toThrow(message);
  });

  test('a classifier detects nothing', async () => {
    const model = await load(smallNetwork());
    await expect(model.detect(pictures[0])).rejects.toThrow('does not detect objects, or its file does not state how');
  });
});

describe('segment', () => {
  test('answers as the pure function; of a list, a list', async () => {
    const network = coloursSegmenter();
    const model = await load(network);
    for (const options of [{}, { size: 'network' }, { region, rotation: 270 }] as const) {
      expect(await model.segment(pictures[1], options)).toEqual(await segment(network, pictures[1], options));
    }
    const maps = await model.segment(pictures);
    expect(maps.map(({ width, height }) => [width, height])).toEqual([
      [40, 48],
      [31, 17],
    ]);
    const { width, labels } = await model.segment(inputTensor(network, pictures[0]));
    expect([width, labels.length]).toEqual([8, 64]);
  });

  test('a list that is smoothed is frames, and goes on from the one before', async () => {
    const network = coloursSegmenter();
    const model = await load(network);
    const frames = [pictures[0], noise(3), noise(4)];
    const maps = await model.segment(frames, { smooth: 0.7 });
    let previous: Segmentation | undefined;
    for (const [at, frame] of frames.entries()) {
      previous = await model.segment(frame, { smooth: 0.7, confidence: true, ...(previous && { previous }) });
      expect(previous).toMatchObject(maps[at]);
    }
    expect(maps[2].labels).not.toEqual((await model.segment(frames[2])).labels);
    expect(await model.segment(frames, { smooth: 0, previous: maps[0] })).toMatchObject(await model.segment(frames));
  });

  test.each([
    [{ smooth: 1 }, 'segment: smooth must be a number from 0 up to, not including, 1, found 1'],
    [{ from: 'pixels' }, "segment: from must be one of scores, labels, found the text 'pixels'"],
    [{ confidence: 0.5 }, 'segment: confidence must be true or false, found 0.5'],
    [{ smoth: 0.5 }, "segment: there is no option 'smoth'; similar options: smooth, "],
  ])('refuses %o', async (options, message) => {
    const model = await load(coloursSegmenter());
    await expect(model.segment(pictures[0], options as never)).rejects.toThrow(message);
  });
});

describe('load without import()', () => {
  test('says what to import', async () => {
    const model = await loadStatic(detector);
    await expect(model.detect(pictures[0])).rejects.toThrow(
      "detect: its code was not given: import { detections } from 'depthwise/detection', and load(…, { tasks: { detections } })",
    );
    await expect(model.segment(pictures[0])).rejects.toThrow(
      "segment: its code was not given: import { segmentation } from 'depthwise/segmentation', and load(…, { tasks: { segmentation } })",
    );
  });

  test('takes it', async () => {
    const model = await loadStatic(detector, { tasks: { detections, segmentation } });
    expect(await model.detect(pictures[0])).toEqual(await detect(detector, pictures[0]));
  });
});
