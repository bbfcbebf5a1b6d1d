/**
 * ONNX's own backend tests, all that concern the operators that are read: the reference executor's answers beside the recorded ones, or the
 * error that says what is not read.
 */
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { folds } from '../../../src/formats/onnx/folding.js';
import { operators } from '../../../src/formats/onnx/operators.js';
import { expectWithin } from '../../network/helpers.js';
import { backendTests, noBackendTests, runBackendTest } from './backend-tests.js';
import { notRounded, refused } from './refused.js';

/** Every operator of the model is known, and one of them becomes layers: models of constants alone are no networks. */
const concerned = backendTests().filter(
  ({ operators: found }) =>
    found.every((op) => Object.hasOwn(operators, op) || Object.hasOwn(folds, op)) &&
    found.some((op) => Object.hasOwn(operators, op)),
);

/** The recorded answers were computed in float32, in one order of summation or another. */
const ROUNDING = 2e-6;

const excepted = new Set([...refused.flatMap(({ tests }) => tests), ...notRounded]);

describe.skipIf(noBackendTests)('backend tests of ONNX (needs libonnx-testdata)', () => {
  test.each(concerned.filter(({ name }) => !excepted.has(name)))('$name', async (backendTest) => {
    const results = await runBackendTest(backendTest);
    expect(results.length).toBeGreaterThan(0);
    for (const { name, found, wanted } of results) {
      const largest = Array.from(wanted.data).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      expectWithin(name, found, wanted, () => ROUNDING * largest);
    }
  });

  test('every operator that becomes layers has one', () => {
    const tested = new Set(concerned.filter(({ name }) => !excepted.has(name)).flatMap((each) => each.operators));
    expect(
      Object.keys(operators)
        .filter((op) => !tested.has(op))
        .sort(),
    ).toEqual(WITHOUT);
  });

  test('no exception is left over', () => {
    const names = new Set(concerned.map(({ name }) => name));
    expect([...excepted].filter((name) => !names.has(name))).toEqual([]);
  });
});

/** Gelu, Swish and Microsoft's have none here, ReduceMax has tests of other axes than a picture's, those of quantisation have tests of whole numbers. */
const WITHOUT = [
  'DynamicQuantizeLinear',
  'Gelu',
  'QuantizeLinear',
  'ReduceMax',
  'Swish',
  'com.microsoft.FastGelu',
  'com.microsoft.Gelu',
  'com.microsoft.QuickGelu',
];

describe.skipIf(noBackendTests).each(refused)('refused: $reason (needs libonnx-testdata)', ({ message, tests }) => {
  test.each(tests)('%s', async (name) => {
    const backendTest = concerned.find((each) => each.name === name)!;
    const answer = await runBackendTest(backendTest).catch((error: unknown) => error);
    expect(answer).toBeInstanceOf(FormatError);
    expect((answer as FormatError).message).toMatch(message);
  });
});
