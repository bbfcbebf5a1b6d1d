/**
 * One file from the net, whole or not at all. It is written beside its place (see `partial.ts`), checked, then renamed; what breaks off
 * is continued by the next call with a Range request (RFC 9110 §14.2), under If-Range, so that halves of two files never meet.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError } from '../errors.js';
import { Partial } from './partial.js';

export interface DownloadOptions {
  /** 64 hexadecimal digits; a file with another hash is deleted and an error. */
  readonly sha256?: string;
  /** Bytes so far, and of the whole file where the server says. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** Ends the download with the signal's reason; the next one continues it. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which the server counts as gone; 30,000 unless stated. */
  readonly patience?: number;
  /** In place of Node's. Redirects are followed one by one: it is asked not to follow them. */
  readonly fetch?: typeof globalThis.fetch;
}

const MOST_REDIRECTS = 5;
/** Breaks within one download, as long as each time some bytes have come. */
const MOST_BREAKS = 5;

/** Fetches `address` into the file `path`, whose folder is made. Throws a DownloadError that says what the server did. */
export async function download(address: string, path: string, options: DownloadOptions = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = await Partial.claim(path);
  try {
    await fill(partial, address, options);
    await expectHash(partial, address, options.sha256);
    await partial.finish();
  } catch (error) {
    await (error instanceof WrongFile ? partial.discard() : partial.release());
    throw error;
  }
}

/** What arrived is not the file, and nothing of it is worth keeping. */
class WrongFile extends DownloadError {
  override name = DownloadError.name;
}

async function fill(partial: Partial, address: string, options: DownloadOptions): Promise<void> {
  for (let breaks = 0; ; breaks++) {
    const before = await partial.size();
    try {
      await fetchRest(partial, address, options);
      return;
    } catch (error) {
      if (error instanceof DownloadError) throw error;
      options.signal?.throwIfAborted();
      const now = await partial.size();
      if (now <= before || breaks === MOST_BREAKS) {
        const resumable = now > 0 && (await partial.validatorFor(address)) !== undefined;
        const kept = resumable ? `; ${now} bytes are kept, and the next call continues there` : '';
        throw new DownloadError(`${address}: ${reason(error)}${kept}`, { cause: error });
      }
    }
  }
}

/** One request for what is missing. Ends when the file is complete; throws what `fetch` throws when the connection breaks. */
async function fetchRest(partial: Partial, address: string, options: DownloadOptions): Promise<void> {
  const validator = await partial.validatorFor(address);
  const have = validator === undefined ? 0 : await partial.size();
  const { patience = 30_000 } = options;
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(new Error(`nothing came for ${patience / 1000} s`)), patience);
  try {
    const signal = AbortSignal.any([gone.signal, ...(options.signal ? [options.signal] : [])]);
    const range = validator !== undefined && have > 0 ? { range: `bytes=${have}-`, 'if-range': validator } : {};
    const headers = { 'accept-encoding': 'identity', ...range };
    const response = await request(options.fetch ?? fetch, address, headers, signal);
    const place = placeOf(response, have, address);
    if (place === 'elsewhere') {
      await response.body?.cancel();
      await partial.forget();
      return await fetchRest(partial, address, options);
    }
    const { from, total } = place;
    const file = await partial.open(from, { address, validator: validatorOf(response) });
    let at = from;
    try {
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        if (at === 0) expectNoPage(chunk, address);
        await file.write(chunk, 0, chunk.length, at);
        at += chunk.length;
        options.onProgress?.(at, total);
      }
    } finally {
      await file.close();
    }
    if (total !== undefined && at < total) throw new Error(`the connection ended after ${at} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
    gone.abort(); // lets go of an answer that is not read
  }
}

/** The answer, redirects followed: few, and never from https to something weaker. */
async function request(
  get: typeof fetch,
  address: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  let at = new URL(address);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await get(at.href, { headers, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, at);
    if (next.protocol !== 'https:' && next.protocol !== at.protocol) {
      throw new DownloadError(`${address}: redirects to ${next}; wanted an https address`);
    }
    at = next;
  }
  throw new DownloadError(`${address}: more than ${MOST_REDIRECTS} redirects, the last to ${at}`);
}

interface Place {
  /** Position of the answer's first byte in the file. */
  readonly from: number;
  /** Bytes of the whole file, where the server says. */
  readonly total: number | undefined;
}

/** Where the answer's bytes belong. A server may answer a Range with the whole file; one that answers with another part did not get it. */
function placeOf({ status, statusText, headers }: Response, have: number, address: string): Place | 'elsewhere' {
  if (status === 200) {
    if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) throw page(address);
    const length = headers.get('content-length');
    return { from: 0, total: length === null ? undefined : Number(length) };
  }
  if (have > 0 && (status === 206 || status === 416)) {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
    return status === 206 && Number(from) === have ? { from: have, total: Number(total) } : 'elsewhere';
  }
  throw new DownloadError(`${address}: the server answered ${`${status} ${statusText}`.trimEnd()}`);
}

/** What If-Range may name: a strong ETag, or else a date. */
function validatorOf({ headers }: Response): string | undefined {
  const etag = headers.get('etag');
  if (etag?.startsWith('"')) return etag;
  return headers.get('last-modified') ?? undefined;
}

/** None of the files begins with '<'; error pages, whatever their type is said to be, do. */
function expectNoPage(start: Uint8Array, address: string): void {
  if (/^(\ufeff)?\s*</.test(new TextDecoder().decode(start.subarray(0, 64)))) throw page(address);
}

const page = (address: string): WrongFile =>
  new WrongFile(`${address}: the server answered with an HTML page, an error or a log-in perhaps; wanted the file`);

async function expectHash(partial: Partial, address: string, wanted: string | undefined): Promise<void> {
  if (wanted === undefined) return;
  const found = sha256(await readFile(partial.bytes));
  if (found !== wanted.toLowerCase()) {
    throw new WrongFile(`${address}: another file than expected, deleted: its SHA-256 is ${found}, wanted ${wanted}`);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** `fetch failed` says nothing; its cause does. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: why } = (cause ?? {}) as { code?: string; message?: string };
  return why || code || message;
}
