/**
 * `load`: from whatever holds a model to a `Model` that can be asked. What differs between a page and Node is a `Platform`; everything else, the
 * order of the phases included, is the same.
 */

import { isFallback, warnOfFallback } from '../engine/fallback.js';
import type { EngineReport } from '../engine/index.js';
import { PictureError, UsageError } from '../errors.js';
import type { ReadOptions } from '../formats/architecture.js';
import { found, tagOf } from '../found.js';
import { integersOf, sameIntegers } from '../network/integers-of.js';
import type { Network } from '../network/network.js';
import { presetFor, presetNames } from '../network/presets.js';
import { isQuantizedNetwork, type QuantizedNetwork } from '../network/quantized-network.js';
import { abortable } from '../remote/abort.js';
import type { FileStore } from '../remote/file-store.js';
import { parseIntegrity } from '../remote/integrity.js';
import { expectHash } from '../remote/remote-file.js';
import { withLabels } from '../tasks/labels.js';
import type { WebAbortSignal, WebBlob, WebRequest, WebResponse } from '../web-types.js';
import { absolute, filesAt, filesOf } from './addresses.js';
import { refuseIdle } from './idle.js';
import type { Pictures } from './inputs.js';
import { fromTasks } from './later-tasks.js';
import type { Loaded, ModelOptions } from './loaded-model.js';
import type { LoadOptions, LoadProgress, Model, ModelSource } from './model.js';
import { checkLoadOptions } from './options.js';
import { type Files, type Origin, originOf, type ReaderOf, type Report } from './origin.js';
import type { Platform } from './platform.js';
import { fromReaders } from './readers.js';

/** What `load` needs of what it makes. */
type Loadable = Pick<Model, 'dispose'> & { report(): EngineReport };

export type Load<Kind extends Loadable = Model> = (source: ModelSource, options?: LoadOptions) => Promise<Kind>;

/** Compiles a network that was read: in this thread, or elsewhere. */
export type MakeModel<Kind extends Loadable> = (
  loaded: Loaded,
  pictures: Pictures,
  options: ModelOptions,
  signal: WebAbortSignal | undefined,
) => Promise<Kind>;

/** `load` for a platform. */
export const loadWith =
  <Kind extends Loadable>(platform: Platform, make: MakeModel<Kind>): Load<Kind> =>
  async (source, options = {}) => {
    checkOptions(options);
    const { signal } = options;
    signal?.throwIfAborted();
    const report = rising(options.onProgress);
    const origin = stated(await abortable(originFor(source, options, platform), signal), options, platform);
    const network = adapted(await abortable(origin.read(report, signal), signal), options);
    report({ phase: 'compile', loaded: 0, total: 1 });
    const again = origin.repeatable ? () => origin.read(() => {}) : undefined;
    const pictures = {
      decode: platform.decode,
      read: (name: string, task: string) => readPicture(name, task, options, platform),
    };
    const task = options.tasks === undefined ? platform.task : fromTasks(options.tasks);
    const making = make({ network, task, ...(again && { again }) }, pictures, compileOptions(options), signal);
    making.then((model) => signal?.aborted && model.dispose()).catch(() => {});
    const model = await abortable(making, signal);
    try {
      tellFallback(model.report(), options);
      report({ phase: 'compile', loaded: 1, total: 1 });
    } catch (error) {
      model.dispose(); // the caller's own functions have thrown, and get no model
      throw error;
    }
    return model;
  };

/** Before anything is downloaded. */
function checkOptions(options: LoadOptions): void {
  checkLoadOptions(options);
  const { integrity, preprocessing } = options;
  if (integrity !== undefined) parseIntegrity(integrity);
  if (typeof preprocessing === 'string' && !presetNames.includes(preprocessing)) {
    throw new UsageError(
      `load: there is no preprocessing '${preprocessing}'; wanted one of ${presetNames.join(', ')}, or the rules themselves`,
    );
  }
}

