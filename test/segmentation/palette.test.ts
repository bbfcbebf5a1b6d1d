import { expect, test } from 'vitest';
import { CITYSCAPES, vocColour, vocPalette } from '../../src/segmentation/palette.js';

test.each([
  [0, [0, 0, 0]],
  [1, [128, 0, 0]],
  [2, [0, 128, 0]],
  [15, [192, 128, 128]],
  [20, [0, 64, 128]],
  [255, [224, 224, 192]],
])("Pascal VOC's colour of label %i", (label, colour) => {
  expect(vocColour(label)).toEqual(colour);
});

test('256 colours, all different', () => {
  expect(new Set(vocPalette().map(String)).size).toBe(256);
});

test("Cityscapes' 19 classes, all different", () => {
  expect(CITYSCAPES).toHaveLength(19);
  expect(new Set(CITYSCAPES.map(({ colour }) => String(colour))).size).toBe(19);
});
