/**
 * The kernels' modules, which scripts/embed-wasm.mjs wrote down as text, in 86 digits. Digits 0 to 79 are bytes plus 3, modulo 256;
 * 80, 81 and 82 add 80, 160 and 240 to the number after them. After gzip this is 1.1 kB less than hexadecimal and 4.9 kB less than base64:
 * equal instructions remain equal text, and the frequent bytes are one character. The digits from 83 on are marks: SIMD and relaxed SIMD are one
 * text, in which each mark stands for three bytes that differ (assembly/marks.ts).
 */
import type { WasmTarget } from '../wasm/web-assembly.js';
import { DIGITS, MARKED, SCALAR, VECTOR } from './generated/wasm.js';

export function wasmBytes(target: WasmTarget): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let more = 0;
  for (const character of target === 'scalar' ? SCALAR : VECTOR) {
    const digit = DIGITS.indexOf(character);
    if (digit > 82) {
      bytes.push(...MARKED[target][digit - 83]);
    } else if (digit > 79) {
      more = (digit - 79) * 80;
    } else {
      bytes.push(more + digit - 3);
      more = 0;
    }
  }
  return Uint8Array.from(bytes);
}
