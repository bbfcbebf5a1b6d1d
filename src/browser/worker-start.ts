/**
 * Starts a worker from the package's own file, which the bundlers that know `new Worker(new URL(…))` find and carry along (Vite, webpack, Rollup's
 * plugin, Parcel). Where that file is not there to load (esbuild leaves it behind, a CDN is another origin), the same script starts from its text.
 */
import { WorkerError } from '../errors.js';
import { PROTOCOL, type Ready } from './worker-messages.js';

export interface StartOptions {
  /**
   * Address of the worker's script: a copy of `depthwise/browser/worker.js` that this site serves. Wanted where the bundler does not carry
   * the file along and the Content-Security-Policy forbids Blobs.
   */
  readonly url?: string | URL;
  /** How the browser's tools call the worker. */
  readonly name?: string;
  /** Milliseconds after which a worker that has not begun to run is given up; 20,000 unless stated. */
  readonly startTimeout?: number;
}

export interface Started {
  readonly worker: Worker;
  /** `file`: the package's own. `text`: a Blob of the same script. `url`: the address that was given. */
  readonly from: 'file' | 'text' | 'url';
  /** Why not from the file. */
  readonly reason?: string;
}

const START_TIMEOUT = 20_000;

export async function startWorker({ url, name = '', startTimeout = START_TIMEOUT }: StartOptions): Promise<Started> {
  const start = (make: () => Worker) => ready(make, startTimeout);
  if (url !== undefined) {
    try {
      // What is built for a page's workers may be a module (Vite's development server) or not; both start as modules.
      return { worker: await start(() => new Worker(url, { type: 'module', name })), from: 'url' };
    } catch (error) {
      throw new WorkerError(`worker: ${url} does not start: ${(error as Error).message}`, { cause: error });
    }
  }
  let reason: string;
  try {
    return { worker: await start(() => fromOwnFile(name)), from: 'file' };
  } catch (error) {
    reason = (error as Error).message;
  }
  try {
    const { WORKER_SCRIPT } = await import('./generated/worker-script.js');
    const address = URL.createObjectURL(new Blob([WORKER_SCRIPT], { type: 'text/javascript' }));
    try {
      return { worker: await start(() => new Worker(address, { name })), from: 'text', reason };
    } finally {
      URL.revokeObjectURL(address);
    }
  } catch (error) {
    throw new WorkerError(
      `worker: it starts neither from its file (${reason}) nor from its text (${(error as Error).message}); serve a copy of depthwise/browser/worker.js from this site and give its address: createWorker({ url })`,
      { cause: error },
    );
  }
}

/** Written out, as bundlers look for it. The path is right from dist/browser as well as from dist/chunks. */
function fromOwnFile(name: string): Worker {
  return new Worker(new URL('../browser/worker.js', import.meta.url), { type: 'module', name });
}

/** The worker, once its script runs. */
async function ready(make: () => Worker, timeout: number): Promise<Worker> {
  const done = new AbortController();
  const { signal } = done;
  let worker: Worker | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (message: string) => reject(new WorkerError(message));
      addEventListener(
        'securitypolicyviolation',
        ({ effectiveDirective, originalPolicy }) => {
          if (effectiveDirective === 'worker-src')
            fail(`the page's Content-Security-Policy forbids it: ${originalPolicy}`);
        },
        { signal },
      );
      worker = make();
      worker.addEventListener(
        'message',
        ({ data }: MessageEvent<Ready>) => {
          if (data?.depthwiseWorker === PROTOCOL) resolve();
          else fail(`it is no worker of this version of depthwise: copy the package's file again`);
        },
        { signal },
      );
      worker.addEventListener(
        'error',
        (event) => {
          event.preventDefault(); // it is reported by the promise
          // The event of a violation comes later in some browsers.
          setTimeout(() => fail(event.message || 'no script could be loaded from there'), 100);
        },
        { signal },
      );
      setTimeout(() => fail(`its script has not begun to run within ${timeout / 1000} s`), timeout);
    });
    return worker as unknown as Worker;
  } catch (error) {
    worker?.terminate();
    throw error;
  } finally {
    done.abort();
  }
}
