/**
 * A limit on the work that jsfive does for a file. jsfive follows whatever addresses and counts it finds, so that a small hostile file
 * can keep it busy for hours: nodes that all have the same children, header chunks that overlap. But before it follows a structure it
 * copies the structure's signature out of the file's buffer with `slice`. The buffer made here charges for what is about to be read
 * there, and throws once that is out of all proportion to the file.
 */
import { FormatError } from '../../errors.js';

/** Charged for each small thing that jsfive makes, in bytes. */
const OVERHEAD = 64;

export class Meter {
  readonly #file: string;
  #left: number;
  /** While attributes are read, four bytes may be a text rather than a signature. */
  readingAttributes = false;

  /** `size`: bytes of the file; 20 times that and 1 MiB may be spent. */
  constructor(size: number, file: string) {
    this.#file = file;
    this.#left = 20 * size + 2 ** 20;
  }

  spend(bytes: number): void {
    this.#left -= bytes;
    if (!(this.#left >= 0)) throw new FormatError(`${this.#file}: damaged: its HDF5 structure leads in circles`);
  }
}

/** The bytes in a buffer that charges the meter for what is copied out of it, and out of the copies. */
export function meteredCopy(bytes: Uint8Array, meter: Meter): ArrayBuffer {
  class MeteredBuffer extends ArrayBuffer {
    override slice(begin = 0, end = this.byteLength): ArrayBuffer {
      meter.spend(OVERHEAD + Math.max(0, Math.min(end, this.byteLength) - begin));
      const signature = end - begin === 4 && this === file && !meter.readingAttributes;
      if (signature) chargeStructure(new DataView(this), begin, meter);
      return super.slice(begin, end);
    }
  }
  const file = new MeteredBuffer(bytes.length);
  new Uint8Array(file).set(bytes);
  return file;
}

/** Structures that are read by further copies, each of which is charged by itself. */
const CHARGED_BY_COPIES = new Set(['SNOD', 'HEAP', 'GCOL', 'FRHP', 'FHDB', 'BTIN', 'BTLF']);

/** No structure's signature, but a link's name that happens to have four letters: 'bias', 'beta'. */
const LINK_NAME = /^[a-z0-9_]{4}$/;

function chargeStructure(file: DataView, at: number, meter: Meter): void {
  if (at + 14 > file.byteLength) return;
  const signature = String.fromCharCode(...new Uint8Array(file.buffer, at, 4));
  if (CHARGED_BY_COPIES.has(signature) || LINK_NAME.test(signature)) return;
  if (signature === 'OHDR') chargeMessages(file, at, meter);
  // an indirect block's addresses may reach to the end of the file
  else if (signature === 'FHIB') meter.spend(file.byteLength - at);
  else if (signature === 'TREE') meter.spend(entries(file, at));
  else if (signature === 'BTHD') meter.spend(levels(file, at));
  // something that jsfive takes for a tree of either version, since it does not look
  else meter.spend(Math.max(entries(file, at), levels(file, at)));
}

/** A version 1 B-tree's entries of a key and an address. */
const entries = (file: DataView, at: number): number => file.getUint16(at + 6, true) * 2 * OVERHEAD;

/**
 * The levels of a version 2 B-tree, for each of which jsfive makes a list of six before it reads the first. The header has the depth behind
 * signature, version, type, node size and record size.
 */
const levels = (file: DataView, at: number): number => file.getUint16(at + 4 + 1 + 1 + 4 + 2, true) * 4 * OVERHEAD;

const CONTINUATION = 0x10;
const MESSAGE_HEADER = 4;

/**
 * Charges for each message of a version 2 object header, walking its chunks as jsfive will. The first chunk's size has 1, 2, 4 or 8
 * bytes, after the signature, version and flags, and after four times of four bytes where flag 0x20 says so.
 */
function chargeMessages(file: DataView, at: number, meter: Meter): void {
  const flags = file.getUint8(at + 5);
  const sizeAt = at + 6 + (flags & 0x20 ? 16 : 0);
  const creationOrder = flags & 0x04 ? 2 : 0;
  const start = sizeAt + (1 << (flags & 3));
  const chunks: [start: number, size: number][] = [[start, readSize(file, sizeAt, flags & 3)]];
  const seen = new Set([start]);
  for (const [from, size] of chunks) {
    let local = 0;
    while (local < size - MESSAGE_HEADER) {
      meter.spend(OVERHEAD);
      const message = from + local;
      const content = message + MESSAGE_HEADER + creationOrder;
      if (file.getUint8(message) === CONTINUATION) {
        // behind the signature 'OCHK'
        const next = readSize(file, content, 3) + 4;
        if (!seen.has(next)) chunks.push([next, readSize(file, content + 8, 3) - 4]);
        seen.add(next);
      }
      local += MESSAGE_HEADER + creationOrder + file.getUint16(message + 1, true);
    }
  }
}

/** A little-endian size of 2^log₂ bytes. */
function readSize(file: DataView, at: number, log2: number): number {
  if (log2 === 0) return file.getUint8(at);
  if (log2 === 1) return file.getUint16(at, true);
  return log2 === 2 ? file.getUint32(at, true) : Number(file.getBigUint64(at, true));
}
