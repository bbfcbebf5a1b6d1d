/**
 * Types of the web's platform that our declarations name, as far as we use them. By shape, so that the declarations compile in projects without lib DOM
 * and in those with lib WebWorker alone; the platform's own objects have these shapes.
 */

export interface WebAbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: object): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface WebBlob {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface WebUrl {
  readonly href: string;
}

export interface WebRequest {
  readonly url: string;
  readonly method: string;
}

export interface WebResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A function as `fetch`; declared as a method, so that the platform's own, with its narrower types, is one. */
export interface WebFetch {
  fetch(address: string, init?: object): Promise<WebResponse>;
}