function compileOptions(options: LoadOptions): ModelOptions {
  const { target = 'auto', module, reproducible, rounding, asRealNumbers, integers } = options;
  return {
    ...(integers && { integers }),
    ...(rounding && { rounding }),
    ...(asRealNumbers && { asRealNumbers }),
    ...(target !== 'auto' && { target }),
    ...(module !== undefined && { module }),
    ...(reproducible !== undefined && { reproducible }),
  };
}

/** Falling back to JavaScript, without being asked to, is never silent. */
function tellFallback(report: EngineReport, { target = 'auto', onFallback = warnOfFallback }: LoadOptions): void {
  if (isFallback(report.target) && ![target].flat().includes(report.target)) onFallback(report);
}

async function originFor(source: ModelSource, options: LoadOptions, platform: Platform): Promise<Origin> {
  const files = (of: Files): Origin => originOf(of, readOptions(options), readerOf(options, platform));
  const inMemory = (of: Files): Origin => {
    refuseIdle('bytes in memory', options);
    return files(withHash(of, options.integrity));
  };
  switch (tagOf(source)) {
    case 'String':
    case 'URL':
      return named(String(source), options, platform, files);
    case 'Request':
      if ((source as WebRequest).method !== 'GET') refuseIdle('a request that is no GET', options);
      return files(filesAt(source as WebRequest, await storeOf(options, platform), options));
    case 'Response':
      refuseIdle('a response', options);
      return files(filesOf(source as WebResponse, options));
    case 'Blob':
    case 'File':
      return inMemory(
        filesIn((source as { name?: string }).name ?? 'the blob', true, () => (source as WebBlob).arrayBuffer()),
      );
    case 'Uint8Array':
    case 'ArrayBuffer':
    case 'SharedArrayBuffer':
      return inMemory(filesIn('model file', false, async () => source as Uint8Array));
  }
  if (isNetwork(source)) {
    refuseIdle('a network', options);
    if (isQuantizedNetwork(source))
      throw new UsageError('load: wanted asRealNumbers(network), which keeps the integers, found a QuantizedNetwork');
    return { repeatable: false, read: async () => source };
  }
  const advice = tagOf(source) === 'Promise' ? '; await it' : '';
  throw new UsageError(`load: wanted ${WANTED}, found ${found(source)}${advice}`);
}

/** The origin's network as the caller asks for it: ending at `outputs`, at `resolution`. */
function stated({ read, repeatable }: Origin, options: LoadOptions, { asStated }: Platform): Origin {
  const asked = options.outputs !== undefined || options.resolution !== undefined;
  if (!asked) return { repeatable, read };
  return {
    repeatable,
    async read(...given) {
      const network = await read(...given);
      const found = await asStated(network, options, 'load');
      if (integersOf(network) === undefined || integersOf(found) !== undefined || options.asRealNumbers) return found;
      throw new UsageError(
        `load: resolution: ${network.name} has integers for the size of its file alone; asRealNumbers: true computes any size`,
      );
    },
  };
}

async function storeOf({ cache }: LoadOptions, platform: Platform): Promise<FileStore | undefined> {
  return cache ? platform.store(cache === true ? undefined : cache) : undefined;
}

const WANTED = "a model's address, Response, Blob, bytes or network";

const isNetwork = (source: unknown): source is Network | QuantizedNetwork =>
  typeof source === 'object' && source !== null && 'nodes' in source && 'weights' in source;

/** What a text names: a file, a published network, or an address. */
async function named(
  text: string,
  options: LoadOptions,
  platform: Platform,
  files: (of: Files) => Origin,
): Promise<Origin> {
  if (text === '') throw new UsageError(`load: the text is empty; wanted ${WANTED}`);
  const file = await platform.file?.(text);
  if (file !== undefined) {
    refuseIdle('a file', options);
    return files(withHash(file, options.integrity));
  }
  const published = await platform.published?.(text, options);
  if (published !== undefined) {
    refuseIdle('a published network', options);
    return published;
  }
  const address = absolute(text, platform.base?.());
  if (looksLikeName(text)) throw await platform.unknown(text);
  if (address === undefined) throw new UsageError(`load: '${text}': ${platform.missing}`);
  return files(filesAt(address, await storeOf(options, platform), options));
}

