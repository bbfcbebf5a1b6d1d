/**
 * Reading FlatBuffers with a check before every access: the `flatbuffers` library reads whatever lies at an offset, and an offset
 * of a damaged file can point anywhere. The layout (https://flatbuffers.dev/internals), all little-endian:
 *
 *   table   int32: how far before it its vtable lies; then the fields
 *   vtable  uint16: its own size; uint16: the table's size; then a uint16 for each field: its offset in the table, 0 when absent
 *   vector  uint32: number of elements; then the elements. Strings, tables and vectors are reached by a uint32 offset from its own place
 */
import type { ByteBuffer } from 'flatbuffers';
import { FormatError } from '../../errors.js';

/**
 * Offsets of a hostile file can make many vectors and tables share the same bytes, so that a small file reads as a huge one. What all of
 * them together may take is therefore limited to this many times the file's size, and what a small network takes in any case.
 */
const MOST_GROWTH = 16;
const ANY_CASE = 2 ** 20;

/** One for all: a decoder takes a kilobyte. */
const decoder = new TextDecoder();

/** Bytes that a table takes in memory. */
const TABLE_SIZE = 256;

/** The bytes, and what may still be read of them. */
export class FlatFile {
  readonly name: string;
  readonly buffer: ByteBuffer;
  readonly length: number;
  #budget: number;

  constructor(buffer: ByteBuffer, name: string) {
    this.name = name;
    this.buffer = buffer;
    this.length = buffer.capacity();
    this.#budget = MOST_GROWTH * this.length + ANY_CASE;
  }

  /** The table that the uint32 at the file's start points to. */
  root<Fields extends readonly string[]>(fields: Fields, where: string): FlatTable<Fields> {
    this.check(0, 4, where);
    return new FlatTable(this, this.buffer.readUint32(0), fields, where);
  }

  /** Throws unless `size` bytes from `at` on lie inside the file. */
  check(at: number, size: number, where: string): void {
    if (!(at >= 0 && size >= 0 && at + size <= this.length)) {
      this.fail(where, `reaches from byte ${at} to ${at + size}, but the file has ${this.length} bytes`);
    }
  }

  /** Counts `size` bytes that are about to be made of the file's. */
  charge(size: number, where: string): void {
    this.#budget -= size;
    if (this.#budget < 0) {
      this.fail(where, `what the file's ${this.length} bytes describe takes more than ${MOST_GROWTH} times as many`);
    }
  }

  fail(where: string, what: string): never {
    throw new FormatError(`${this.name}: ${where}: ${what}`);
  }
}

/** One table; `Fields` are the names of its fields in the order of the schema. */
export class FlatTable<Fields extends readonly string[]> {
  readonly file: FlatFile;
  readonly where: string;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableSize: number;
  readonly #fields: Fields;

