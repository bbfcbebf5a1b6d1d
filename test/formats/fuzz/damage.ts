/** Damage to files, by a seeded generator: the same seed damages a file in the same way on every machine. */
import { uniformRandom } from '../../../src/random.js';

export interface Random {
  /** A whole number from 0 to `count` − 1. */
  below(count: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

export function seededRandom(seed: number): Random {
  const uniform = uniformRandom(seed);
  const below = (count: number): number => Math.floor(uniform() * count);
  return { below, pick: (items) => items[below(items.length)] };
}

/** A copy of the file after one to eight damages. Pieces of `donor`, another file, get into it. */
export function damaged(file: Uint8Array, donor: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = file.slice();
  for (let left = 1 + random.below(8); left > 0 && bytes.length > 0; left--) {
    bytes = random.pick(damages)(bytes, random, donor);
  }
  return bytes;
}

type Damage = (bytes: Uint8Array, random: Random, donor: Uint8Array) => Uint8Array;

/** Every damage may change the bytes that it is given. */
const damages: readonly Damage[] = [
  function flipBit(bytes, random) {
    bytes[place(bytes, random)] ^= 1 << random.below(8);
    return bytes;
  },
  function replaceByte(bytes, random) {
    bytes[place(bytes, random)] = random.below(256);
    return bytes;
  },
  function lie(bytes, random) {
    const size = random.pick([2, 4, 8]);
    const at = place(bytes, random);
    if (at + size > bytes.length) return bytes;
    const value = random.pick([...LIES, BigInt(bytes.length), BigInt(bytes.length + 1), BigInt(bytes.length - at)]);
    const view = new DataView(bytes.buffer);
    const little = random.below(8) > 0;
    if (size === 2) view.setUint16(at, Number(value & 0xffffn), little);
    else if (size === 4) view.setUint32(at, Number(value & 0xffffffffn), little);
    else view.setBigUint64(at, value, little);
    return bytes;
  },
  /** Protocol buffers' numbers go on while the highest bit of a byte is set. */
  function longVarint(bytes, random) {
    const at = place(bytes, random);
    return bytes.fill(0xff, at, at + 1 + random.below(10));
  },
  function cut(bytes, random) {
    return bytes.slice(0, place(bytes, random));
  },
  function remove(bytes, random) {
    const at = place(bytes, random);
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16)));
  },
  function repeat(bytes, random) {
    const at = place(bytes, random);
    const piece = bytes.subarray(at, at + 1 + random.below(128));
    return random.below(2) === 0 ? inserted(bytes, piece, place(bytes, random)) : copied(bytes, piece, random);
  },
  function splice(bytes, random, donor) {
    const from = place(donor, random);
    const piece = donor.subarray(from, from + 1 + random.below(256));
    return random.below(2) === 0 ? inserted(bytes, piece, place(bytes, random)) : copied(bytes, piece, random);
  },
  /** Another number in place of one that is written in digits, as in JSON and in the headers of .npy files. */
  function otherDigits(bytes, random) {
    const isDigit = (at: number): boolean => bytes[at] >= 0x30 && bytes[at] <= 0x39;
    let from = place(bytes, random);
    while (from < bytes.length && !isDigit(from)) from++;
    let to = from;
    while (to < bytes.length && isDigit(to)) to++;
    const number = new TextEncoder().encode(random.pick(NUMBERS));
    return joined(bytes.subarray(0, from), number, bytes.subarray(to));
  },
];

const LIES = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xfffffffen,
  0xffffffffn,
  2n ** 64n - 1n,
];
const NUMBERS = ['0', '-1', '0.5', '255', '65536', '2147483647', '4294967296', '9007199254740993', '1e308', '1e999'];

/** The structure of most formats stands at their ends. */
function place(bytes: Uint8Array, random: Random): number {
  const near = random.below(Math.min(256, bytes.length));
  return random.pick([random.below(bytes.length), near, bytes.length - 1 - near]);
}

function copied(bytes: Uint8Array, piece: Uint8Array, random: Random): Uint8Array {
  bytes.set(piece.slice(0, bytes.length), random.below(Math.max(1, bytes.length - piece.length)));
  return bytes;
}

const inserted = (bytes: Uint8Array, piece: Uint8Array, at: number): Uint8Array =>
  joined(bytes.subarray(0, at), piece, bytes.subarray(at));

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

type Holder = Record<string, unknown>;

/** The JSON text after one to three hostile changes: what stands in it is removed, renamed, moved, or replaced. */
export function damagedJson(json: string, random: Random): string {
  const root: Holder = { json: JSON.parse(json) };
  const raw: string[] = [];
  for (let left = 1 + random.below(3); left > 0; left--) {
    const places = [...placesIn(root)];
    if (places.length === 0) break;
    const [holder, key] = random.pick(places);
    const value = random.below(8);
    if (value === 0) delete holder[key];
    else if (value === 1) put(holder, random.pick(KEYS), holder[key]);
    else if (value === 2) {
      const [other, otherKey] = random.pick(places);
      holder[key] = structuredClone(other[otherKey]);
    } else {
      const text = random.pick(HOSTILE)();
      // The same key a second time, which JSON allows and readers take one way or the other.
      const twice = random.below(16) === 0 && !Array.isArray(holder) && holder !== root;
      raw.push(twice ? `${JSON.stringify(holder[key]) ?? 0},${JSON.stringify(key)}:${text}` : text);
      holder[key] = `${MARK}${raw.length - 1}`;
    }
  }
  return (JSON.stringify(root.json) ?? '').replace(/"\\u0001(\d+)"/g, (_, index) => raw[index]);
}

const MARK = '\u0001';

/** Also where the key is `__proto__`, which an assignment would take for something else. */
function put(holder: Holder, key: string, value: unknown): void {
  if (Array.isArray(holder)) return void holder.push(value);
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function* placesIn(root: Holder): Generator<readonly [holder: Holder, key: string]> {
  const open: Holder[] = [root];
  for (const holder of open) {
    for (const [key, value] of Object.entries(holder)) {
      yield [holder, key];
      if (typeof value === 'object' && value !== null) open.push(value as Holder);
    }
  }
}

const KEYS = ['__proto__', 'constructor', 'toString', 'length', '', '0', 'name', 'shape', 'attributes'];
const DEEP = 20_000;
const MANY = 10_000;

const HOSTILE: readonly (() => string)[] = [
  ...NUMBERS,
  ...['null', 'true', '""', '[]', '{}', '[[]]', '[null]', '"__proto__"', '"constructor"', '"same"', '"\\u0000"'],
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"length":4294967295}',
  '[-1,-1,-1,-1]',
  '[4294967295,4294967295]',
  '[1,65536,65536,65536]',
]
  .map((text) => () => text)
  .concat([
    () => '['.repeat(DEEP) + ']'.repeat(DEEP),
    () => `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
    () => `"${'x'.repeat(MANY)}"`,
    () => `[${'1,'.repeat(MANY)}1]`,
    () => `[${'{},'.repeat(MANY)}{}]`,
    () => `{${Array.from({ length: MANY }, (_, index) => `"k${index}":1`)}}`,
  ]);
