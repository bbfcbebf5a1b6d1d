/** Ending work when its caller wants no more of it. */
import type { WebAbortSignal } from '../web-types.js';

/** The promise's result, or the signal's reason as soon as that is aborted; what the promise yields later is dropped. */
export function abortable<Result>(promise: Promise<Result>, signal: WebAbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
