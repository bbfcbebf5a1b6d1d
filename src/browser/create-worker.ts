/**
 * Models that run in a worker, with the interface of those that run here. The page fetches and reads the model file, since its readers are loaded
 * when they are needed, and moves the network to the worker, which compiles and runs it. So the worker's script is small and imports nothing.
 */
import type { CompileOptions } from '../engine/index.js';
import { UsageError, WorkerError } from '../errors.js';
import { tagOf } from '../found.js';
import { pagePlatform } from '../load/index.js';
import type { Pictures } from '../load/inputs.js';
import { loadWith } from '../load/load.js';
import type { Loaded } from '../load/loaded-model.js';
import type { LoadOptions, ModelSource } from '../load/model.js';
import { checkOptions, type Kind } from '../load/options.js';
import type { Network } from '../network/network.js';
import type { WebAbortSignal } from '../web-types.js';
import { WorkerCalls } from './worker-calls.js';
import { buffersOf, type NetworkAgain, sentError } from './worker-messages.js';
import { ModelInWorker, type WorkerModel } from './worker-model.js';
import { type Started, type StartOptions, startWorker } from './worker-start.js';

export type CreateWorkerOptions = StartOptions;

export interface ModelWorker {
  /** As `load` of 'depthwise'; quantised files are computed with real numbers, as with `asRealNumbers: true` there. Rejected with a WorkerError where the worker does not start, has failed, or was disposed. */
  load(source: ModelSource, options?: LoadOptions): Promise<WorkerModel>;
  /** Ends the worker and its models: calls that wait and all later ones are rejected. May be called again. */
  dispose(): void;
  [Symbol.dispose](): void;
}

const OPTIONS: Readonly<Record<keyof CreateWorkerOptions, Kind>> = {
  url: ['the address of a script', (value) => typeof value === 'string' || tagOf(value) === 'URL'],
  name: ['a text', (value) => typeof value === 'string'],
  startTimeout: ['milliseconds above 0', (value) => typeof value === 'number' && value > 0],
};

/** Starts a worker, for as many models as are loaded into it. They take turns. */
export function createWorker(options: CreateWorkerOptions = {}): ModelWorker {
  if (typeof Worker === 'undefined') {
    throw new UsageError(
      'createWorker: there are no Workers here, it is for pages; in Node, call load() in a thread of node:worker_threads',
    );
  }
  checkOptions('createWorker', options, OPTIONS);
  return new PageOfWorker(startWorker(options));
}

interface Running extends Omit<Started, 'worker'> {
  readonly calls: WorkerCalls;
}

class PageOfWorker implements ModelWorker {
  readonly #running: Promise<Running>;
  #models = 0;
  #disposed: WorkerError | undefined;

  constructor(started: Promise<Started>) {
    this.#running = started.then((found) => this.#watched(found));
    this.#running.catch(() => {}); // `load` reports it
  }

  load(source: ModelSource, options?: LoadOptions): Promise<WorkerModel> {
    return loadWith(pagePlatform(), (loaded, pictures, compileOptions, signal) =>
      this.#send(loaded, pictures, compileOptions, mayMove(source, loaded.network), signal),
    )(source, options);
  }

  dispose(): void {
    this.#disposed ??= new WorkerError('worker: it was disposed; create another one');
    const error = this.#disposed;
    this.#running.then(({ calls }) => calls.end(error)).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #watched({ worker, ...how }: Started): Promise<Running> {
    const calls = new WorkerCalls(worker);
    if (this.#disposed) calls.end(this.#disposed);
    else await watch(calls);
    return { calls, ...how };
  }

  /** Sends a network to be compiled. */
  async #send(
    loaded: Loaded,
    pictures: Pictures,
    options: CompileOptions,
    transfer: readonly ArrayBuffer[],
    signal: WebAbortSignal | undefined,
  ): Promise<WorkerModel> {
    const { calls, ...how } = await this.#running;
    const id = this.#models++;
    const port = loaded.again && answering(loaded.again);
    const cargo = {
      args: [id, loaded.network, options, port] as const,
      transfer: [...transfer, ...(port ? [port] : [])],
    };
    const report = await calls.ask('load', cargo as never, signal);
    return new ModelInWorker(calls, id, loaded, pictures, { ...report, worker: how });
  }
}

/** The memory of a network that may leave the page: all but what the caller holds. */
function mayMove(source: ModelSource, { weights }: Network): ArrayBuffer[] {
  if (typeof source === 'object' && 'weights' in source) return [];
  const kept = ArrayBuffer.isView(source) ? source.buffer : source;
  return buffersOf(weights.values()).filter((buffer) => buffer !== kept);
}

/** A port through which the worker has a network read again. */
function answering(again: () => Promise<Network>): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = async () => {
    try {
      const network = await again();
      port1.postMessage({ network } satisfies NetworkAgain, buffersOf(network.weights.values()));
    } catch (error) {
      port1.postMessage({ error: sentError(error) } satisfies NetworkAgain);
    }
  };
  return port2;
}

/**
 * Learns of a worker's end that has no event, such as `close()` in it: a lock that it holds comes free. Pages that are not secure, and frames
 * without an origin, have no locks.
 */
async function watch(calls: WorkerCalls): Promise<void> {
  if (!globalThis.navigator?.locks) return;
  const lock = `depthwise worker ${crypto.randomUUID()}`;
  try {
    await calls.ask('hold', { args: [lock] });
  } catch {
    return; // refused, or the worker has ended, which the next call will say
  }
  navigator.locks
    .request(lock, () => calls.end(new WorkerError('worker: it has ended by itself; create another one')))
    .catch(() => {}); // a page that is being left
}
