/**
 * Starts a worker from the package's own file, which the bundlers that know `new Worker(new URL(…))` find and carry along (Vite, webpack, Rollup's
 * plugin, Parcel). Where that file is not there to load (esbuild leaves it behind, a CDN is another origin), the same script starts from its text.
 */
import { WorkerError } from '../errors.js';
import { PROTOCOL, type Ready } from './worker-messages.js';

export interface StartOptions {
  /**
   * Address of the worker's script: a copy of `depthwise/browser/worker.js`, or for quantised networks too, of `depthwise/browser/integer-worker.js`,
   * that this site serves. Wanted where the bundler does not carry the files along and the Content-Security-Policy forbids Blobs.
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
  /** Whether it computes quantised networks. */
  readonly integers: boolean;
}

/** The package's own script: its file, which bundlers find where the URL is written out, and its text. */
export interface Script {
  readonly fromFile: (name: string) => Worker;
  readonly text: () => Promise<string>;
  /** What to copy where neither works. */
  readonly file: string;
}

/** The paths are right from dist/browser as well as from dist/chunks. */
export const WORKER: Script = {
  fromFile: (name) => new Worker(new URL('../browser/worker.js', import.meta.url), { type: 'module', name }),
  text: async () => (await import('./generated/worker-script.js')).WORKER_SCRIPT,
  file: 'depthwise/browser/worker.js',
};

/** `WORKER` with the kernels of quantised networks. */
export const INTEGER_WORKER: Script = {
  fromFile: (name) => new Worker(new URL('../browser/integer-worker.js', import.meta.url), { type: 'module', name }),
  text: async () => (await import('./generated/integer-worker-script.js')).WORKER_SCRIPT,
  file: 'depthwise/browser/integer-worker.js',
};

const START_TIMEOUT = 20_000;

export async function startWorker(
  script: Script,
  { url, name = '', startTimeout = START_TIMEOUT }: StartOptions,
): Promise<Started> {
  const start = (make: () => Worker) => ready(make, startTimeout);
  if (url !== undefined) {
    try {
      // What is built for a page's workers may be a module (Vite's development server) or not; both start as modules.
      return { ...(await start(() => new Worker(url, { type: 'module', name }))), from: 'url' };
    } catch (error) {
      throw new WorkerError(`worker: ${url} does not start: ${(error as Error).message}`, { cause: error });
    }
  }
  let reason: string;
  try {
    return { ...(await start(() => script.fromFile(name))), from: 'file' };
  } catch (error) {
    reason = (error as Error).message;
  }
  try {
    const address = URL.createObjectURL(new Blob([await script.text()], { type: 'text/javascript' }));
    try {
      return { ...(await start(() => new Worker(address, { name }))), from: 'text', reason };
    } finally {
      URL.revokeObjectURL(address);
    }
  } catch (error) {
    throw new WorkerError(
      `worker: it starts neither from its file (${reason}) nor from its text (${(error as Error).message}); serve a copy of ${script.file} from this site and give its address: createWorker({ url })`,
      { cause: error },
    );
  }
}

/** The worker, once its script runs. */
async function ready(make: () => Worker, timeout: number): Promise<Pick<Started, 'worker' | 'integers'>> {
  const done = new AbortController();
  const { signal } = done;
  let worker: Worker | undefined;
  try {
    const { integers } = await new Promise<Ready>((resolve, reject) => {
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
          if (data?.depthwiseWorker === PROTOCOL) resolve(data);
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
    return { worker: worker as unknown as Worker, integers };
  } catch (error) {
    worker?.terminate();
    throw error;
  } finally {
    done.abort();
  }
}
