/** Files written by hand after https://github.com/huggingface/safetensors#format. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { tensor } from '../../src/tensor.js';
import { names, tensorMaps } from './arbitrary.js';
import { expectSameTensors } from './same.js';

/** Eight bytes of length, the header, the numbers. */
function file(header: unknown, ...numbers: number[]): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + numbers.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  bytes.set(numbers, 8 + json.length);
  return bytes;
}

const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('hand-made files', () => {
  test('two tensors, metadata, and spaces after the header', () => {
    const header = `{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},"a":{"dtype":"U8","shape":[1,2],"data_offsets":[0,2]}}   `;
    const { tensors, metadata } = readSafetensors(file(header, 7, 255, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0));
    expect(metadata).toEqual(new Map([['format', 'pt']]));
    expect([...tensors]).toEqual([
      ['b', tensor([2], [1.5, -2])],
      ['a', tensor([1, 2], [7, 255])],
    ]);
  });

  test.each<[string, number[], Float32Array | Float64Array]>([
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], Float64Array.of(1.5)],
    ['F32', [0, 0, 0xc0, 0x3f], Float32Array.of(1.5)],
    ['F16', [0x00, 0x3e], Float32Array.of(1.5)],
    ['BF16', [0xc0, 0x3f], Float32Array.of(1.5)],
    ['I64', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Float64Array.of(-2)],
    ['I32', [0xfe, 0xff, 0xff, 0xff], Float64Array.of(-2)],
    ['I16', [0xfe, 0xff], Float32Array.of(-2)],
    ['I8', [0xfe], Float32Array.of(-2)],
    ['U64', [1, 0, 0, 0, 1, 0, 0, 0], Float64Array.of(4294967297)],
    ['U32', [0xff, 0xff, 0xff, 0xff], Float64Array.of(4294967295)],
    ['U16', [0xff, 0xff], Float32Array.of(65535)],
    ['U8', [0xff], Float32Array.of(255)],
    ['BOOL', [1], Float32Array.of(1)],
  ])('%s', (dtype, bytes, data) => {
    const { tensors } = readSafetensors(file({ x: entry(dtype, [], 0, bytes.length) }, ...bytes));
    expect(tensors.get('x')).toEqual(tensor([], data));
  });

  test('nothing in it', () => {
    expect(readSafetensors(file('{}'))).toEqual({ tensors: new Map(), metadata: new Map() });
  });

  test('names of object prototypes are names', () => {
    const header = '{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"__metadata__":{"__proto__":"x"}}';
    const { tensors, metadata } = readSafetensors(file(header, 9));
    expect(tensors.get('__proto__')).toEqual(tensor([], [9]));
    expect(metadata.get('__proto__')).toBe('x');
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false);
  });

  test('are what is written: the numbers begin at a multiple of 8, wider types come first', () => {
    const tensors = new Map([
      ['a', tensor([1], [1.5])],
      ['b', tensor([1], Float64Array.of(-2))],
    ]);
    const header =
      '{"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}';
    expect(writeSafetensors(tensors)).toEqual(
      file(header.padEnd(Math.ceil(header.length / 8) * 8), 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0xc0, 0x3f),
    );
  });
});

test('tensors and metadata of any name are read back bit for bit', () => {
  fc.assert(
    fc.property(
      tensorMaps,
      fc.uniqueArray(fc.tuple(names, fc.string()), { selector: ([name]) => name }),
      (tensors, texts) => {
        const metadata = new Map(texts);
        const back = readSafetensors(writeSafetensors(tensors, metadata));
        expect(back.metadata).toEqual(metadata);
        expectSameTensors(back.tensors, tensors);
      },
    ),
  );
});

test('tensors of one type keep their order', () => {
  const tensors = new Map(['b', 'c', 'a'].map((name) => [name, tensor([1], [1])]));
  expect([...readSafetensors(writeSafetensors(tensors)).tensors.keys()]).toEqual(['b', 'c', 'a']);
});

test('aligned floats are views of the file; where the file itself lies at an odd address, they are copied', () => {
  const bytes = writeSafetensors(new Map([['a', tensor([2], [1.5, -2])]]));
  const view = readSafetensors(bytes).tensors.get('a')!;
  expect(view.data.buffer).toBe(bytes.buffer);
  const shifted = new Uint8Array(bytes.length + 1).subarray(1);
  shifted.set(bytes);
  const copy = readSafetensors(shifted).tensors.get('a')!;
  expect(copy.data.buffer).not.toBe(shifted.buffer);
  expect([view, copy]).toEqual([tensor([2], [1.5, -2]), tensor([2], [1.5, -2])]);
});

