/**
 * The kernels' modules, which scripts/embed-wasm.mjs wrote down as text: a digit for each of the characters from # on, \ left out. Digits 0 to 79
 * are bytes; 80, 81 and 82 add 80, 160 and 240 to the byte after them. Gzip makes 6.1 kB of all three, 6.7 of hexadecimal and 9.9 of base64,
 * since equal instructions remain equal text, and the frequent ones, which are below 80, one character.
 */
import { RELAXED, SCALAR, SIMD } from './generated/wasm.js';

const TEXTS = { relaxed: RELAXED, simd: SIMD, scalar: SCALAR };

export type WasmTarget = keyof typeof TEXTS;

const DIGITS_OF_BYTES = 80;
const FIRST = 35;
const LEFT_OUT = 92;

export function wasmBytes(target: WasmTarget): Uint8Array<ArrayBuffer> {
  const text = TEXTS[target];
  const bytes: number[] = [];
  let more = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = code - FIRST - (code > LEFT_OUT ? 1 : 0);
    if (digit < DIGITS_OF_BYTES) {
      bytes.push(more + digit);
      more = 0;
    } else more = (digit - DIGITS_OF_BYTES + 1) * DIGITS_OF_BYTES;
  }
  return Uint8Array.from(bytes);
}
