/** `load` in pages, workers and service workers. */
import { UsageError } from '../errors.js';
import { tagOf } from '../found.js';
import { bitmapOf } from '../image/canvas.js';
import { fileStore } from '../remote/file-store.js';
import type { Decode } from './inputs.js';
import { fromTasks } from './later-tasks.js';
import type { Platform } from './platform.js';
import { fromReaders } from './readers.js';

const decode: Decode = (file) =>
  bitmapOf(tagOf(file) === 'Uint8Array' ? new Blob([file as Uint8Array<ArrayBuffer>]) : (file as Blob));

/** Without readers of its own and without the list of published networks: nothing here is loaded later. */
export const webPlatform: Platform = {
  readerOf: /* @__PURE__ */ fromReaders([]),
  task: /* @__PURE__ */ fromTasks({}),
  decode,
  async asStated(network, { outputs, resolution }) {
    const hasOutputs =
      !outputs ||
      (outputs.length === network.outputs.length && outputs.every((name) => network.outputs.includes(name)));
    const hasSize =
      !resolution || network.inputs.every(({ shape }) => shape[1] === resolution[0] && shape[2] === resolution[1]);
    if (hasOutputs && hasSize) return network; // its reader has seen to it
    const [option, call] = hasOutputs ? ['resolution', 'atResolution'] : ['outputs', 'upTo'];
    throw new UsageError(
      `load: ${option}: only load of 'depthwise' changes a network that was read; or give it a network, made by ${call} of 'depthwise/network'`,
    );
  },
  base: () => globalThis.document?.baseURI ?? globalThis.location?.href,
  store: fileStore,
  missing: 'this is no address, and there is no page that it could be relative to',
  async unknown(text) {
    return new UsageError(
      `load: '${text}' looks like a network's name, and only load of 'depthwise' knows those; of a file here, write './${text}'`,
    );
  },
};
