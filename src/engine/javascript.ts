/** The engine's kernels in JavaScript, which `compile` takes as its option `javascript`, for places that forbid WebAssembly. */
export type { KernelSource } from './heap.js';
export { javascriptKernels } from './javascript/kernels.js';
