/** Detectors that are written as .tflite: LiteRT.js runs the operator behind them and finds what `detect` finds as in the file. */
import { expect, test } from 'vitest';
import { detections } from '../../src/detection/index.js';
import { writeNetwork } from '../../src/formats/index.js';
import { ssd } from '../../src/models/index.js';
import { randomWeights, run } from '../../src/network/index.js';
import { runLitert } from '../../src/oracle/peers/litert-runtime.js';
import { uniformRandom } from '../../src/random.js';
import { tensor } from '../../src/tensor.js';

test.each(['class-agnostic', 'per-class'] as const)('%s', async (kind) => {
  const made = randomWeights(ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 3, heads: 'pointwise' }), 4);
  const suppression = { kind, scoreThreshold: 0.4, iouThreshold: 0.4, maxPerClass: 3, maxResults: 6, classesPerBox: 1 };
  const conventions = { ...made.conventions, detection: { ...made.conventions.detection!, suppression } };
  const network = { ...made, conventions };
  const random = uniformRandom(6);
  const x = Float32Array.from({ length: 64 * 64 * 3 }, () => 2 * random() - 1);
  const [boxes, classes, scores, count] = await runLitert(await writeNetwork(network, 'tflite'), x);
  const seen = {
    picture: { width: 1, height: 1 },
    preprocessing: { crop: { kind: 'stretch' }, size: [64, 64] },
  } as const;
  const found = detections(network, run(network, tensor([1, 64, 64, 3], x)), seen, { nms: 'as-file' });
  expect(found.length).toBeGreaterThan(2);
  expect(Number(count.data[0])).toBe(found.length);
  found.forEach(({ classIndex, score, box }, i) => {
    expect(Number(classes.data[i])).toBe(classIndex);
    expect(Number(scores.data[i])).toBeCloseTo(score, 5);
    const corners = [box.y, box.x, box.y + box.height, box.x + box.width];
    for (let side = 0; side < 4; side++) expect(Number(boxes.data[i * 4 + side])).toBeCloseTo(corners[side], 4);
  });
});
