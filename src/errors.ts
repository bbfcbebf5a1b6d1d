/**
 * The library's error types. A message names the function, layer or file, what was found and what was wanted, with every
 * shape involved; `code` is stable for programs, the text is for people.
 */

export type ErrorCode =
  | 'shape'
  | 'network'
  | 'format'
  | 'picture'
  | 'usage'
  | 'difference'
  | 'undecided'
  | 'download'
  | 'training'
  | 'camera'
  | 'worker';

/** Every error that the library throws. Programs outside tell them apart by `code`: the entries of the package offer this class alone. */
export class DepthwiseError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // By the code and not by the class, whose name a minifier changes: 'shape' is a ShapeError's.
    this.name = `${code[0].toUpperCase()}${code.slice(1)}Error`;
  }
}

/** Tensors or attributes that do not fit a layer. */
export class ShapeError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('shape', message, options);
  }
}

/** A network that contradicts itself: unknown names, missing or surplus weights, a wrong order. */
export class NetworkError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('network', message, options);
  }
}

/** Bytes of a model or tensor file that are truncated, contradictory, or beyond what is supported. */
export class FormatError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('format', message, options);
  }
}

/** A picture that cannot be decoded or does not suit the network's input. */
export class PictureError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('picture', message, options);
  }
}

/** A call, command or flag that does not say what is needed. */
export class UsageError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('usage', message, options);
  }
}

/** Another backend's tensors that are wrong: the answer of a comparison, as a failure. */
export class DifferenceError extends DepthwiseError {
  constructor(message: string) {
    super('difference', message);
  }
}

/** Another backend's tensors of which nothing can be said: the bounds exceed the numbers. */
export class UndecidedError extends DepthwiseError {
  constructor(message: string) {
    super('undecided', message);
  }
}

/** A file on the net that cannot be had: no connection, another answer than the file, or another file. */
export class DownloadError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('download', message, options);
  }
}

/** A training run that cannot go on. */
export class TrainingError extends DepthwiseError {
  constructor(message: string) {
    super('training', message);
  }
}

/**
 * Why there is no camera. `insecure`: the page is not served by https. `unsupported`: no such thing here. `denied`: the person, the browser or
 * the system said no. `policy`: the frame or the page's headers forbid it. `absent`: no camera. `busy`: another program has it, or it fails.
 * `constraint`: no camera like that. `disconnected`: gone while running. `silent`: open, but without a picture.
 */
export type CameraProblem =
  | 'insecure'
  | 'unsupported'
  | 'denied'
  | 'policy'
  | 'absent'
  | 'busy'
  | 'constraint'
  | 'disconnected'
  | 'silent';

/** A camera that cannot be used, or no longer. */
export class CameraError extends DepthwiseError {
  readonly reason: CameraProblem;

  constructor(reason: CameraProblem, message: string, options?: ErrorOptions) {
    super('camera', message, options);
    this.reason = reason;
  }
}

/** A worker that cannot be started, has died, or was ended. */
export class WorkerError extends DepthwiseError {
  constructor(message: string, options?: ErrorOptions) {
    super('worker', message, options);
  }
}
