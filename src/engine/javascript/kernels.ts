/**
 * The kernels in JavaScript, for places that forbid WebAssembly. Names, operands and layouts are those of `assembly/`; the plan that calls them
 * is the same. Numbers are stored as float32 and summed in float64: JavaScript has no float32 arithmetic, and rounding after every
 * step takes three times as long.
 *
 * Operands are addresses in bytes, as in WebAssembly; kernels make indices of them. V8 takes all numbers of a list that holds Infinity for float64,
 * and computes indices in float64 too, which takes twice as long. Therefore each kernel with bounds hands integers (`| 0`, `word`) to the
 * function that sums, and the bounds through memory: V8 makes an object of every float64 that it passes to a function.
 */
import { NetworkError } from '../../errors.js';
import type { KernelSource } from '../heap.js';
import type { EngineKernels } from '../kernels.js';
import { depthwise } from './depthwise.js';
import { elementwise } from './elementwise.js';
import { layouts } from './layouts.js';
import { matrixProducts } from './matrix-products.js';
import { pools } from './pools.js';
import { viewsOf } from './views.js';

/** Beyond them, addresses would be negative. */
const MOST_BYTES = 2 ** 31;

/** For `compile`'s option `javascript`: a new memory, and the kernels that work on it. Throws a NetworkError if there is no such memory. */
export const javascriptKernels: KernelSource = (where, bytes) => {
  const buffer = memoryOf(where, Math.ceil(bytes / 8) * 8);
  return { kernels: kernelsIn(buffer), memory: { buffer, grow: refuseToGrow } };
};

function memoryOf(where: string, bytes: number): ArrayBuffer {
  try {
    if (bytes > MOST_BYTES) throw new RangeError(`addresses end at ${MOST_BYTES} bytes`);
    return new ArrayBuffer(bytes);
  } catch (error) {
    const size = `${Math.ceil(bytes / 2 ** 20)} MiB of memory`;
    throw new NetworkError(`${where}: it needs ${size}, which this machine refuses (${(error as Error).message})`);
  }
}

function refuseToGrow(): never {
  throw new RangeError('an ArrayBuffer does not grow');
}

/** The kernels that work on this memory. */
export function kernelsIn(buffer: ArrayBuffer): EngineKernels {
  const views = viewsOf(buffer);
  return { ...matrixProducts(views), ...depthwise(views), ...elementwise(views), ...pools(views), ...layouts(views) };
}
