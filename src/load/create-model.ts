/** A model whose plans run on the kernels in JavaScript where WebAssembly is forbidden; they are fetched only then. */
import type { CompileOptions, KernelSource } from '../engine/index.js';
import type { Pictures } from './inputs.js';
import { type Loaded, LoadedModel } from './loaded-model.js';

export const createModel = (loaded: Loaded, pictures: Pictures, options: CompileOptions): Promise<LoadedModel> =>
  LoadedModel.create(loaded, pictures, { javascript, ...options });

const javascript: KernelSource = async (where, bytes) => {
  const { javascriptKernels } = await import('../engine/javascript-kernels.js');
  return javascriptKernels(where, bytes);
};
