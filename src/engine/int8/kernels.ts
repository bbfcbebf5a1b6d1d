/** The kernels on 8-bit integers as TypeScript sees them. Their meaning and layouts stand at the head of each file of `assembly/int8/`. */
import type { WasmTarget } from '../wasm-bytes.js';
import { INT8_KERNELS } from './generated/wasm.js';

export const INT8_KERNEL_NAMES = [
  'pointwise',
  'pointwiseBytes',
  'convolution',
  'depthwise',
  'dense',
  'add',
  'lookup',
  'pool',
  'sums',
  'averages',
  'means',
  'bytesToQuads',
  'quadsToByteQuads',
  'quadsToBytes',
  'bytesToPlanes',
  'bytesToPicture',
  'copyRuns',
  'repeatBytes',
  'zeroMargins',
] as const;

export type Int8KernelName = (typeof INT8_KERNEL_NAMES)[number];

/** All kernels take numbers (addresses, sizes, bounds) and return nothing. */
export interface Int8Kernels extends Readonly<Record<Int8KernelName, (...args: number[]) => void>> {
  /** How this machine multiplies bytes, see assembly/int8/pointwise-bytes.ts. */
  probe(): number;
}

export function int8Bytes(target: WasmTarget): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(INT8_KERNELS[target]), (character) => character.charCodeAt(0));
}
