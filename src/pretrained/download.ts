/**
 * One file from the net, whole or not at all. It is written beside its place (see `partial.ts`), checked, then renamed; what breaks off
 * is continued by the next call with a Range request (RFC 9110 §14.2), under If-Range. An answer that does not prove that it is of the same
 * file, by its validator and its total, makes the download begin anew, so that halves of two files never meet.
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError, UsageError } from '../errors.js';
import { makeFolder } from '../files/make-folder.js';
import { LARGEST_FILE } from '../files/read-whole.js';
import { type PlainAddress, withoutCredentials } from '../remote/credentials.js';
import { systemReason } from '../system-error.js';
import type { WebFetch } from '../web-types.js';
import { type Origin, Partial } from './partial.js';

export interface DownloadOptions {
  /** 64 hexadecimal digits; a file with another hash is deleted and an error. */
  readonly sha256?: string;
  /** Bytes so far, and of the whole file where the server says. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** Ends the download with the signal's reason; the next one continues it. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds without a byte after which the server counts as gone; 30,000 unless stated. It counts as gone too when fewer than 1,000 bytes
   * a second have come for twice as long.
   */
  readonly patience?: number;
  /** Most bytes of a file whose length the server does not say; 200,000,000 unless stated. Others may have 2³⁰. */
  readonly maxBytes?: number;
  /** In place of Node's. Redirects are followed one by one: it is asked not to follow them. */
  readonly fetch?: WebFetch['fetch'];
}

const MOST_REDIRECTS = 5;
/** Breaks within one download, as long as each time some bytes have come. */
const MOST_BREAKS = 5;
const MOST_BYTES_UNSTATED = 200_000_000;
/** Bytes a second. */
const SLOWEST = 1000;

/**
 * Fetches `address` into the file `path`, whose folder is made. A name and password in the address are sent to its host alone, and stand in no
 * error. Throws a DownloadError that says what the server or the disk did, and a UsageError for a folder that takes no files.
 */
export async function download(address: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const partial = await claim(path);
  const source = withoutCredentials(address);
  try {
    await fill(partial, source, options);
    await expectHash(partial, source.address, options.sha256);
    await partial.finish();
  } catch (error) {
    const found = isOfDisk(error) ? new WrongFile(`${path}: ${systemReason(error)}`, { cause: error }) : error;
    await (found instanceof WrongFile ? partial.discard() : partial.release());
    throw found;
  }
}

async function claim(path: string): Promise<Partial> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new UsageError(`${path}: is a folder, and stands where the download is kept; rename or delete it`);
  }
  try {
    await makeFolder(dirname(path));
    return await Partial.claim(path);
  } catch (cause) {
    const why = systemReason(cause);
    throw new UsageError(
      `${dirname(path)}: downloads cannot be kept there: ${why}; DEPTHWISE_CACHE names another folder`,
      {
        cause,
      },
    );
  }
}

/** Whether the file system said no: of its errors alone Node states the call. */
function isOfDisk(error: unknown): boolean {
  const { syscall, path, code } = error as NodeJS.ErrnoException;
  return code !== undefined && (path !== undefined || syscall === 'write');
}

/** What arrived is not the file, or cannot be kept, and nothing of it is worth keeping. */
class WrongFile extends DownloadError {
  override name = DownloadError.name;
}

/** It is whole, and another than was wanted. */
export class WrongHash extends WrongFile {}

async function fill(partial: Partial, source: PlainAddress, given: DownloadOptions): Promise<void> {
  const { address } = source;
  let isTelling = false;
  const options: DownloadOptions = {
    ...given,
    onProgress(done, total) {
      isTelling = true;
      given.onProgress?.(done, total);
      isTelling = false;
    },
  };
  for (let breaks = 0; ; breaks++) {
    const before = await partial.size();
    try {
      await fetchRest(partial, source, options);
      return;
    } catch (error) {
      if (isTelling || error instanceof DownloadError || isOfDisk(error)) throw error; // isTelling: the caller's own
      options.signal?.throwIfAborted();
      const now = await partial.size();
      if (now <= before || breaks === MOST_BREAKS || error instanceof TooSlow) {
        const resumable = now > 0 && (await partial.originAt(address)) !== undefined;
        const kept = resumable ? `; ${now} bytes are kept, and the next call continues there` : '';
        throw new DownloadError(`${address}: ${reason(error)}${kept}`, { cause: error });
      }
    }
  }
}

