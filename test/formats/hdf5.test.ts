/** HDF5 files built to keep a reader busy or to make it run out of memory; each is refused in time that grows with the file, a second or so. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { openHdf5 } from '../../src/formats/hdf5/hdf5.js';
import { readTensors } from '../../src/formats/index.js';
import { tensor } from '../../src/tensor.js';
import { h5File } from './h5.js';

/** 1 to 8 bytes, little-endian. */
const little = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) % 256);

/** Positions of a run of bytes. */
function findAll(bytes: Uint8Array, run: readonly number[]): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(run[0]); at >= 0; at = bytes.indexOf(run[0], at + 1)) {
    if (run.every((byte, index) => bytes[at + index] === byte)) found.push(at);
  }
  return found;
}

/** Processor time, which does not depend on who else uses the machine. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

const append = (...parts: ArrayLike<number>[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => Array.from(part)));

const CIRCLES = 'x: damaged: its HDF5 structure leads in circles';

describe('hostile files', () => {
  let begin = 0;
  beforeEach(() => {
    begin = cpuMs();
  });
  afterEach(() => expect(cpuMs() - begin).toBeLessThan(3000));

  const refused = (bytes: Uint8Array, message: string) =>
    expect(readTensors(bytes, 'x')).rejects.toThrow(new FormatError(message));

  // 20,000 times the same child that has 20,000 times the same child; 'XXXX', since jsfive does not look at the signature
  test.each(['TREE', 'XXXX'])('a tree of repeated children, signed %s', async (signature) => {
    const file = await h5File((root) => root.create_group('g'));
    const [tree] = findAll(file, ascii('TREE'));
    const [symbols] = findAll(file, ascii('SNOD'));
    const MANY = 20_000;
    const node = (level: number, child: number) => [
      ...ascii(signature),
      0,
      level,
      ...little(MANY, 2),
      ...new Array(16).fill(255),
      ...Array.from({ length: MANY }, () => [...little(0, 8), ...little(child, 8)]).flat(),
      ...little(0, 8),
    ];
    const leaf = node(0, symbols);
    const bytes = append(file, leaf, node(1, file.length));
    for (const at of findAll(file, little(tree, 8))) bytes.set(little(file.length + leaf.length, 8), at);
    begin = cpuMs();
    await refused(bytes, CIRCLES);
  });

  test('an attribute that states 16 million texts', async () => {
    const file = await h5File((root) => root.create_attribute('names', ['abcdefgh', 'ijklmnop', 'q'], [3], 'S8'));
    const [at] = findAll(file, ascii('abcdefgh'));
    const [name] = findAll(file, ascii('names'));
    // its size, and the largest that it may have
    for (const dimension of findAll(file.subarray(name, at), little(3, 8)))
      file.set(little(2 ** 24, 8), name + dimension);
    const root = await openHdf5(file, 'x');
    expect(() => root.texts('names')).toThrow(
      new FormatError(`x: damaged: an attribute states 16777216 values of 8 bytes in a file of ${file.length}`),
    );
  });

  test('an attribute that repeats one long text', async () => {
    const LONG = 50_000;
    const file = await h5File((root) => {
      root.create_attribute('long', ['y'.repeat(LONG)], [1], 'S');
      root.create_attribute('many', new Array(3000).fill('z'), [3000], 'S');
    });
    // a reference is the length, the address of a heap, which begins with GCOL, and the number of the text in it
    const heaps = findAll(file, ascii('GCOL'));
    const references = (length: number) =>
      findAll(file, little(length, 4)).filter((at) =>
        heaps.some((heap) => findAll(file.subarray(at + 4, at + 12), little(heap, 8)).length > 0),
      );
    const [long] = references(LONG);
    const [first] = references(1);
    const reference = file.slice(long, long + 16);
    for (let index = 0; index < 3000; index++) file.set(reference, first + 16 * index);
    const root = await openHdf5(file, 'x');
    expect(() => root.texts('many')).toThrow(new FormatError(CIRCLES));
  });

  test('header chunks that overlap', async () => {
    const file = await h5File((root) => root.create_group('g'), 'v108');
    const [EMPTY, MANY] = [200_000, 2000];
    const messages = Array.from({ length: MANY }, (_, index) => [
      0x10,
      ...little(16, 2),
      0,
      ...little(file.length + index, 8),
      ...little(EMPTY - 100_000, 8),
    ]).flat();
    const header = [...ascii('OHDR'), 2, 2, ...little(messages.length, 4), ...messages];
    const bytes = append(file, new Uint8Array(EMPTY), header);
    bytes.set(little(file.length + EMPTY, 8), 36);
    begin = cpuMs();
    await refused(bytes, CIRCLES);
  });

  test('a tree that states 65,535 levels', async () => {
    const file = await h5File((root) => {
      for (let index = 0; index < 12; index++) root.create_group(`group${index}`);
    }, 'v108');
    const [header] = findAll(file, ascii('BTHD'));
    file.set(little(0xffff, 2), header + 12);
    await refused(file, CIRCLES);
  });

  test('a group that contains itself', async () => {
    const file = await h5File((root) => {
      root.create_group('g');
      root.create_hard_link('/', '/g/loop');
      root.create_hard_link('/', '/g/again');
    });
    await expect(readTensors(file, 'x')).rejects.toThrow(
      /^x: (groups nested deeper than 32 at 'g\/|damaged: its HDF5 structure)/,
    );
  });
});

test('headers of no version', async () => {
  const file = await h5File((root) => root.create_group('g'));
  // In a superblock of version 0 the root's header is at the address in byte 64.
  const root = new DataView(file.buffer, file.byteOffset).getUint32(64, true);
  file[root] = 77;
  await expect(readTensors(file, 'x')).rejects.toThrow(
    new FormatError("x: damaged or unsupported HDF5 at /: InvalidHDF5File('unknown Data Object Header')"),
  );
  new DataView(file.buffer, file.byteOffset).setUint32(64, 2 ** 30, true);
  await expect(readTensors(file, 'x')).rejects.toThrow(new FormatError('x: damaged or unsupported HDF5 at /'));
});

test('links to elsewhere', async () => {
  const file = await h5File((root) => {
    root.create_dataset({ name: 'a', data: Float32Array.of(1) });
    root.create_soft_link('/a', 'soft');
  });
  const root = await openHdf5(file, 'x');
  expect(root.names).toEqual(['a', 'soft']);
  expect(() => root.tensor('soft')).toThrow(
    new FormatError("x: 'soft' is a link to another place, which is not supported"),
  );
  expect(() => root.tensor('constructor')).toThrow(new FormatError("x: there is no 'constructor'"));
  expect(() => root.tensor('a/b')).toThrow(new FormatError("x: 'a' is a dataset, wanted a group"));
});

test.each<[string, Float32Array | Float64Array | Int8Array | Uint16Array | BigInt64Array, Float32Array | Float64Array]>(
  [
    ['<f', Float32Array.of(0.1, -2), Float32Array.of(0.1, -2)],
    ['<d', Float64Array.of(0.1, -2), Float64Array.of(0.1, -2)],
    ['<b', Int8Array.of(-128, 127), Float32Array.of(-128, 127)],
    ['<H', Uint16Array.of(65535, 0), Float32Array.of(65535, 0)],
    ['<q', BigInt64Array.of(-5n, 9007199254740991n), Float64Array.of(-5, 9007199254740991)],
  ],
)('numbers of type %s', async (dtype, data, numbers) => {
  const file = await h5File((root) => root.create_dataset({ name: 'a', data, shape: [2, 1], dtype }));
  expect((await openHdf5(file)).tensor('a')).toEqual(tensor([2, 1], numbers));
});

describe('datasets that lie', () => {
  test('an integer that no float64 holds', async () => {
    const file = await h5File((root) =>
      root.create_dataset({ name: 'a', data: BigInt64Array.of(1n, 2n ** 60n), dtype: '<q' }),
    );
    const root = await openHdf5(file, 'x');
    expect(() => root.tensor('a')).toThrow(
      "x: 'a': number 1 is about 1152921504606847000, which a float64 cannot hold exactly",
    );
  });

  test('numbers that were never written', async () => {
    const file = await h5File((root) => root.create_dataset({ name: 'a', data: Float32Array.of(1, 2, 3), shape: [3] }));
    // The layout message says where they are, and that they take 12 bytes; all bits set is nowhere.
    const [numbers] = findAll(file, [...new Uint8Array(Float32Array.of(1, 2, 3).buffer)]);
    for (const at of findAll(file, [...little(numbers, 8), ...little(12, 8)])) file.fill(255, at, at + 8);
    const root = await openHdf5(file, 'x');
    expect(() => root.tensor('a')).toThrow(new FormatError("x: 'a': its numbers were never written"));
  });

  test('more numbers than the file has bytes for', async () => {
    const file = await h5File((root) => root.create_dataset({ name: 'a', data: new Float32Array(77), shape: [77] }));
    for (const at of findAll(file, little(77, 8))) file.set(little(2 ** 28, 8), at);
    const root = await openHdf5(file, 'x');
    expect(() => root.tensor('a')).toThrow(
      new FormatError(`x: 'a': shape [268435456] of <f4 takes 1073741824 bytes, the file has ${file.length}`),
    );
  });
});
