/** TFLite_Detection_PostProcess: the published cases of the kernel, and what the SSD V1 file answers in TensorFlow Lite. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { decodeBoxes } from '../../src/detection/boxes.js';
import { suppress } from '../../src/detection/suppression.js';
import { readNpz } from '../../src/formats/tensors/npz.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';

/** The operator's options, by the names they have in a file. */
interface PostProcessOptions {
  readonly max_detections: number;
  readonly max_classes_per_detection: number;
  /** Without background. */
  readonly num_classes: number;
  readonly nms_score_threshold: number;
  readonly nms_iou_threshold: number;
  readonly y_scale: number;
  readonly x_scale: number;
  readonly h_scale: number;
  readonly w_scale: number;
  readonly detections_per_class?: number;
  readonly use_regular_nms?: boolean;
}

/**
 * What the operator answers, by the functions that `detections` calls. Fast suppression gives each box once for each of its classes: `count` is the
 * number of boxes.
 */
function postProcess(codes: Tensor, scores: Tensor, anchors: Tensor, options: PostProcessOptions) {
  const { y_scale, x_scale, h_scale, w_scale, max_detections, detections_per_class = 100, use_regular_nms } = options;
  const boxes = decodeBoxes(codes, anchors, [y_scale, x_scale, h_scale, w_scale]);
  const found = suppress(boxes, scores, scores.shape.at(-1) === options.num_classes + 1 ? 'slot 0' : 'none', {
    kind: use_regular_nms ? 'per-class' : 'class-agnostic',
    scoreThreshold: options.nms_score_threshold,
    atThreshold: 'kept',
    iouThreshold: options.nms_iou_threshold,
    maxPerClass: Math.min(detections_per_class, max_detections),
    maxResults: max_detections,
    classesPerBox: options.max_classes_per_detection,
    clip: false,
  });
  return { found, count: use_regular_nms ? found.length : new Set(found.map(({ anchor }) => anchor)).size };
}

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
