import { expect, test } from 'vitest';
import { overlay } from '../../src/segmentation/index.js';

const picture = { width: 2, height: 1, channels: 3 as const, data: Uint8Array.of(10, 20, 30, 100, 100, 100) };

test('mixes the colour of each label with the picture; the background stays', () => {
  const map = { width: 2, height: 1, labels: Uint8Array.of(0, 1) };
  expect([...overlay(picture, map).data]).toEqual([10, 20, 30, 114, 50, 50]);
  expect([
    ...overlay(picture, map, {
      opacity: 1,
      colours: [
        [0, 0, 0],
        [1, 2, 3],
      ],
    }).data,
  ]).toEqual([10, 20, 30, 1, 2, 3]);
  expect([...picture.data]).toEqual([10, 20, 30, 100, 100, 100]);
  expect([...overlay(picture, { ...map, labels: Uint8Array.of(255, 255) }).data]).toEqual([...picture.data]);
});

test('refuses a map of another size, and no opacity', () => {
  const map = { width: 1, height: 1, labels: Uint8Array.of(0) };
  expect(() => overlay(picture, map)).toThrow('overlay: the labels are of 1×1 pixels, the picture of 2×1');
  expect(() => overlay(picture, map, { opacity: 2 })).toThrow('overlay: opacity must be from 0 to 1, found 2');
});
