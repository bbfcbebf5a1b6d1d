/** One memory, seen as each type of number, and the places in it. */
export interface Views {
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
  /** Tables of offsets. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

export const viewsOf = (buffer: ArrayBuffer): Views => ({
  floats: new Float32Array(buffer),
  doubles: new Float64Array(buffer),
  words: new Int32Array(buffer),
  bytes: new Uint8Array(buffer),
});

/** An address in bytes as the index of a 4-byte word. A signed shift: V8 adds unsigned numbers in float64. */
export const word = (address: number): number => address >> 2;

/** Where a pixel of one channel lies in quads, from the first one on. */
export const quadIndex = (pixel: number, quadStride: number): number => (pixel >> 2) * word(quadStride) + (pixel & 3);

/** NaN stays NaN. */
export const clamp = (x: number, lo: number, hi: number): number => (x < lo ? lo : hi < x ? hi : x);
