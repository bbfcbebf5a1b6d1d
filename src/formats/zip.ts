/**
 * Zip archives, as .npz files are. PKWARE APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
 *
 * The platform inflates and `fflate` writes; the directory is read here, because libraries check neither checksums nor what a hostile
 * directory declares. Nothing is allocated before the sizes declared for all entries together are at most 20 times the file's
 * own size plus 1 MiB; no byte belongs to two entries; each entry's CRC-32 must agree.
 */
import { zipSync } from 'fflate';
import { FormatError } from '../errors.js';

const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;
const END_SIZE = 22;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const STORED = 0;
const DEFLATED = 8;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressed: Uint8Array;
  readonly size: number;
}

/** The files of an archive by name, in the order of its directory; folders are left out. */
export async function unzip(bytes: Uint8Array, file = 'zip file'): Promise<Map<string, Uint8Array>> {
  const entries = readDirectory(bytes, file);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  const most = 20 * bytes.length + 2 ** 20;
  if (total > most) {
    throw new FormatError(
      `${file}: its entries declare ${total} bytes; at most ${most} are read from an archive of ${bytes.length} (20 times its size and 1 MiB)`,
    );
  }
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    files.set(entry.name, entry.method === STORED ? stored(entry, file) : await inflated(entry, file));
  }
  return files;
}

/** What the directory has 16 and 32 bits for; the largest numbers of each mean zip64, which is neither written nor read. */
const MOST_FILES = 0xfffe;
const MOST_BYTES = 0xfffffffe;

/**
 * An archive of these files, stored without compression like numpy.savez's; the same files give the same bytes at any time. Throws a FormatError
 * for more than an archive without zip64 holds.
 */
export function zip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if (files.size > MOST_FILES || bytes > MOST_BYTES) {
    throw new FormatError(
      `zip archive: ${files.size} files of ${bytes} bytes; at most ${MOST_FILES} files of ${MOST_BYTES} bytes can be written`,
    );
  }
  const mtime = new Date(1980, 0, 1);
  return zipSync(Object.fromEntries(files), { level: 0, mtime });
}

/** The bytes with such an archive behind them, whose places count from the beginning of all. */
export function zipBehind(front: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const archive = zip(files);
  const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
  const move = (at: number): void => view.setUint32(at, view.getUint32(at, true) + front.length, true);
  const end = archive.length - END_SIZE; // no comment follows it
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    move(at + 42);
    at += ENTRY_SIZE + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  move(end + 16);
  const bytes = new Uint8Array(front.length + archive.length);
  bytes.set(front);
  bytes.set(archive, front.length);
  return bytes;
}

function readDirectory(bytes: Uint8Array, file: string): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end === undefined)
    throw new FormatError(`${file}: truncated: the directory at the end of the zip archive is missing`);
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (count === 0xffff || start === 0xffffffff) throw new FormatError(`${file}: zip64 archives are not supported`);
  const entries: Entry[] = [];
  const taken: [start: number, end: number, name: string][] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_SIZE > end || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      throw new FormatError(`${file}: damaged: entry ${index} of ${count} is missing from the zip directory`);
    }
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength));
    const { entry, span } = readEntry(bytes, view, at, name, file);
    taken.push([...span, name]);
    if (!name.endsWith('/')) entries.push(entry);
    at += ENTRY_SIZE + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at + ENTRY_SIZE <= end && view.getUint32(at, true) === DIRECTORY_ENTRY) {
    throw new FormatError(`${file}: damaged: the zip directory has more entries than the ${count} it declares`);
  }
  expectDistinct(entries, taken, file);
  return entries;
}

/** Position of the end record, which a comment of up to 65535 bytes may follow. */
function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - END_SIZE;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === DIRECTORY_END && view.getUint16(at + 20, true) === last - at) return at;
  }
  return undefined;
}