/** A server that sends, but would take for ever. It is not asked again at once. */
class TooSlow extends Error {}

/** One request for what is missing. Ends when the file is complete; throws what `fetch` throws when the connection breaks. */
async function fetchRest(partial: Partial, source: PlainAddress, options: DownloadOptions): Promise<void> {
  const { address } = source;
  const origin = await partial.originAt(address);
  const have = origin === undefined ? 0 : await partial.size();
  const { patience = 30_000, maxBytes = MOST_BYTES_UNSTATED } = options;
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(new Error(`nothing came for ${patience / 1000} s`)), patience);
  let came = 0;
  const seconds = (2 * patience) / 1000;
  const pace = setInterval(() => {
    if (came < SLOWEST * seconds) gone.abort(new TooSlow(`only ${came} bytes came in ${seconds} s`));
    came = 0;
  }, 2 * patience);
  try {
    const signal = AbortSignal.any([gone.signal, ...(options.signal ? [options.signal] : [])]);
    const range = origin !== undefined && have > 0 ? { range: `bytes=${have}-`, 'if-range': origin.validator } : {};
    const headers = { 'accept-encoding': 'identity', ...range };
    const response = await request((options.fetch ?? fetch) as typeof fetch, source, headers, signal);
    const place = placeOf(response, have, address, origin);
    if (place === 'elsewhere') {
      await response.body?.cancel();
      await partial.forget();
      return await fetchRest(partial, source, options);
    }
    const { from, total } = place;
    const limit = total ?? maxBytes;
    if (limit > LARGEST_FILE)
      throw new WrongFile(`${address}: has ${limit} bytes, more than the ${LARGEST_FILE} allowed`);
    const file = await partial.open(from, { address, validator: validatorOf(response), total });
    let at = from;
    try {
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        came += chunk.length;
        if (at === 0) expectNoPage(chunk, address);
        if (at + chunk.length > limit) throw surplus(address, limit, total !== undefined);
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
    clearInterval(pace);
    gone.abort(); // lets go of an answer that is not read
  }
}

const surplus = (address: string, limit: number, stated: boolean): WrongFile =>
  new WrongFile(
    stated
      ? `${address}: the server sent more than the ${limit} bytes that it had announced`
      : `${address}: the server sent more than ${limit} bytes without saying how many there are`,
  );

/** The answer, redirects followed: few, and never from https to something weaker. */
async function request(
  get: typeof fetch,
  { address, authorization }: PlainAddress,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const first = new URL(address);
  let at = first;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const own = authorization !== undefined && at.origin === first.origin ? { authorization } : {};
    const response = await get(at.href, { headers: { ...headers, ...own }, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = new URL(withoutCredentials(new URL(location, at).href).address);
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
function placeOf(response: Response, have: number, address: string, origin: Origin | undefined): Place | 'elsewhere' {
  const { status, statusText, headers } = response;
  if (status === 200) {
    if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) throw page(address);
    const length = isPacked(headers) ? null : headers.get('content-length');
    return { from: 0, total: length === null ? undefined : Number(length) };
  }
  if (have > 0 && (status === 206 || status === 416)) {
    const [, ...numbers] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
    const [from, last, total] = numbers.map(Number);
    const isRest = status === 206 && from === have && last === total - 1 && !isPacked(headers);
    const isSame = validatorOf(response) === origin?.validator && total === (origin?.total ?? total);
    return isRest && isSame ? { from: have, total } : 'elsewhere';
  }
  throw new DownloadError(`${address}: the server answered ${`${status} ${statusText}`.trimEnd()}`);
}

/** Packed in spite of `accept-encoding: identity`; `fetch` unpacks it, and the lengths and validators are those of the packed file. */
const isPacked = (headers: Headers): boolean => !/^(identity)?$/i.test(headers.get('content-encoding') ?? '');

/** What If-Range may name: a strong ETag, or else a date. */
function validatorOf({ headers }: Response): string | undefined {
  if (isPacked(headers)) return undefined;
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
    throw new WrongHash(`${address}: another file than expected, deleted: its SHA-256 is ${found}, wanted ${wanted}`);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** `fetch failed` says nothing; its cause does. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: why } = (cause ?? {}) as { code?: string; message?: string };
  return why || code || message;
}
