/** A small font for labels in pictures: 5 × 7 pixels a character, the same everywhere, since not every machine has fonts. */

/** Seven rows of five pixels, as a base-32 digit each: 'o' is 11000. */
const GLYPHS: Readonly<Record<string, string>> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vggsggv',
  F: 'vggsggg',
  G: 'ehgnhhe',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hpljhhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  0: 'ehjlphe',
  1: '4c4444e',
  2: 'eh1248v',
  3: 'eh161he',
  4: '26aiv22',
  5: 'vgu11he',
  6: 'egguhhe',
  7: 'v124888',
  8: 'ehhehhe',
  9: 'ehhf11e',
  ' ': '0000000',
  '.': '00000cc',
  ',': '00000c8',
  '-': '000e000',
  '%': 'op248j3',
  "'": '4480000',
  '(': '2488842',
  ')': '8422248',
  '/': '01248g0',
  ':': '0cc0cc0',
};

/** A hollow box, for characters that the font does not have. */
const UNKNOWN = 'vhhhhhv';

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

/** Whether the text's character has a pixel in that place. Letters are drawn as capitals. */
export function hasPixel(character: string, row: number, column: number): boolean {
  const glyph = GLYPHS[character.toUpperCase()] ?? UNKNOWN;
  return ((Number.parseInt(glyph[row], 32) >> (GLYPH_WIDTH - 1 - column)) & 1) === 1;
}
