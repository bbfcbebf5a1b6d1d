/**
 * What a page and its worker say to each other. A question has a number, and one answer has the same. All of it is plain data, as the structured
 * clone wants: networks and tensors are; errors are made so and come back as the classes they were.
 */

import {
  DepthwiseError,
  DifferenceError,
  DownloadError,
  type ErrorCode,
  FormatError,
  NetworkError,
  PictureError,
  ShapeError,
  TrainingError,
  UndecidedError,
  UsageError,
  WorkerError,
} from '../errors.js';
import type { ModelOptions } from '../load/loaded-model.js';
import type { ModelReport } from '../load/model.js';
import type { Task } from '../load/options.js';
import type { Network } from '../network/index.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';

/** Raised when a page and a worker's script of another version would misunderstand each other. */
export const PROTOCOL = 3;

/** The first message of a worker: its script runs. */
export interface Ready {
  readonly depthwiseWorker: number;
  /** Whether it computes quantised networks. */
  readonly integers: boolean;
}

/** What a worker can be asked to do. Models are numbered by the page. */
export interface WorkerMethods {
  /** Holds a lock as long as the worker lives. */
  hold(lock: string): Promise<void>;
  /** Compiles a network. Where the page can read it again, the port asks it to. Of a quantised one come the integers, and no other weights. */
  load(
    model: number,
    network: Network,
    options: ModelOptions,
    again: MessagePort | undefined,
    integers: QuantizedNetwork | undefined,
  ): Promise<ModelReport>;
  run(model: number, task: Task, ...args: readonly unknown[]): Promise<unknown>;
  dispose(model: number): Promise<void>;
}

export type Question = {
  [Method in keyof WorkerMethods]: {
    readonly id: number;
    readonly method: Method;
    readonly args: Parameters<WorkerMethods[Method]>;
  };
}[keyof WorkerMethods];

/** Ends a question that is being answered, if it can still be ended. */
export interface Cancellation {
  readonly cancel: number;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError };

/** A port's answer to `again`. */
export type NetworkAgain = { readonly network: Network } | { readonly error: SentError };

/** An error as data. */
export type SentError =
  | { readonly code: ErrorCode; readonly message: string; readonly stack?: string }
  | { readonly other: unknown };

/** The class of each code; a camera is never in a worker. */
const CLASSES: Record<Exclude<ErrorCode, 'camera'>, new (message: string) => DepthwiseError> = {
  shape: ShapeError,
  network: NetworkError,
  format: FormatError,
  picture: PictureError,
  usage: UsageError,
  difference: DifferenceError,
  undecided: UndecidedError,
  download: DownloadError,
  training: TrainingError,
  worker: WorkerError,
};

export function sentError(error: unknown): SentError {
  if (error instanceof DepthwiseError) {
    return { code: error.code, message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
  }
  // JavaScript's own errors and DOMException are cloned as what they are. Other values may hold what cannot be cloned.
  return { other: error instanceof Error ? error : String(error) };
}

export function receivedError(sent: SentError): unknown {
  if ('other' in sent) return sent.other;
  const error =
    sent.code === 'camera' ? new DepthwiseError(sent.code, sent.message) : new CLASSES[sent.code](sent.message);
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}

/** The memory behind tensors, each piece once: what is moved in place of being copied. */
export function buffersOf(tensors: Iterable<{ readonly data: ArrayBufferView }>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  return [...buffers];
}
