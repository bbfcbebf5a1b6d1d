/** Writes FlatBuffers tables by the names of their fields. What a table refers to is written before it, so children come as arguments. */
import type { Builder } from 'flatbuffers';

/** Something already written, to be referred to. */
export interface Written {
  readonly offset: number;
}

export type Value = number | boolean | Written;

/** Numbers that the schema stores in one byte, and as float32; all others have 32 bits. */
const BYTES = new Set([
  'builtin_options_type',
  'color_space',
  'content_properties_type',
  'deprecated_builtin_code',
  'details_type',
  'fused_activation_function',
  'options_type',
  'output_type',
  'padding',
  'type',
  'weights_format',
]);
const FLOATS = new Set(['beta']);

/** What the schema asks for a buffer's data, in bytes. */
const BUFFER_ALIGNMENT = 16;

export class FlatWriter {
  readonly #builder: Builder;
  readonly #int64s = new Map<string, Written>();

  constructor(builder: Builder) {
    this.#builder = builder;
  }

  table(fields: readonly string[], values: Readonly<Record<string, Value>>): Written {
    this.#builder.startObject(fields.length);
    for (const [field, value] of Object.entries(values)) {
      const slot = fields.indexOf(field);
      if (typeof value === 'object') this.#builder.addFieldOffset(slot, value.offset, 0);
      else if (typeof value === 'boolean') this.#builder.addFieldInt8(slot, Number(value), null);
      else if (BYTES.has(field)) this.#builder.addFieldInt8(slot, value, null);
      else if (FLOATS.has(field)) this.#builder.addFieldFloat32(slot, value, null);
      else this.#builder.addFieldInt32(slot, value, null);
    }
    return { offset: this.#builder.endObject() };
  }

  tables(tables: readonly Written[]): Written {
    return this.#vector(tables, 4, ({ offset }) => this.#builder.addOffset(offset));
  }

  string(text: string): Written {
    return { offset: this.#builder.createString(text) };
  }

  /** A buffer's data. */
  bytes(bytes: Uint8Array): Written {
    this.#builder.startVector(1, bytes.length, BUFFER_ALIGNMENT); // pads; the vector itself begins with the next call
    return { offset: this.#builder.createByteVector(bytes) };
  }

  int32s(numbers: readonly number[]): Written {
    return this.#vector(numbers, 4, (number) => this.#builder.addInt32(number));
  }

  /** Equal vectors are written once: the zero points of a quantised file are long, and mostly 0. */
  int64s(numbers: readonly number[]): Written {
    const key = String(numbers);
    const known = this.#int64s.get(key);
    if (known) return known;
    const written = this.#vector(numbers, 8, (number) => this.#builder.addInt64(BigInt(number)));
    this.#int64s.set(key, written);
    return written;
  }

  float32s(numbers: readonly number[]): Written {
    return this.#vector(numbers, 4, (number) => this.#builder.addFloat32(number));
  }

  finish(root: Written, identifier: string): Uint8Array {
    this.#builder.finish(root.offset, identifier);
    return this.#builder.asUint8Array().slice();
  }

  /** A vector is written from its end. */
  #vector<Item>(items: readonly Item[], size: number, add: (item: Item) => void): Written {
    this.#builder.startVector(size, items.length, size);
    for (let i = items.length - 1; i >= 0; i--) add(items[i]);
    return { offset: this.#builder.endVector() };
  }
}
