/** A model of `load` where `import()` is possible: kernels for integers, and those in JavaScript, are fetched only where they are needed. */
import type { KernelSource } from '../engine/index.js';
import { integersOf } from '../network/integers-of.js';
import type { Pictures } from './inputs.js';
import { type Loaded, LoadedModel, type ModelOptions } from './loaded-model.js';

export async function createModel(loaded: Loaded, pictures: Pictures, options: ModelOptions): Promise<LoadedModel> {
  const given = { javascript, ...options };
  if (options.asRealNumbers || options.integers || !integersOf(loaded.network)) {
    return LoadedModel.create(loaded, pictures, given);
  }
  const { integerEngine } = await import('./integers.js');
  return LoadedModel.create(loaded, pictures, { ...given, integers: integerEngine });
}

const javascript: KernelSource = async (where, bytes) => {
  const { javascriptKernels } = await import('../engine/javascript/kernels.js');
  return javascriptKernels(where, bytes);
};