  constructor(file: FlatFile, at: number, fields: Fields, where: string) {
    file.check(at, 4, where);
    const vtable = at - file.buffer.readInt32(at);
    file.check(vtable, 4, `the vtable of ${where}`);
    this.#vtableSize = file.buffer.readUint16(vtable);
    file.check(vtable, this.#vtableSize, `the vtable of ${where}`);
    file.check(at, file.buffer.readUint16(vtable + 2), where);
    this.file = file;
    this.where = where;
    this.#at = at;
    this.#vtable = vtable;
    this.#fields = fields;
  }

  has(field: Fields[number]): boolean {
    return this.#locate(field, 0) !== undefined;
  }

  int8(field: Fields[number], absent = 0): number {
    const at = this.#locate(field, 1);
    return at === undefined ? absent : this.file.buffer.readInt8(at);
  }

  uint8(field: Fields[number], absent = 0): number {
    const at = this.#locate(field, 1);
    return at === undefined ? absent : this.file.buffer.readUint8(at);
  }

  bool(field: Fields[number]): boolean {
    return this.uint8(field) !== 0;
  }

  int32(field: Fields[number], absent = 0): number {
    const at = this.#locate(field, 4);
    return at === undefined ? absent : this.file.buffer.readInt32(at);
  }

  uint32(field: Fields[number], absent = 0): number {
    const at = this.#locate(field, 4);
    return at === undefined ? absent : this.file.buffer.readUint32(at);
  }

  uint64(field: Fields[number], absent = 0): number {
    const at = this.#locate(field, 8);
    return at === undefined ? absent : Number(this.file.buffer.readUint64(at));
  }

  float32(field: Fields[number], absent = 0): number {
    const at = this.#locate(field, 4);
    return at === undefined ? absent : this.file.buffer.readFloat32(at);
  }

  string(field: Fields[number]): string | undefined {
    const bytes = this.bytes(field);
    if (bytes === undefined) return undefined;
    this.file.charge(bytes.length, this.#path(field));
    return decoder.decode(bytes);
  }

  /** A vector of bytes, not copied; undefined when the field is absent. */
  bytes(field: Fields[number]): Uint8Array | undefined {
    const vector = this.#vector(field, 1);
    return vector && this.file.buffer.bytes().subarray(vector.at, vector.at + vector.length);
  }

  int32s(field: Fields[number]): number[] | undefined {
    return this.#numbers(field, 4, (at) => this.file.buffer.readInt32(at));
  }

  int64s(field: Fields[number]): number[] | undefined {
    return this.#numbers(field, 8, (at) => Number(this.file.buffer.readInt64(at)));
  }

  float32s(field: Fields[number]): number[] | undefined {
    return this.#numbers(field, 4, (at) => this.file.buffer.readFloat32(at));
  }

  table<Child extends readonly string[]>(field: Fields[number], fields: Child): FlatTable<Child> | undefined {
    const at = this.#locate(field, 4);
    return at === undefined
      ? undefined
      : new FlatTable(this.file, at + this.file.buffer.readUint32(at), fields, this.#path(field));
  }

  /** A vector of tables; [] when the field is absent. */
  tables<Child extends readonly string[]>(field: Fields[number], fields: Child): FlatTable<Child>[] {
    const vector = this.#vector(field, 4);
    if (vector === undefined) return [];
    this.file.charge(vector.length * TABLE_SIZE, this.#path(field));
    return Array.from({ length: vector.length }, (_, index) => {
      const at = vector.at + 4 * index;
      const where = `${this.#path(field)}[${index}]`;
      return new FlatTable(this.file, at + this.file.buffer.readUint32(at), fields, where);
    });
  }

  #path(field: Fields[number]): string {
    return `${this.where}.${field}`;
  }

  /** Where the field's `size` bytes lie; undefined when the table does not have it. */
  #locate(field: Fields[number], size: number): number | undefined {
    const slot = 4 + 2 * this.#fields.indexOf(field);
    if (slot + 2 > this.#vtableSize) return undefined;
    const offset = this.file.buffer.readUint16(this.#vtable + slot);
    if (offset === 0) return undefined;
    this.file.check(this.#at + offset, size, this.#path(field));
    return this.#at + offset;
  }

  #vector(field: Fields[number], elementSize: number): { at: number; length: number } | undefined {
    const field_ = this.#locate(field, 4);
    if (field_ === undefined) return undefined;
    const at = field_ + this.file.buffer.readUint32(field_);
    this.file.check(at, 4, this.#path(field));
    const length = this.file.buffer.readUint32(at);
    this.file.check(at + 4, length * elementSize, this.#path(field));
    return { at: at + 4, length };
  }

  #numbers(field: Fields[number], size: number, read: (at: number) => number): number[] | undefined {
    const vector = this.#vector(field, size);
    if (vector === undefined) return undefined;
    this.file.charge(vector.length * size, this.#path(field));
    return Array.from({ length: vector.length }, (_, index) => read(vector.at + size * index));
  }
}
