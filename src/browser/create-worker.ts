/**
 * Models that run in a worker, with the interface of those that run here. The page fetches and reads the model file, since its readers are loaded
 * when they are needed, and moves the network to the worker, which compiles and runs it. So the worker's script is small and imports nothing.
 */
import { UsageError, WorkerError } from '../errors.js';
import { tagOf } from '../found.js';
import { pagePlatform } from '../load/index.js';
import type { Pictures } from '../load/inputs.js';
import { loadWith } from '../load/load.js';
import type { Loaded, ModelOptions } from '../load/loaded-model.js';
import type { LoadOptions, ModelSource } from '../load/model.js';
import { checkOptions, type Kind } from '../load/options.js';
import { integersOf } from '../network/integers-of.js';
import type { Network } from '../network/network.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import { integerInput } from '../tasks/integer-input.js';
import type { WebAbortSignal } from '../web-types.js';
import { WorkerCalls } from './worker-calls.js';
import { buffersOf, type NetworkAgain, sentError } from './worker-messages.js';
import { ModelInWorker, type WorkerModel, type WorkerReport } from './worker-model.js';
import { INTEGER_WORKER, type Script, type Started, type StartOptions, startWorker, WORKER } from './worker-start.js';

export type CreateWorkerOptions = StartOptions;

export interface ModelWorker {
  /** As `load` of 'depthwise'. Rejected with a WorkerError where the worker does not start, has failed, or was disposed. */
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

/**
 * Starts a worker, for as many models as are loaded into it. They take turns. Quantised networks get a second worker, whose script has their kernels;
 * it starts with the first of them.
 */
export function createWorker(options: CreateWorkerOptions = {}): ModelWorker {
  if (typeof Worker === 'undefined') {
    throw new UsageError(
      'createWorker: there are no Workers here, it is for pages; in Node, call load() in a thread of node:worker_threads',
    );
  }
  checkOptions('createWorker', options, OPTIONS);
  return new PageOfWorker(options);
}

interface Running {
  readonly calls: WorkerCalls;
  readonly integers: boolean;
  readonly how: WorkerReport['worker'];
}

class PageOfWorker implements ModelWorker {
  readonly #options: StartOptions;
  readonly #running: Promise<Running>;
  /** For quantised networks, once there is one. */
  #runningIntegers: Promise<Running> | undefined;
  #models = 0;
  #disposed: WorkerError | undefined;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#running = this.#start(WORKER);
  }

  load(source: ModelSource, options?: LoadOptions): Promise<WorkerModel> {
    return loadWith(pagePlatform(), (loaded, pictures, compileOptions, signal) =>
      this.#send(source, loaded, pictures, compileOptions, signal),
    )(source, options);
  }

  dispose(): void {
    this.#disposed ??= new WorkerError('worker: it was disposed; create another one');
    const error = this.#disposed;
    for (const running of [this.#running, this.#runningIntegers]) {
      running?.then(({ calls }) => calls.end(error)).catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #start(script: Script): Promise<Running> {
    const running = startWorker(script, this.#options).then((found) => this.#watched(found));
    running.catch(() => {}); // `load` reports it
    return running;
  }

  async #watched({ worker, integers, ...how }: Started): Promise<Running> {
    const calls = new WorkerCalls(worker);
    if (this.#disposed) calls.end(this.#disposed);
    else await watch(calls);
    return { calls, integers, how };
  }

  /** The worker that computes a quantised network. */
  async #ofIntegers(network: string): Promise<Running> {
    const first = await this.#running;
    if (first.integers) return first;
    const { url } = this.#options;
    if (url !== undefined) {
      throw new WorkerError(
        `worker: ${url} computes real numbers alone, and ${network} has integers; serve a copy of ${INTEGER_WORKER.file} in its place, or load with asRealNumbers: true`,
      );
    }
    this.#runningIntegers ??= this.#start(INTEGER_WORKER);
    return this.#runningIntegers;
  }

  /** Sends a network to be compiled. */
  async #send(
    source: ModelSource,
    loaded: Loaded,
    pictures: Pictures,
    { integers: _, ...options }: ModelOptions,
    signal: WebAbortSignal | undefined,
  ): Promise<WorkerModel> {
    const { network, again } = loaded;
    const quantized = options.asRealNumbers ? undefined : integersOf(network);
    const { calls, how } = await (quantized ? this.#ofIntegers(network.name) : this.#running);
    const id = this.#models++;
    const port = again && !quantized ? answering(again) : undefined;
    const sent = quantized ? { ...network, weights: new Map() } : network;
    const cargo = {
      args: [id, sent, options, port, quantized] as const,
      transfer: [...mayMove(source, quantized ?? network), ...(port ? [port] : [])],
    };
    const report = await calls.ask('load', cargo as never, signal);
    const input = quantized && integerInput(quantized);
    return new ModelInWorker(calls, id, loaded, pictures, { ...report, worker: how }, input?.integersOf);
  }
}

/** The memory of a network that may leave the page: all but what the caller holds. */
function mayMove(source: ModelSource, { weights }: Network | QuantizedNetwork): ArrayBuffer[] {
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
