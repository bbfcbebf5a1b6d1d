/**
 * A worker's calls, answered in the order in which they were made. One question is with the worker at a time; the others wait here, where an
 * abort can still take them out. When the worker dies, every call is rejected.
 */
import { WorkerError } from '../errors.js';
import type { WebAbortSignal } from '../web-types.js';
import { type Answer, type Cancellation, type Question, receivedError, type WorkerMethods } from './worker-messages.js';

type Method = keyof WorkerMethods;

/** A question's arguments on their way. */
export interface Cargo<Args = readonly unknown[]> {
  readonly args: Args;
  /** Moved to the worker in place of being copied. */
  readonly transfer?: readonly object[];
  /** Frees what was made for the question, when it is never sent. */
  readonly drop?: () => void;
}

interface Call {
  readonly id: number;
  readonly method: Method;
  readonly cargo: Promise<Cargo>;
  readonly signal: WebAbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Aborted when it is answered, which takes the listener off the signal. */
  readonly settled: AbortController;
}

export class WorkerCalls {
  readonly #worker: Worker;
  readonly #waiting: Call[] = [];
  /** With the worker, or about to be sent. */
  #running: Call | undefined;
  #nextId = 0;
  /** Why the worker answers no more. */
  #over: WorkerError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => this.#receive(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault(); // the calls report it
      this.end(new WorkerError(`worker: it failed: ${event.message || 'no reason was given'}; create another one`));
    });
    worker.addEventListener('messageerror', () => {
      this.end(new WorkerError('worker: one of its answers cannot be read; create another one'));
    });
  }

  /** The cargo may still be under way: the question keeps its place. */
  ask<Name extends Method>(
    method: Name,
    cargo: Cargo<Parameters<WorkerMethods[Name]>> | Promise<Cargo<Parameters<WorkerMethods[Name]>>>,
    signal?: WebAbortSignal,
  ): ReturnType<WorkerMethods[Name]> {
    return new Promise((resolve, reject) => {
      const settled = new AbortController();
      const call = { id: this.#nextId++, method, cargo: Promise.resolve(cargo), signal, resolve, reject, settled };
      call.cargo.catch(() => {}); // its turn reports it
      if (this.#over || signal?.aborted) {
        this.#drop(call, this.#over ?? signal?.reason);
        return;
      }
      signal?.addEventListener('abort', () => this.#abort(call), { signal: settled.signal });
      this.#waiting.push(call);
      this.#next();
    }) as ReturnType<WorkerMethods[Name]>;
  }

  /** Ends the worker; all calls, and all later ones, are rejected with the error. */
  end(error: WorkerError): void {
    if (this.#over) return;
    this.#over = error;
    this.#worker.terminate();
    if (this.#running) this.#settle(this.#running, (call) => call.reject(error));
    for (const call of this.#waiting.splice(0)) this.#drop(call, error);
  }

  #next(): void {
    if (this.#running || this.#over) return;
    this.#running = this.#waiting.shift();
    if (this.#running) void this.#send(this.#running);
  }

  async #send(call: Call): Promise<void> {
    try {
      const { args, transfer = [], drop } = await call.cargo;
      if (call.settled.signal.aborted) {
        drop?.();
        this.#done();
        return;
      }
      this.#worker.postMessage({ id: call.id, method: call.method, args } as Question, [...transfer]);
    } catch (error) {
      this.#settle(call, ({ reject }) => reject(error));
      this.#done();
    }
  }

  #receive(answer: Answer): void {
    const call = this.#running;
    if (call === undefined || answer.id !== call.id) return;
    this.#settle(call, ({ resolve, reject }) =>
      'error' in answer ? reject(receivedError(answer.error)) : resolve(answer.value),
    );
    this.#done();
  }

  #done(): void {
    this.#running = undefined;
    this.#next();
  }

  /** A call that waits is taken out; one that is with the worker is told to end, and its answer will be ignored. */
  #abort(call: Call): void {
    const reason = call.signal?.reason;
    const at = this.#waiting.indexOf(call);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      this.#drop(call, reason);
    } else {
      this.#worker.postMessage({ cancel: call.id } satisfies Cancellation);
      this.#settle(call, ({ reject }) => reject(reason));
    }
  }

  /** Rejects a call that was never sent. */
  #drop(call: Call, reason: unknown): void {
    this.#settle(call, ({ reject }) => reject(reason));
    call.cargo.then(({ drop }) => drop?.()).catch(() => {});
  }

  #settle(call: Call, how: (call: Call) => void): void {
    call.settled.abort();
    how(call);
  }
}
