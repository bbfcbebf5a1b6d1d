/** Each instruction of a pickle, and what it leaves by Python's Lib/pickletools.py. */
import { expect, test } from 'vitest';
import { type Pickled, PickledGlobal, readPickle } from '../../../src/formats/pytorch/pickle.js';
import { global, MARK } from './torch-file.js';

const meaning = {
  expectKnown: () => {},
  call: (name: string, parameters: readonly Pickled[]) => ({ name, parameters }),
  persistent: (id: Pickled) => ({ id }),
};
const read = (...instructions: readonly number[]) =>
  readPickle(Uint8Array.from([0x80, 2, ...instructions, 0x2e]), meaning, 'f');

const [ONE, TWO] = [
  [0x4b, 1],
  [0x4b, 2],
];
const [A, B] = [
  [0x8c, 1, 0x61],
  [0x8c, 1, 0x62],
];
const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
const F = new PickledGlobal('m.f');

test.each<[name: string, instructions: readonly number[], value: unknown]>([
  ['NONE', [0x4e], null],
  ['NEWTRUE', [0x88], true],
  ['NEWFALSE', [0x89], false],
  ['BININT', [0x4a, 0xfe, 0xff, 0xff, 0xff], -2],
  ['BININT1', [0x4b, 200], 200],
  ['BININT2', [0x4d, 0x39, 0x30], 12345],
  ['LONG1 of no bytes', [0x8a, 0], 0],
  ['LONG1', [0x8a, 2, 0x00, 0x80], -32768],
  ['LONG1 beyond 2⁵³', [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x40], 2n ** 62n],
  ['LONG4', [0x8b, 1, 0, 0, 0, 0xff], -1],
  ['BINFLOAT', [0x47, 0xc0, 0x04, 0, 0, 0, 0, 0, 0], -2.5],
  ['SHORT_BINSTRING', [0x55, 1, 0x61], 'a'],
  ['BINSTRING', [0x54, 1, 0, 0, 0, 0x61], 'a'],
  ['SHORT_BINUNICODE', [0x8c, 2, 0xc3, 0xb6], 'ö'],
  ['BINUNICODE', [0x58, 1, 0, 0, 0, 0x61], 'a'],
  ['BINUNICODE8', [0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0x61], 'a'],
  ['SHORT_BINBYTES', [0x43, 2, 1, 2], bytes(1, 2)],
  ['BINBYTES', [0x42, 2, 0, 0, 0, 1, 2], bytes(1, 2)],
  ['BINBYTES8', [0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 3], bytes(3)],
  ['BYTEARRAY8', [0x96, 1, 0, 0, 0, 0, 0, 0, 0, 3], bytes(3)],
  ['EMPTY_LIST', [0x5d], []],
  ['EMPTY_TUPLE', [0x29], []],
  ['EMPTY_SET', [0x8f], []],
  ['LIST', [MARK, ...ONE, ...TWO, 0x6c], [1, 2]],
  ['TUPLE', [MARK, ...ONE, ...TWO, 0x74], [1, 2]],
  ['FROZENSET', [MARK, ...ONE, ...TWO, 0x91], [1, 2]],
  ['TUPLE1', [...ONE, 0x85], [1]],
  ['TUPLE2', [...ONE, ...TWO, 0x86], [1, 2]],
  ['TUPLE3', [...ONE, ...TWO, ...ONE, 0x87], [1, 2, 1]],
  ['APPEND', [0x5d, ...ONE, 0x61, ...TWO, 0x61], [1, 2]],
  ['APPENDS', [0x5d, MARK, ...ONE, ...TWO, 0x65], [1, 2]],
  ['ADDITEMS', [0x8f, MARK, ...ONE, ...TWO, 0x90], [1, 2]],
  ['EMPTY_DICT', [0x7d], new Map()],
  [
    'DICT',
    [MARK, ...A, ...ONE, ...B, ...TWO, 0x64],
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  ],
  ['SETITEM', [0x7d, ...A, ...ONE, 0x73], new Map([['a', 1]])],
  [
    'SETITEMS',
    [0x7d, MARK, ...A, ...ONE, ...B, ...TWO, 0x75],
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  ],
  ['POP', [...ONE, ...TWO, 0x30], 1],
  ['POP of a mark', [...ONE, MARK, 0x30], 1],
  ['POP_MARK', [...ONE, MARK, ...TWO, 0x31], 1],
  ['DUP', [...ONE, 0x32, 0x86], [1, 1]],
  ['BINPUT and BINGET', [...ONE, 0x71, 3, 0x30, ...TWO, 0x68, 3, 0x86], [2, 1]],
  ['LONG_BINPUT and LONG_BINGET', [...ONE, 0x72, 3, 0, 0, 0, 0x30, ...TWO, 0x6a, 3, 0, 0, 0, 0x86], [2, 1]],
  ['MEMOIZE', [...ONE, 0x94, 0x30, ...TWO, 0x94, 0x68, 1, 0x68, 0, 0x87], [2, 2, 1]],
  ['GLOBAL', global('m', 'f'), F],
  ['STACK_GLOBAL', [0x8c, 1, 0x6d, 0x8c, 1, 0x66, 0x93], F],
  ['REDUCE', [...global('m', 'f'), ...ONE, 0x85, 0x52], { name: 'm.f', parameters: [1] }],
  ['BINPERSID', [...ONE, 0x51], { id: 1 }],
  ['BUILD', [0x7d, ...ONE, 0x62], new Map()],
  ['FRAME', [0x95, 2, 0, 0, 0, 0, 0, 0, 0, ...ONE], 1],
])('%s', (_, instructions, value) => {
  expect(read(...instructions)).toEqual(value);
});
