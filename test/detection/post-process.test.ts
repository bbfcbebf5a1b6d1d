/** TFLite_Detection_PostProcess: the published cases of the kernel, and what the SSD V1 file answers in TensorFlow Lite. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type PostProcessOptions, postProcess } from '../../src/detection/post-process.js';
import { readNpz } from '../../src/formats/tensors/npz.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';

interface Case {
  readonly name: string;
  readonly codes: number[][];
  readonly anchors: number[][];
  readonly scores: number[][];
  readonly options: PostProcessOptions;
  readonly boxes: number[][];
  readonly classes: number[];
  readonly out: number[];
  readonly count: number;
}

interface Golden {
  readonly model: string;
  readonly picture: string;
  readonly detections: { class: number; score: number; box: number[] }[];
}

const rows = (numbers: readonly number[][]): Tensor => tensor([numbers.length, numbers[0].length], numbers.flat());
const readJson = (name: string) => JSON.parse(readFileSync(dataPath('tables', name), 'utf8'));
const cases: Case[] = noData ? [] : readJson('ssd_postprocess_cases.json').cases;

describe.skipIf(noData)('published cases (needs DEPTHWISE_DATA)', () => {
  test.each(cases)('$name', ({ codes, anchors, scores, options, boxes, classes, out, count }) => {
    const answer = postProcess(rows(codes), rows(scores), rows(anchors), options);
    expect(answer.count).toBe(count);
    const results = answer.found.length;
    // What the case lists beyond the count are the zeros of the output's tensor.
    expect(out.slice(results).every((score) => score === 0)).toBe(true);
    expect(answer.found.map(({ classIndex }) => classIndex)).toEqual(classes.slice(0, results));
    expect(answer.found.map(({ score }) => score)).toEqual(out.slice(0, results).map(Math.fround));
    answer.found.forEach(({ box }, i) => {
      box.forEach((corner, side) => {
        expect(corner).toBeCloseTo(boxes[i][side], 5);
      });
    });
  });
});

describe.skipIf(noData)('raw outputs of the SSD V1 file (needs DEPTHWISE_DATA)', () => {
  const options: PostProcessOptions = {
    max_detections: 10,
    max_classes_per_detection: 1,
    num_classes: 90,
    nms_score_threshold: 1e-8,
    nms_iou_threshold: 0.6,
    y_scale: 10,
    x_scale: 10,
    h_scale: 5,
    w_scale: 5,
  };

  test.each(['chelsea.png', 'table.jpg'])('%s: boxes within 1e-6, classes and scores equal', async (picture) => {
    const { tensors } = await readNpz(await readFile(dataPath('tables', 'ssd_v1_raw_outputs.npz')));
    const real = (name: string, scale: number, zero: number): Tensor => {
      const stored = tensors.get(name);
      if (stored === undefined) throw new Error(`no ${name}`);
      return tensor(
        stored.shape,
        Array.from(stored.data, (q) => Math.fround(scale) * (q - zero)),
      );
    };
    const [name] = picture.split('.');
    const codes = real(`${name}_boxes`, 0.07902787625789642, 191);
    const { found } = postProcess(
      codes,
      real(`${name}_scores`, 1 / 256, 0),
      real('anchors', 0.006453060545027256, 0),
      options,
    );
    const golden: Golden | undefined = readJson('detection_golden.json').detection.find(
      (one: Golden) => one.model.startsWith('ssd_mobilenet_v1') && one.picture === picture,
    );
    const wanted = golden?.detections ?? [];
    expect(wanted.length).toBeGreaterThan(5);
    expect(found.map(({ classIndex, score }) => [classIndex, score])).toEqual(
      wanted.map((one) => [one.class, one.score]),
    );
    found.forEach(({ box }, i) => {
      box.forEach((corner, side) => {
        expect(Math.abs(corner - wanted[i].box[side])).toBeLessThan(1e-6);
      });
    });
  });
});

describe('refusals', () => {
  const options: PostProcessOptions = {
    max_detections: 3,
    max_classes_per_detection: 1,
    num_classes: 2,
    nms_score_threshold: 0,
    nms_iou_threshold: 0.5,
    y_scale: 10,
    x_scale: 10,
    h_scale: 5,
    w_scale: 5,
  };
  const one = (height: number, slots: number): (() => unknown) => {
    const anchors = tensor([1, 4], [0.5, 0.5, height, 1]);
    return () =>
      postProcess(tensor([1, 1, 4], [0, 0, 0, 0]), tensor([1, 1, slots], new Float32Array(slots)), anchors, options);
  };

  test('scores of a number of slots that fits no background', () => {
    expect(one(1, 5)).toThrow(
      'TFLite_Detection_PostProcess: num_classes 2 wants 2 or, with background, 3 scores a box, found 5',
    );
  });

  test('an anchor of negative height', () => {
    expect(one(-1, 3)).toThrow('TFLite_Detection_PostProcess: the box of anchor 0 ends before it begins: [1, 0, 0, 1]');
  });
});