describe('errors', () => {
  const two = (begin: number) => ({ a: entry('U8', [2], 0, 2), b: entry('U8', [2], begin, begin + 2) });
  const types = 'F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL';
  const fields = 'wanted {dtype, shape, data_offsets: [begin, end]}';
  test.each<[string, Uint8Array, string]>([
    ['nothing', Uint8Array.of(), "truncated: 0 bytes end within the header's length"],
    ['cut in the header', file('{}').slice(0, 9), 'truncated: the header ends at byte 10, the file at 9'],
    [
      'long header',
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 0x7b, 0x7d),
      'a header of 9223372036854776000 bytes is too long; at most 100000000 are read',
    ],
    ['a list', file('[]'), 'the header is not a JSON object'],
    [
      'the same name twice',
      file(
        '{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}',
        1,
      ),
      "the header has two entries 'a'",
    ],
    [
      'the same field twice',
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', 1),
      "the header has two entries 'dtype'",
    ],
    ['metadata that is no texts', file({ __metadata__: { a: 1 } }), "'__metadata__' must hold texts by name"],
    ['metadata that is a list', file({ __metadata__: [] }), "'__metadata__' must hold texts by name"],
    ['no entry', file({ a: null }), `tensor 'a': ${fields}`],
    ['three offsets', file({ a: { dtype: 'U8', shape: [], data_offsets: [0, 1, 2] } }, 1), `tensor 'a': ${fields}`],
    ['fraction', file({ a: entry('U8', [1.5], 0, 1) }, 1), `tensor 'a': ${fields}`],
    ['negative', file({ a: entry('U8', [-1, -1], 0, 1) }, 1), `tensor 'a': ${fields}`],
    [
      'type',
      file({ a: entry('F8_E4M3', [1], 0, 1) }, 1),
      `tensor 'a': numbers of type 'F8_E4M3' are not supported; wanted one of ${types}`,
    ],
    [
      'type of the prototype',
      file({ a: entry('constructor', [1], 0, 1) }, 1),
      `tensor 'a': numbers of type 'constructor' are not supported; wanted one of ${types}`,
    ],
    [
      'size',
      file({ a: entry('F32', [2], 0, 4) }, 0, 0, 0, 0),
      "tensor 'a': shape [2] of F32 wants 8 bytes, its offsets 0 to 4 give 4",
    ],
    [
      'backwards',
      file({ a: entry('U8', [1], 1, 0) }, 1),
      "tensor 'a': shape [1] of U8 wants 1 bytes, its offsets 1 to 0 give -1",
    ],
    [
      'product beyond exact integers',
      file({ a: entry('U8', [2 ** 30, 2 ** 30], 0, 1) }, 1),
      "tensor 'a': [1073741824,1073741824] is not the shape of a tensor",
    ],
    ['overlap', file(two(1), 1, 2, 3), "tensor 'b' begins at 1 and overlaps the tensor before it, which ends at 2"],
    ['gap', file(two(3), 1, 2, 3, 4, 5), "tensor 'b' begins at 3 and leaves a gap: the numbers before it end at 2"],
    [
      'gap at the start',
      file({ a: entry('U8', [1], 1, 2) }, 1, 2),
      "tensor 'a' begins at 1 and leaves a gap: the numbers before it end at 0",
    ],
    ['cut in the numbers', file(two(2), 1, 2, 3), 'the header describes 4 bytes of numbers, found 3'],
    ['surplus', file(two(2), 1, 2, 3, 4, 5), 'the header describes 4 bytes of numbers, found 5'],
    [
      'wide integer',
      file({ a: entry('I64', [1], 0, 8) }, 1, 0, 0, 0, 0, 0, 32, 0),
      "tensor 'a': number 0 is 9007199254740993, which a float64 cannot hold exactly",
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'a.safetensors')).toThrow(new FormatError(`a.safetensors: ${message}`));
  });

  test.each([
    ['no JSON', file('{"a":'), /^a\.safetensors: the header is not JSON: ./],
    ['no UTF-8', file('{}').fill(0xff, 9, 10), /^a\.safetensors: the header is not UTF-8$/],
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'a.safetensors')).toThrow(message);
  });

  test('a header that is nested a million times is refused, not followed', () => {
    const nested = `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
    expect(() => readSafetensors(file(nested))).toThrow(FormatError);
  });

  test('more tensors than are read are not written', () => {
    const empty = tensor([0], new Float32Array(0));
    const many = new Map(Array.from({ length: 100_000 }, (_, index) => [`t${index}`, empty]));
    expect(readSafetensors(writeSafetensors(many)).tensors.size).toBe(100_000);
    expect(() => writeSafetensors(new Map([...many, ['more', empty]]))).toThrow(
      'safetensors: 100001 entries in the header, more than the 100000 that are read',
    );
  });

  test('a name that the format keeps for itself is not written', () => {
    expect(() => writeSafetensors(new Map([['__metadata__', tensor([], [1])]]))).toThrow(
      new FormatError("safetensors: a tensor cannot be called '__metadata__'"),
    );
  });
});

test('bytes without a name are a safetensors file', () => {
  expect(() => readSafetensors(new Uint8Array(3))).toThrow(
    new FormatError("safetensors file: truncated: 3 bytes end within the header's length"),
  );
});
