/** A training with `target: 'reference'` is made by the layers in TypeScript alone: WebAssembly is not even looked at. */
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { randomWeights } from '../../src/network/index.js';
import { foldBatchNorm } from '../../src/network/rewriting/fold-batch-norm.js';
import { WHOLE } from '../../src/training/data/dataset.js';
import { train, trainClassifier } from '../../src/training/index.js';
import { withTeachers } from '../../src/training/transfer/distillation.js';
import { unfolded } from '../../src/training/transfer/unfold.js';
import { shapes, shapesData, tinyNetwork } from './tiny.js';

let touched: PropertyKey[] = [];
const watched = new Proxy(WebAssembly, {
  get(target, member) {
    touched.push(member);
    return Reflect.get(target, member);
  },
});
vi.stubGlobal('WebAssembly', watched);
beforeEach(() => {
  touched = [];
});
afterAll(() => {
  vi.unstubAllGlobals();
});

const target = 'reference';
const recipe = { target, epochs: 1, batch: 16 } as const;
const data = shapes();
const network = randomWeights(tinyNetwork(data.train, 0.1), 1);

test('training and its tests', async () => {
  await train(network, data, recipe);
  expect(touched).toEqual([]);
});

test("the teachers' answers", async () => {
  await withTeachers(shapesData(7, 1), [network], { labelSmoothing: 0, target });
  expect(touched).toEqual([]);
});

test('batch norms that come back', async () => {
  const folded = foldBatchNorm(network);
  await unfolded(folded, network, data.train, target);
  expect(touched).toEqual([]);
});

test('features and a classifier on them', async () => {
  const whole = { train: { ...data.train, sizing: WHOLE }, test: { ...data.test, sizing: WHOLE } };
  await trainClassifier(network, whole, { target });
  expect(touched).toEqual([]);
});

test('with the default target the same training does use WebAssembly', async () => {
  await train(network, data, { ...recipe, target: 'simd' });
  expect(touched).toContain('Module');
});
