/** Data sets of pictures in memory. */
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import type { Picture } from '../../src/image/picture.js';
import { preprocessingPreset } from '../../src/network/index.js';
import { datasetOf } from '../../src/training/index.js';

const preprocessing = preprocessingPreset('tfjs', [2, 2]);

describe('datasetOf', () => {
  test('pictures of the right size keep their bytes, without transparency; grey ones get three channels', () => {
    const colour: Picture = { width: 2, height: 2, channels: 3, data: Uint8Array.from({ length: 12 }, (_, i) => i) };
    const grey: Picture = { width: 2, height: 2, channels: 1, data: Uint8Array.of(9, 8, 7, 6) };
    const data = datasetOf(
      [
        { picture: colour, label: 'colour' },
        { picture: grey, label: 'grey' },
        { picture: { ...colour, data: colour.data.slice().reverse() }, label: 'colour' },
      ],
      { preprocessing },
    );
    expect(data).toMatchObject({ name: 'pictures', classes: ['colour', 'grey'], height: 2, width: 2, channels: 3 });
    expect([...data.labels]).toEqual([0, 1, 0]);
    expect([...data.pictures]).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      ...[9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6, 6],
      ...[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ]);
  });

  test('of other sizes they are resized: one colour stays one colour', () => {
    const picture: Picture = { width: 7, height: 3, channels: 3, data: new Uint8Array(63).fill(77) };
    const data = datasetOf([{ picture, label: 'b' }], { preprocessing, classes: ['a', 'b'] });
    expect([...data.labels]).toEqual([1]);
    expect([...data.pictures]).toEqual(new Array(12).fill(77));
  });

  test('errors', () => {
    const picture: Picture = { width: 1, height: 1, channels: 1, data: Uint8Array.of(0) };
    expect(() => datasetOf([], { preprocessing, name: 'hands' })).toThrow(
      new UsageError('hands: found no pictures to learn from'),
    );
    expect(() => datasetOf([{ picture, label: 'c' }], { preprocessing, classes: ['a', 'b'] })).toThrow(
      new UsageError("pictures: picture 0 has the label 'c'; wanted one of a, b"),
    );
  });
});
