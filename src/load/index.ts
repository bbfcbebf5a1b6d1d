/** `load` for a page, a worker or a service worker; readers are loaded with the first file of their format. */
import { readerOf } from '../formats/read.js';
import { type Load, loadWith } from './load.js';
import { LoadedModel } from './loadedModel.js';
import { webPlatform } from './web.js';

export const load: Load = (source, options) =>
  loadWith({ ...webPlatform, readerOf }, LoadedModel.create)(source, options);
