/** One file from the net into memory. Whatever the server answers in its place is an error that says what it was. */
import { DownloadError } from '../errors.js';
import type { WebAbortSignal, WebFetch, WebRequest, WebResponse } from '../web-types.js';
import { abortable } from './abort.js';
import { withoutCredentials } from './credentials.js';

export interface FetchOptions {
  /** In place of the platform's. */
  readonly fetch?: WebFetch['fetch'] | undefined;
  /** Ends the download with the signal's reason. */
  readonly signal?: WebAbortSignal | undefined;
  /** Bytes so far, and of the whole file where the server says. */
  readonly onProgress?: ((loaded: number, total: number | undefined) => void) | undefined;
}

/** Most bytes of a file; of one whose length the server does not say, most that are read. */
const LARGEST = 2 ** 30;
const LARGEST_UNSTATED = 200_000_000;

/** A server that sends fewer bytes than this in a minute would take for ever. */
const FEWEST_A_MINUTE = 60_000;

/** The file at an address. A name and password in it are sent as a header. Throws a DownloadError that begins with the address. */
export async function fetchBytes(request: string | WebRequest, options: FetchOptions = {}): Promise<Uint8Array> {
  const { fetch: get = globalThis.fetch, signal } = options;
  signal?.throwIfAborted();
  const isText = typeof request === 'string';
  const { address, authorization } = withoutCredentials(isText ? request : request.url);
  const headers = authorization && { headers: { authorization } };
  const answer = get((isText ? address : request) as string, { ...headers, ...(signal && { signal }) });
  const response = await abortable(answer, signal).catch((cause) => {
    signal?.throwIfAborted();
    throw new DownloadError(`${address}: ${unreachable(cause)}`, { cause });
  });
  return responseBytes(response, options, address);
}

/** `fetch failed` says nothing; its cause does, in Node. Browsers do not tell a page more than "Failed to fetch". */
function unreachable(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: why } = (cause ?? {}) as { code?: string; message?: string };
  if (why || code) return why || String(code);
  return `could not be fetched (${message}): there is no connection, or the server does not allow this page to read it (CORS)`;
}

/** The body of a response. Throws a DownloadError for an error's status and for a page of HTML. */
export async function responseBytes(
  answer: WebResponse,
  { signal, onProgress }: FetchOptions = {},
  address = answer.url || 'the response',
): Promise<Uint8Array> {
  const response = answer as Response;
  if (!response.ok) throw new DownloadError(`${address}: ${await abortable(refusal(response), signal)}`);
  if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
    throw new DownloadError(`${address}: the server answered with an HTML page; check the address`);
  }
  if (response.bodyUsed) throw new DownloadError(`${address}: the response has been read already; fetch it again`);
  if (response.body === null) return new Uint8Array(0);
  const total = statedLength(response.headers);
  // Of a packed answer the stated length may be less than what is read, and a page may not be told that it is packed.
  const limit = Math.max(total ?? 0, LARGEST_UNSTATED);
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  let minuteBefore = 0;
  let isTooSlow = false;
  const pace = setInterval(() => {
    isTooSlow = loaded - minuteBefore < FEWEST_A_MINUTE;
    minuteBefore = loaded;
    if (isTooSlow) reader.cancel().catch(() => {}); // which ends it
  }, 60_000);
  let isTelling = false;
  try {
    for (;;) {
      const { done, value } = await abortable(reader.read(), signal);
      if (isTooSlow) throw new Error(`fewer than ${FEWEST_A_MINUTE} bytes came in a minute`);
      if (done) break;
      chunks.push(value);
      loaded += value.length;
      if (loaded > limit || limit > LARGEST) throw new Error('too long');
      isTelling = true;
      onProgress?.(loaded, total === undefined || loaded > total ? undefined : total);
      isTelling = false;
    }
  } catch (cause) {
    reader.cancel(cause).catch(() => {});
    if (isTelling) throw cause; // the caller's own
    signal?.throwIfAborted();
    if (loaded > limit || limit > LARGEST) {
      throw new DownloadError(`${address}: has more than the ${Math.min(limit, LARGEST)} bytes that are read`);
    }
    throw new DownloadError(`${address}: the connection broke after ${loaded} bytes (${(cause as Error).message})`, {
      cause,
    });
  } finally {
    clearInterval(pace);
  }
  return joined(chunks, loaded);
}

/** Of a compressed answer, the length is that of what is sent, not of the file. */
function statedLength(headers: Headers): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}

/** '404 Not Found: "no such model"', of the text that came with it as much as fits a line. */
async function refusal(response: Response): Promise<string> {
  const { status, statusText, headers } = response;
  const answer = `the server answered ${`${status} ${statusText}`.trimEnd()}`;
  const type = headers.get('content-type') ?? 'text/plain';
  if (/html/i.test(type)) return `${answer} with an HTML page`;
  if (!/^text|json/i.test(type) || response.bodyUsed) return answer;
  const text = (await response.text().catch(() => '')).replace(/\s+/g, ' ').trim();
  return text === '' ? answer : `${answer}: "${text.length > 200 ? `${text.slice(0, 200)}…` : text}"`;
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
