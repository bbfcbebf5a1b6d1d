/** Files on disk that are read as a whole. What is no file is refused before it is opened: a pipe may wait for ever, /dev/zero never ends. */
import type { Stats } from 'node:fs';

/** Most bytes of a file of weights, tensors or data: 2³⁰. The largest MobileNet has 24 million. */
export const LARGEST_FILE = 2 ** 30;

/**
 * The bytes of a regular file of at most `limit` bytes. Throws the system's error, or an Error whose message stands behind the file's name, as
 * `systemReason` has it.
 */
export async function readWhole(path: string, limit = LARGEST_FILE): Promise<Uint8Array> {
  const { open, stat } = await import('node:fs/promises');
  const stats = await stat(path);
  const kind = notAFile(stats);
  if (kind !== undefined) throw new Error(kind);
  if (stats.size > limit) throw new Error(tooLarge(stats.size, limit));
  const file = await open(path);
  try {
    const bytes = new Uint8Array(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length);
      if (bytesRead === 0) break; // somebody has shortened it meanwhile
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** Whether a regular file is there. Symbolic links are followed. */
export async function isFile(path: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises');
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** The bytes of a stream, at most `limit`. Throws an Error as `readWhole` does. */
export async function readStream(stream: AsyncIterable<Uint8Array>, limit = LARGEST_FILE): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) throw new Error(`has more than the ${limit} bytes that are read`);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const tooLarge = (size: number, limit: number): string => `has ${size} bytes, more than the ${limit} that are read`;

/** What stands in a file's place, in words; undefined for a regular file. */
function notAFile(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'is a folder, not a file';
  const kind = stats.isFIFO() ? 'a pipe (FIFO)' : stats.isSocket() ? 'a socket' : 'a device';
  return `is ${kind}, not a regular file; what comes from elsewhere is read from standard input, which commands call '-'`;
}