/** Whether it is a word without folders and without a file's ending, which the numbers in networks' names are not. */
const looksLikeName = (text: string): boolean => /^[\w. -]+$/.test(text) && !/\.[a-z]\w*$/i.test(text);

/** A model that is in memory, or in a file of the user's. */
function filesIn(name: string, repeatable: boolean, read: () => Promise<ArrayBuffer | Uint8Array>): Files {
  return {
    name,
    repeatable,
    downloaded: false,
    async main() {
      const bytes = await read();
      return tagOf(bytes) === 'Uint8Array' ? (bytes as Uint8Array) : new Uint8Array(bytes as ArrayBuffer);
    },
  };
}

function withHash(files: Files, integrity: string | undefined): Files {
  if (integrity === undefined) return files;
  const wanted = parseIntegrity(integrity);
  return {
    ...files,
    async main(onBytes, signal) {
      const bytes = await files.main(onBytes, signal);
      await expectHash(bytes, files.name, wanted);
      return bytes;
    },
  };
}

function readOptions({ architecture, resolution, outputs, fileName }: LoadOptions): ReadOptions {
  return {
    ...(architecture && { architecture }),
    ...(resolution && { resolution }),
    ...(outputs && { outputs }),
    ...(fileName !== undefined && { fileName }),
  };
}

const readerOf = ({ readers }: LoadOptions, platform: Platform): ReaderOf =>
  readers === undefined ? platform.readerOf : fromReaders(readers);

/** The network with the caller's labels and preprocessing in place of the file's. */
function adapted(network: Network, options: LoadOptions): Network {
  return sameIntegers(network, withConventions(network, options));
}

function withConventions(network: Network, { labels, preprocessing }: LoadOptions): Network {
  const labelled = labels === undefined ? network : relabelled(network, labels);
  if (preprocessing === undefined) return labelled;
  const rules = typeof preprocessing === 'string' ? presetFor(network, preprocessing) : preprocessing;
  return { ...labelled, conventions: { ...labelled.conventions, preprocessing: rules } };
}

/** No labels are none. */
function relabelled(network: Network, labels: readonly string[]): Network {
  if (labels.length > 0 && network.conventions.detection === undefined) return withLabels(network, labels);
  // `detect` knows which lists a detector's scores go with
  if (labels.length > 0) return { ...network, conventions: { ...network.conventions, labels } };
  const { labels: _, ...conventions } = network.conventions;
  return { ...network, conventions };
}

/** The file of a picture: a path, or an address. */
async function readPicture(name: string, task: string, options: LoadOptions, platform: Platform): Promise<Uint8Array> {
  if (name === '') throw new PictureError(`${task}: the text is empty; wanted a picture's address`);
  const { fetch } = options;
  const file = await platform.file?.(name);
  if (file !== undefined) {
    return file
      .main(() => {})
      .catch((cause) => {
        throw new PictureError(`${task}: ${cause.message}`, { cause });
      });
  }
  if (/^[#.][\w-]+$|^[a-z]+$/.test(name)) {
    throw new PictureError(
      `'${name}' is no picture's address; if it selects an element, give the element: document.querySelector('${name}')`,
    );
  }
  const address = absolute(name, platform.base?.());
  if (address === undefined) throw new PictureError(`${task}: '${name}': ${platform.missing}`);
  return filesAt(address, undefined, { ...(fetch && { fetch }) }).main(() => {});
}

/** Reports never fall within a phase, and a total that was passed is none. */
function rising(onProgress: ((progress: LoadProgress) => void) | undefined): Report {
  const most = new Map<string, number>();
  return ({ phase, loaded, total }) => {
    const shown = Math.max(loaded, most.get(phase) ?? 0);
    most.set(phase, shown);
    onProgress?.({ phase, loaded: shown, ...(total !== undefined && total >= shown && { total }) });
  };
}
