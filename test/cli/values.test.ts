import { describe, expect, test } from 'vitest';
import { positiveNumber, resolution, seedNumber, wholeNumber } from '../../src/cli/values.js';

describe('positiveNumber', () => {
  test.each([
    ['1', 1],
    ['0.25', 0.25],
    ['.5', 0.5],
    ['1e1', 10],
  ])('%s', (text, value) => expect(positiveNumber(text)).toBe(value));
  test.each(['0', '-1', 'one', '', ' ', 'NaN', 'Infinity', '1,5', '0.5x'])('refuses %j', (text) =>
    expect(() => positiveNumber(text)).toThrow('Wanted a number above 0.'),
  );
});

describe('wholeNumber', () => {
  test('5', () => expect(wholeNumber(1)('5')).toBe(5));
  test.each(['0', '-1', '1.5', '1e3', '0x10', '', '99999999999999999999'])('refuses %j', (text) =>
    expect(() => wholeNumber(1)(text)).toThrow('Wanted a whole number of 1 or more.'),
  );
});

describe('seedNumber', () => {
  test('4294967295', () => expect(seedNumber('4294967295')).toBe(2 ** 32 - 1));
  test('refuses 4294967296', () =>
    expect(() => seedNumber('4294967296')).toThrow('Wanted a whole number from 0 to 4294967295.'));
});

describe('resolution', () => {
  test.each([
    ['224', [224, 224]],
    ['240x320', [240, 320]],
  ])('%s is height and width', (text, pair) => expect(resolution(text)).toEqual(pair));
  test.each(['0', '0x5', '224x', 'x224', '224x224x3', '-224', '22.4', '', '99999x99999'])('refuses %j', (text) =>
    expect(() => resolution(text)).toThrow(
      'Wanted a side in pixels, 224, or height x width, 240x320; 16384x16384 at most.',
    ),
  );
});
