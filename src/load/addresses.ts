/** Files at addresses, through a store where one is wanted. */
import { UsageError } from '../errors.js';
import { responseBytes } from '../remote/fetch-bytes.js';
import type { FileStore } from '../remote/file-store.js';
import { parseIntegrity } from '../remote/integrity.js';
import { expectHash, remoteFile } from '../remote/remote-file.js';
import type { WebRequest, WebResponse } from '../web-types.js';
import type { LoadOptions } from './model.js';
import type { Files } from './origin.js';

/** The absolute address, or undefined for a text that is none here. */
export function absolute(text: string, base: string | undefined): string | undefined {
  try {
    const { href, protocol } = new URL(text, base);
    return protocol.length > 2 ? href : undefined; // 'C:\\model.h5' is a path
  } catch {
    return undefined;
  }
}

/** Without what a file's name has no use for: the query, and the whole content of a data: address. */
const nameOf = (address: string): string => {
  const { protocol, origin, pathname } = new URL(address);
  if (protocol === 'data:' || protocol === 'blob:') return `the ${protocol} address`;
  return origin === 'null' ? `${protocol}//${pathname}` : origin + pathname;
};

type Options = Pick<LoadOptions, 'fetch' | 'integrity'>;

/** The model at an address, or that a request asks for, and the files beside it. */
export function filesAt(source: string | WebRequest, store: FileStore | undefined, options: Options): Files {
  const address = typeof source === 'string' ? source : source.url;
  const wanted = options.integrity === undefined ? undefined : parseIntegrity(options.integrity);
  const { fetch } = options;
  const isRead = typeof source === 'string' || source.method === 'GET';
  const kept = isRead ? store : undefined;
  return {
    name: nameOf(address),
    repeatable: isRead && !address.startsWith('blob:'),
    downloaded: true,
    main: (onProgress, signal) => remoteFile(source, { fetch, signal, onProgress, store: kept, sha256: wanted }),
    async beside(path, onProgress, signal) {
      if (wanted !== undefined) throw onlyOneFile(address);
      return remoteFile(new URL(path, address).href, { fetch, signal, onProgress, store: kept });
    },
  };
}

/** The model in a response, and the files beside where it came from. */
export function filesOf(response: WebResponse, options: Options): Files {
  const wanted = options.integrity === undefined ? undefined : parseIntegrity(options.integrity);
  const { url } = response;
  const { beside } = url === '' ? {} : filesAt(url, undefined, options);
  return {
    name: url === '' ? 'the response' : nameOf(url),
    repeatable: false,
    downloaded: true,
    async main(onProgress, signal) {
      const bytes = await responseBytes(response, { signal, onProgress });
      await expectHash(bytes, url || 'the response', wanted);
      return bytes;
    },
    ...(beside && { beside }),
  };
}

const onlyOneFile = (address: string): UsageError =>
  new UsageError(
    `${address}: integrity is the hash of one file, and a TensorFlow.js model is several; convert it to .safetensors`,
  );