function readEntry(bytes: Uint8Array, view: DataView, at: number, name: string, file: string) {
  const what = `${file}: entry '${name}'`;
  const encrypted = (view.getUint16(at + 8, true) & 1) !== 0;
  const method = view.getUint16(at + 10, true);
  const compressedSize = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const header = view.getUint32(at + 42, true);
  if (encrypted) throw new FormatError(`${what} is encrypted, which is not supported`);
  if (method !== STORED && method !== DEFLATED) {
    throw new FormatError(`${what} is compressed by method ${method}; wanted 0 (stored) or 8 (deflated)`);
  }
  if (header + LOCAL_SIZE > bytes.length || view.getUint32(header, true) !== LOCAL_HEADER) {
    throw new FormatError(`${what} should begin at byte ${header}, where there is no entry`);
  }
  const start = header + LOCAL_SIZE + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  if (start + compressedSize > bytes.length) {
    throw new FormatError(`${what} reaches to byte ${start + compressedSize}, the file ends at ${bytes.length}`);
  }
  if (method === STORED && size !== compressedSize) {
    throw new FormatError(`${what} is stored in ${compressedSize} bytes, but declares ${size}`);
  }
  const compressed = bytes.subarray(start, start + compressedSize);
  const entry: Entry = { name, method, crc: view.getUint32(at + 16, true), compressed, size };
  return { entry, span: [header, start + compressedSize] as const };
}

function expectDistinct(entries: readonly Entry[], spans: [number, number, string][], file: string): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) throw new FormatError(`${file}: there are two entries '${name}'`);
    names.add(name);
  }
  spans.sort(([a], [b]) => a - b);
  for (let index = 1; index < spans.length; index++) {
    const [, end, before] = spans[index - 1];
    const [start, , name] = spans[index];
    if (start < end) throw new FormatError(`${file}: the entries '${before}' and '${name}' overlap`);
  }
}

/** Deflate makes at most this many bytes of one: 258 of two bits. */
const MOST_OF_ONE = 1032;

function stored({ name, compressed, crc }: Entry, file: string): Uint8Array {
  if (crc32(compressed) !== crc) throw new FormatError(`${file}: entry '${name}' is damaged: wrong checksum`);
  return compressed;
}

async function inflated(entry: Entry, file: string): Promise<Uint8Array> {
  const { name, compressed, size } = entry;
  if (size > MOST_OF_ONE * compressed.length) {
    throw new FormatError(`${file}: entry '${name}' declares ${size} bytes, more than ${compressed.length} inflate to`);
  }
  if (typeof DecompressionStream === 'undefined') {
    throw new FormatError(`${file}: entry '${name}' is deflated, and no DecompressionStream is here to inflate it`);
  }
  const content = new Uint8Array(size);
  let length = 0;
  try {
    for await (const piece of pieces(asGzip(entry))) {
      if (length + piece.length > size) throw new Error('it inflates to more');
      content.set(piece, length);
      length += piece.length;
    }
  } catch (error) {
    const damage = `is damaged after ${length} of ${size} bytes: ${(error as Error).message}`;
    throw new FormatError(`${file}: entry '${name}' ${damage}`, { cause: error });
  }
  return content;
}

/** ID, deflate, no flags, no time, no system (RFC 1952, section 2.3). */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** The entry as a gzip file: its checksum and size are looked at while it is inflated, and Node inflates bare deflate from 20.12 on only. */
function asGzip({ compressed, crc, size }: Entry): Blob {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc, true);
  trailer.setUint32(4, size, true);
  return new Blob([GZIP_HEADER, compressed as Uint8Array<ArrayBuffer>, trailer]);
}

/** Some kilobytes at a time, so that an entry that is larger than it declares is noticed soon. Leaving the loop ends the stream. */
async function* pieces(gzip: Blob): AsyncGenerator<Uint8Array> {
  const reader = gzip.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    await reader.cancel();
  }
}

/** CRC-32 with the reflected polynomial 0xEDB88320 (APPNOTE.TXT 4.4.7), a byte at a time. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});
