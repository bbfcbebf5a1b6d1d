/**
 * Reading protocol buffers with a check before every access: `pbf` reads whatever lies at a position, and a length of a damaged file can
 * point anywhere. A message is a list of fields (https://protobuf.dev/programming-guides/encoding), each with a tag before it:
 *
 *   tag = field number · 8 + wire type;   0 varint, 1 eight bytes, 2 length and as many bytes, 5 four bytes
 *
 * A message inside a message is returned as its bytes, which the caller decodes when it comes to them: depth is the caller's, not the
 * file's. Fields that the schema does not name are passed over, as protocol buffers want it.
 */
import type { PbfReader } from 'pbf';
import { FormatError } from '../../errors.js';

/** What a field holds. `messages` and `texts` are repeated, `ints`, `floats` and `doubles` too, one by one or packed. */
interface FieldTypes {
  int: number;
  ints: number[];
  float: number;
  floats: number[];
  doubles: number[];
  text: string;
  texts: string[];
  bytes: Uint8Array;
  message: Uint8Array;
  messages: Uint8Array[];
}

type FieldType = keyof FieldTypes;

export type Schema = Readonly<Record<string, readonly [number: number, type: FieldType]>>;

/** Single fields may be absent; repeated ones are then empty. */
export type Message<Fields extends Schema> = {
  readonly [Name in keyof Fields]: FieldTypes[Fields[Name][1]] extends readonly unknown[]
    ? FieldTypes[Fields[Name][1]]
    : FieldTypes[Fields[Name][1]] | undefined;
};

/** One for all: a decoder takes a kilobyte. */
const decoder = new TextDecoder();

interface Field {
  readonly name: string;
  readonly type: FieldType;
}

const REPEATED: ReadonlySet<FieldType> = new Set<FieldType>(['ints', 'floats', 'doubles', 'texts', 'messages']);

/** Wire types. */
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;

const wireTypes: Readonly<Record<FieldType, number>> = {
  int: VARINT,
  ints: VARINT,
  float: FOUR_BYTES,
  floats: FOUR_BYTES,
  doubles: EIGHT_BYTES,
  text: LENGTH,
  texts: LENGTH,
  bytes: LENGTH,
  message: LENGTH,
  messages: LENGTH,
};

/** What is made of the file may take this many times its size, and as much as a small network needs in any case. */
const MOST_GROWTH = 18;
const ANY_CASE = 2 ** 20;

/** Bytes that a message, a text and a number take in memory: an empty message is many times the two bytes that it takes in the file. */
const MESSAGE_SIZE = 512;
const TEXT_SIZE = 32;
const NUMBER_SIZE = 16;

