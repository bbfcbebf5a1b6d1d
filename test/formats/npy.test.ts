/** Bytes as NumPy 2.4 wrote them (numpy.save, numpy.lib.format.write_array), and damaged ones. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readNpy, writeNpy } from '../../src/formats/tensors/npy.js';
import { tensor } from '../../src/tensor.js';
import { tensors } from './arbitrary.js';

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** A .npy file of version 1.0: 128 bytes of header as NumPy fills them up, then the numbers. */
function npy(header: string, numbers: string): Uint8Array {
  return Uint8Array.of(
    ...fromHex('934e554d505901007600'),
    ...new TextEncoder().encode(`${header.padEnd(117)}\n`),
    ...fromHex(numbers),
  );
}

const TWO_BY_THREE = npy(
  "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
  '0000803f0000004000004040000080400000a040000000bf',
);

describe('NumPy files', () => {
  test('row-major float32', () => {
    expect(readNpy(TWO_BY_THREE)).toEqual(tensor([2, 3], [1, 2, 3, 4, 5, -0.5]));
  });

  test('are what is written', () => {
    expect(writeNpy(tensor([2, 3], [1, 2, 3, 4, 5, -0.5]))).toEqual(TWO_BY_THREE);
  });

  test('column-major: the same array', () => {
    const header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    const bytes = npy(header, '0000803f00008040000000400000a04000004040000000bf');
    expect(readNpy(bytes)).toEqual(tensor([2, 3], [1, 2, 3, 4, 5, -0.5]));
  });

  test('column-major with three axes: number c·6 + b·2 + a of a file is element [a, b, c]', () => {
    const header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }";
    const bytes = npy(header, '000102030405060708090a0b');
    expect([...readNpy(bytes).data]).toEqual([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
  });

  test('big-endian float64', () => {
    const bytes = npy("{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }", '3ff8000000000000c000000000000000');
    expect(readNpy(bytes)).toEqual(tensor([2], Float64Array.of(1.5, -2)));
  });

  test('float16 scalar', () => {
    expect(readNpy(npy("{'descr': '<f2', 'fortran_order': False, 'shape': (), }", 'ff7b'))).toEqual(
      tensor([], [65504]),
    );
  });

  test('no numbers at all', () => {
    expect(readNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", ''))).toEqual(tensor([0, 3], []));
  });

  test.each([
    ['|b1', '0001', [0, 1]],
    ['|i1', '80ff', [-128, -1]],
    ['|u1', '80ff', [128, 255]],
    ['<i2', '0080ff7f', [-32768, 32767]],
    ['>u2', '0100ffff', [256, 65535]],
  ])('%s is read into float32', (descr, numbers, values) => {
    const bytes = npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': (2,), }`, numbers);
    expect(readNpy(bytes)).toEqual(tensor([2], values));
  });

  test.each([
    ['<i4', '01000001ffffffff', [16777217, -1]],
    ['<u4', '01000001ffffffff', [16777217, 4294967295]],
    ['<i8', 'ffffffffffff1f000000000000000080', [9007199254740991], 1],
    ['>u8', '001fffffffffffff', [9007199254740991]],
  ])('%s is read into float64, exactly', (descr, numbers, values, count = values.length) => {
    const size = Number(descr[2]);
    const bytes = npy(
      `{'descr': '${descr}', 'fortran_order': False, 'shape': (${count},), }`,
      numbers.slice(0, 2 * size * count),
    );
    expect(readNpy(bytes)).toEqual(tensor([count], Float64Array.from(values)));
  });

  test('header of version 2.0 and 3.0: four bytes of length', () => {
    for (const version of ['02', '03']) {
      const header = `${"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".padEnd(115)}\n`;
      const start = fromHex(`934e554d5059${version}0074000000`);
      const bytes = Uint8Array.of(...start, ...new TextEncoder().encode(header), ...fromHex('0000c03f00000040'));
      expect(readNpy(bytes)).toEqual(tensor([2], [1.5, 2]));
    }
  });

  test.each([
    `{"shape": (2,), "descr": "<f4", "fortran_order": False}`,
    `{ 'fortran_order':False,'shape':(2 ,) ,'descr':'=f4',}`,
    `{'descr': '<f4', 'fortran_order': False, 'shape': (2L,)}`,
  ])('other writers: %s', (header) => {
    expect(readNpy(npy(header, '0000c03f00000040'))).toEqual(tensor([2], [1.5, 2]));
  });
});

test('every tensor is read back bit for bit, whatever part of a larger buffer the bytes are', () => {
  fc.assert(
    fc.property(tensors, (x) => {
      const bytes = writeNpy(x);
      expect(bytes.length % 64).toBe((x.data.byteLength % 64) as number);
      const shifted = new Uint8Array(bytes.length + 3).subarray(3);
      shifted.set(bytes);
      const back = readNpy(shifted);
      expect(back.shape).toEqual(x.shape);
      expect(new Uint8Array(back.data.buffer)).toEqual(new Uint8Array(x.data.buffer));
    }),
  );
});

describe('as another type', () => {
  test('float16 rounds to the nearest', () => {
    const bytes = writeNpy(tensor([2], [0.1, -2]), 'float16');
    expect(bytes.subarray(-4)).toEqual(fromHex('662e00c0'));
    expect([...readNpy(bytes).data]).toEqual([0.0999755859375, -2]);
  });

  test('float64 holds every float32', () => {
    expect(readNpy(writeNpy(tensor([1], [0.1]), 'float64')).data).toEqual(Float64Array.of(0.10000000149011612));
  });

  test('numbers beyond the type are not made infinite; infinity itself stays', () => {
    expect(() => writeNpy(tensor([2], [1, 70000]), 'float16', 'conv/kernel')).toThrow(
      new FormatError('conv/kernel: number 1 is 70000, too large for float16'),
    );
    expect(() => writeNpy(tensor([1], Float64Array.of(1e39)), 'float32')).toThrow(
      'npy file: number 0 is 1e+39, too large for float32',
    );
    expect([...readNpy(writeNpy(tensor([2], [Infinity, -Infinity]), 'float16')).data]).toEqual([Infinity, -Infinity]);
  });
});

describe('errors', () => {
  const header = (fields: string) => npy(fields, '0000c03f00000040');
  const wanted = "a.npy: wanted a header {'descr': …, 'fortran_order': …, 'shape': (…)}, found ";
  const types = 'b1, i1, u1, i2, u2, i4, u4, i8, u8, f2, f4, f8';
  test.each<[string, Uint8Array, string]>([
    ['nothing', Uint8Array.of(), 'a.npy: not a .npy file: it does not begin with \\x93NUMPY'],
    ['magic alone', TWO_BY_THREE.slice(0, 6), 'a.npy: .npy version missing is not supported; wanted 1, 2 or 3'],
    [
      'version 4',
      Uint8Array.from(TWO_BY_THREE).fill(4, 6, 7),
      'a.npy: .npy version 4 is not supported; wanted 1, 2 or 3',
    ],
    ['cut in the length', TWO_BY_THREE.slice(0, 9), 'a.npy: truncated: 9 bytes end within the .npy header'],
    [
      'cut in the header',
      TWO_BY_THREE.slice(0, 100),
      'a.npy: truncated: the .npy header ends at byte 128, the file at 100',
    ],
    [
      'cut in the numbers',
      TWO_BY_THREE.slice(0, -1),
      'a.npy: shape [2,3] of float32 wants 24 bytes of numbers, found 23',
    ],
    ['surplus', Uint8Array.of(...TWO_BY_THREE, 0), 'a.npy: shape [2,3] of float32 wants 24 bytes of numbers, found 25'],
    [
      'text',
      header("{'descr': '<U1', 'fortran_order': False, 'shape': (2,), }"),
      `a.npy: arrays of type '<U1' are not supported; wanted one of ${types}`,
    ],
    [
      'objects',
      header("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"),
      `a.npy: arrays of type '|O' are not supported; wanted one of ${types}`,
    ],
    [
      'complex',
      header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"),
      `a.npy: arrays of type '<c8' are not supported; wanted one of ${types}`,
    ],
    [
      'prototype',
      header("{'descr': '<constructor', 'fortran_order': False, 'shape': (1,), }"),
      `a.npy: arrays of type '<constructor' are not supported; wanted one of ${types}`,
    ],
    [
      'records',
      header("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }"),
      `${wanted}"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }"`,
    ],
    ['code', header("__import__('os').system('ls')"), `${wanted}"__import__('os').system('ls')"`],
    ['missing field', header("{'descr': '<f4', 'shape': (2,), }"), `${wanted}"{'descr': '<f4', 'shape': (2,), }"`],
    [
      'field twice',
      header("{'shape': (2,), 'descr': '<f4', 'shape': (2,), 'fortran_order': False}"),
      `${wanted}"{'shape': (2,), 'descr': '<f4', 'shape': (2,), 'fortran_order': False}"`,
    ],
    [
      'surplus field',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': True}"),
      `${wanted}"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': True}"`,
    ],
    [
      'no tuple',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (2), }"),
      `${wanted}"{'descr': '<f4', 'fortran_order': False, 'shape': (2), }"`,
    ],
    [
      'two commas',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,,), }"),
      `${wanted}"{'descr': '<f4', 'fortran_order': False, 'shape': (2,,), }"`,
    ],
    [
      'huge',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740993,), }"),
      'a.npy: [9007199254740992] is not the shape of a tensor',
    ],
    [
      'huge product',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"),
      'a.npy: [4294967296,4294967296] is not the shape of a tensor',
    ],
    ['65 axes', npyOf65Axes(), 'a.npy: wanted a shape of at most 64 axes, found 65'],
    [
      'wide integer',
      npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", '0000000000002080'),
      'a.npy: number 0 is -9214364837600034816, which a float64 cannot hold exactly',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readNpy(bytes, 'a.npy')).toThrow(new FormatError(message));
  });

  function npyOf65Axes(): Uint8Array {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${'1,'.repeat(65)}), }`;
    return Uint8Array.of(...fromHex('934e554d50590100'), text.length, 0, ...new TextEncoder().encode(text), 0, 0, 0, 0);
  }
});
