/** `depthwise/safetensors`: the least that a page needs to load a model: the engine, and the reader of .safetensors files; nothing is loaded later. */
import { safetensors } from './formats/readers/safetensors.js';
import { type Load, loadWith } from './load/load.js';
import { LoadedModel } from './load/loaded-model.js';
import { fromReaders } from './load/readers.js';
import { webPlatform } from './load/web.js';

export type { Reader } from './formats/reader.js';
export type * from './load/model.js';
export { safetensors };

/** `load` for .safetensors files; for others, and in place of that reader, `readers`. */
export const load: Load = (source, options) =>
  loadWith({ ...webPlatform, readerOf: fromReaders([safetensors]) }, LoadedModel.create)(source, options);