/** A file of protocol buffers: its name in errors, and the reader of its messages. */
export class ProtoFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly #Reader: typeof PbfReader;
  readonly #fieldsOf = new Map<Schema, ReadonlyMap<number, Field>>();
  #budget: number;

  /** `beside`: bytes of the files that belong to this one. */
  constructor(bytes: Uint8Array, name: string, Reader: typeof PbfReader, beside = 0) {
    // Not a Buffer, whose slices share its memory.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.name = name;
    this.#Reader = Reader;
    this.#budget = MOST_GROWTH * (bytes.length + beside) + ANY_CASE;
  }

  fail(where: string, what: string): never {
    throw new FormatError(`${this.name}: ${where}: ${what}`);
  }

  /** Counts bytes that are about to be made of the file's. */
  charge(bytes: number, where: string): void {
    this.#budget -= bytes;
    if (!(this.#budget >= 0)) {
      this.fail(where, `the file's ${this.bytes.length} bytes would become more than ${MOST_GROWTH} times as many`);
    }
  }

  /** The message's fields by the schema's names. Of a single field that stands there twice, the last counts. */
  message<Fields extends Schema>(bytes: Uint8Array, fields: Fields, where: string): Message<Fields> {
    this.charge(MESSAGE_SIZE, where);
    const byNumber = this.#fields(fields);
    const found: Record<string, unknown> = {};
    for (const [name, [, type]] of Object.entries(fields)) found[name] = REPEATED.has(type) ? [] : undefined;
    const reader = new this.#Reader(bytes);
    while (reader.pos < bytes.length) {
      const tag = this.#varint(reader, where);
      const [number, wireType] = [Math.floor(tag / 8), tag % 8];
      const field = byNumber.get(number);
      if (field === undefined) {
        this.#skip(reader, wireType, where);
        continue;
      }
      const at = `${where}.${field.name}`;
      const repeated = REPEATED.has(field.type) ? (found[field.name] as unknown[]) : undefined;
      if (repeated !== undefined && wireType === LENGTH && wireTypes[field.type] !== LENGTH) {
        const end = this.#varint(reader, at) + reader.pos;
        this.#expectRoom(reader, end - reader.pos, at, 'its content');
        while (reader.pos < end) repeated.push(this.#value(reader, field.type, at));
        if (reader.pos !== end) this.fail(at, 'its last number reaches beyond its end');
        continue;
      }
      if (wireType !== wireTypes[field.type]) {
        this.fail(at, `wanted a field of wire type ${wireTypes[field.type]}, found ${wireType}`);
      }
      const value = this.#value(reader, field.type, at);
      if (repeated === undefined) found[field.name] = value;
      else repeated.push(value);
    }
    return found as Message<Fields>;
  }

  /** The schema's fields by their numbers. */
  #fields(schema: Schema): ReadonlyMap<number, Field> {
    const known = this.#fieldsOf.get(schema);
    if (known !== undefined) return known;
    const fields = new Map(Object.entries(schema).map(([name, [number, type]]) => [number, { name, type }]));
    this.#fieldsOf.set(schema, fields);
    return fields;
  }

  #value(reader: PbfReader, type: FieldType, at: string): unknown {
    this.charge(NUMBER_SIZE, at);
    switch (type) {
      case 'int':
      case 'ints':
        return this.#varint(reader, at, true);
      case 'float':
      case 'floats':
        this.#expectRoom(reader, 4, at, 'a float');
        return reader.readFloat();
      case 'doubles':
        this.#expectRoom(reader, 8, at, 'a double');
        return reader.readDouble();
      default: {
        const size = this.#varint(reader, at);
        this.#expectRoom(reader, size, at, 'its content');
        const content = reader.buf.subarray(reader.pos, reader.pos + size);
        reader.pos += size;
        const isText = type === 'text' || type === 'texts';
        if (type !== 'bytes') this.charge(isText ? TEXT_SIZE + 2 * size : MESSAGE_SIZE, at);
        return isText ? decoder.decode(content) : content;
      }
    }
  }

  #varint(reader: PbfReader, at: string, signed = false): number {
    const begin = reader.pos;
    try {
      return reader.readVarint(signed);
    } catch (error) {
      return this.fail(at, `at byte ${begin}: ${(error as Error).message}`);
    }
  }

  #skip(reader: PbfReader, wireType: number, where: string): void {
    const sizes: Readonly<Record<number, () => number>> = {
      [VARINT]: () => {
        this.#varint(reader, where);
        return 0;
      },
      [EIGHT_BYTES]: () => 8,
      [LENGTH]: () => this.#varint(reader, where),
      [FOUR_BYTES]: () => 4,
    };
    if (!Object.hasOwn(sizes, wireType)) this.fail(where, `wire type ${wireType} at byte ${reader.pos} is unknown`);
    const size = sizes[wireType]();
    this.#expectRoom(reader, size, where, 'a field');
    reader.pos += size;
  }

  #expectRoom(reader: PbfReader, size: number, where: string, what: string): void {
    if (reader.pos + size > reader.length) {
      this.fail(
        where,
        `truncated: ${what} of ${size} bytes begins at byte ${reader.pos} of a message of ${reader.length}`,
      );
    }
  }
}
