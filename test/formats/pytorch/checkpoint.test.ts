/** PyTorch's files: pickles written instruction by instruction, and what they must come to by PyTorch's documentation. */
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.js';
import { readNetwork, readTensors } from '../../../src/formats/index.js';
import { npz } from '../../../src/formats/readers/npz.js';
import { mobilenetV2 } from '../../../src/models/index.js';
import {
  type Bytes,
  call,
  dict,
  FALSE,
  global,
  int,
  MARK,
  NONE,
  ordered,
  orderedDict,
  pickle,
  type Stored,
  tensorOf,
  text,
  torchFile,
  tuple,
} from './torch-file.js';

const six = Float32Array.of(1, 2, 3, 4, 5, 6);
const w: Stored = { key: '0', shape: [2, 3], strides: [3, 1] };
const weights = orderedDict([['fc.weight', tensorOf(w)]]);

const read = async (value: Bytes, storages: Parameters<typeof torchFile>[1] = { 0: six }) =>
  Object.fromEntries(
    [...(await readTensors(torchFile(value, storages), 'm.pth'))].map(([name, x]) => [name, [x.shape, [...x.data]]]),
  );

const refusal = async (value: Bytes, storages: Parameters<typeof torchFile>[1] = { 0: six }): Promise<string> => {
  const error = await readTensors(torchFile(value, storages), 'm.pth').catch((reason) => reason);
  expect(error).toBeInstanceOf(FormatError);
  return error.message;
};

test('a state dict, and the numbers where they lie in the file', async () => {
  const file = torchFile(weights, { 0: six });
  const x = (await readTensors(file)).get('fc.weight')!;
  expect(x.shape).toEqual([2, 3]);
  expect([...x.data]).toEqual([1, 2, 3, 4, 5, 6]);
});

test.each([
  ['transposed', { ...w, shape: [3, 2], strides: [1, 3] }, [1, 4, 2, 5, 3, 6]],
  ['from the third on', { ...w, shape: [2, 2], strides: [2, 1], offset: 2 }, [3, 4, 5, 6]],
  ['a column', { ...w, shape: [2], strides: [3], offset: 1 }, [2, 5]],
  ['an axis of one, whose stride says nothing', { ...w, shape: [1, 6], strides: [99, 1] }, [1, 2, 3, 4, 5, 6]],
  ['channels_last [O 1, I 2, H 1, W 3]', { ...w, shape: [1, 2, 1, 3], strides: [6, 1, 6, 2] }, [1, 3, 5, 2, 4, 6]],
  ['a single number', { ...w, shape: [], strides: [], offset: 5 }, [6]],
  ['none', { ...w, shape: [0, 3], strides: [3, 1] }, []],
] as [string, Stored, number[]][])('strides: %s', async (_, stored, numbers) => {
  expect(await read(orderedDict([['x', tensorOf(stored)]]))).toEqual({ x: [stored.shape, numbers] });
});

test.each([
  ['DoubleStorage', Float64Array.of(0.1, -2)],
  ['LongStorage', BigInt64Array.of(1n, -2n)],
  ['IntStorage', Int32Array.of(1, -2)],
  ['ShortStorage', Int16Array.of(1, -2)],
  ['CharStorage', Int8Array.of(1, -2)],
  ['ByteStorage', Uint8Array.of(1, 254)],
] as const)('%s', async (type, numbers) => {
  const value = orderedDict([['x', tensorOf({ key: 'a', shape: [2], strides: [1], type })]]);
  expect(await read(value, { a: numbers })).toEqual({ x: [[2], [...numbers].map(Number)] });
});

test.each([
  ['HalfStorage', [0x3c00, 0xc000]], // IEEE 754 binary16: 1 and −2
  ['BFloat16Storage', [0x3f80, 0xc000]],
])('%s', async (type, patterns) => {
  const value = orderedDict([['x', tensorOf({ key: 'a', shape: [2], strides: [1], type })]]);
  expect(await read(value, { a: Uint16Array.from(patterns) })).toEqual({ x: [[2], [1, -2]] });
});

test('what lies beside the weights and nobody reads: numbers of numpy, defaultdicts', async () => {
  const number = (module: string) =>
    call(global(`${module}.multiarray`, 'scalar'), call(global('numpy', 'dtype'), text('f8')), text('12345678'));
  expect(
    await read(
      dict([
        ['best', number('numpy.core')],
        ['last', number('numpy._core')],
        ['log', call(global('collections', 'defaultdict'), global('__builtin__', 'list'))],
        [
          'run',
          dict([
            ['model', weights],
            ['optimizer', dict([['state', dict([['m', tensorOf(w)]])]])],
          ]),
        ],
      ]),
    ),
  ).toEqual({
    'fc.weight': [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
  });
});

test('big-endian numbers, of a file that says so', async () => {
  const big = new Uint8Array(8);
  new DataView(big.buffer).setFloat32(0, 1.5, false);
  new DataView(big.buffer).setFloat32(4, -3, false);
  const value = orderedDict([['x', tensorOf({ key: '0', shape: [2], strides: [1] })]]);
  const file = torchFile(value, { 0: big }, { byteorder: new TextEncoder().encode('big') });
  expect([...(await readTensors(file)).get('x')!.data]).toEqual([1.5, -3]);
});

const parameter = call(global('torch._utils', '_rebuild_parameter'), tensorOf(w), FALSE, ordered);
const untyped = [
  ...tuple(text('storage'), global('torch.storage', 'UntypedStorage'), text('0'), text('cpu'), int(24)),
  0x51,
];
const third = call(
  global('torch._utils', '_rebuild_tensor_v3'),
  untyped,
  int(0),
  tuple(int(2), int(3)),
  tuple(int(3), int(1)),
  FALSE,
  ordered,
  global('torch', 'float32'),
);

test.each([
  ['a plain dict', dict([['fc.weight', tensorOf(w)]])],
  ['parameters', dict([['fc.weight', parameter]])],
  ['a tensor whose storage has no type', dict([['fc.weight', third]])],
  [
    'counts beside the tensors',
    dict([
      ['fc.weight', tensorOf(w)],
      ['steps', int(7)],
      ['none', NONE],
    ]),
  ],
  [
    'under state_dict',
    dict([
      ['epoch', int(3)],
      ['state_dict', weights],
      ['best', tuple(int(1), NONE)],
    ]),
  ],
  ['under any name', dict([['the weights', weights]])],
  [
    'beside what an optimiser keeps',
    dict([
      ['model', weights],
      ['optimizer', dict([['state', dict([['0', dict([['m', tensorOf(w)]])]])]])],
    ]),
  ],
  [
    'beside a tensor of its own',
    dict([
      ['best_acc1', tensorOf({ ...w, shape: [], strides: [] })],
      ['state_dict', weights],
    ]),
  ],
  [
    'beside averages, which are taken',
    dict([
      ['model', orderedDict([['other', tensorOf(w)]])],
      ['model_ema', weights],
    ]),
  ],
  [
    'with torch.Size and a set',
    dict([
      ['size', call(global('torch', 'Size'), tuple(int(2)))],
      ['s', call(global('__builtin__', 'set'), [0x5d, MARK, ...int(1), 0x65])],
      ['m', weights],
    ]),
  ],
] as [string, Bytes][])('%s', async (_, value) => {
  expect(await read(value)).toEqual({
    'fc.weight': [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
  });
});

test('protocol 4: short texts, STACK_GLOBAL, MEMOIZE and frames', async () => {
  const short = (value: string): Bytes => [0x8c, value.length, ...new TextEncoder().encode(value), 0x94];
  const stackGlobal = (module: string, name: string): Bytes => [...short(module), ...short(name), 0x93, 0x94];
  const id = [
    MARK,
    ...short('storage'),
    ...stackGlobal('torch', 'FloatStorage'),
    ...short('0'),
    ...short('cpu'),
    0x4b,
    6,
    0x74,
    0x51,
  ];
  const tensor: Bytes = [
    ...stackGlobal('torch._utils', '_rebuild_tensor_v2'),
    ...[MARK, ...id, 0x4b, 0, 0x4b, 2, 0x4b, 3, 0x86, 0x4b, 3, 0x4b, 1, 0x86, 0x89],
    ...[...stackGlobal('collections', 'OrderedDict'), 0x29, 0x52, 0x74, 0x94, 0x52, 0x94],
  ];
  const frame = [0x95, 0, 0, 0, 0, 0, 0, 0, 0];
  const value: Bytes = [...frame, 0x7d, 0x94, ...short('x'), ...tensor, 0x73, ...short('y'), 0x68, 15, 0x73];
  const found = await read(value);
  expect(found).toEqual({
    x: [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
    y: [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
  });
});

const WAY_OUT = 'save the weights alone: torch.save(model.state_dict(), FILE)';

test.each([
  ['os', 'system'],
  ['builtins', 'eval'],
  ['torchvision.models.mobilenetv2', 'MobileNetV2'],
  ['argparse', 'Namespace'],
  ['torch._utils', '_rebuild_qtensor'],
  ['torch', 'ComplexFloatStorage'],
])('%s.%s is refused by its name, wherever it stands', async (module, name) => {
  for (const x of [call(global(module, name), text('rm')), global(module, name)]) {
    const value = dict([
      ['m', weights],
      ['x', x],
    ]);
    const place = 2 + new TextDecoder('latin1').decode(Uint8Array.from(value)).indexOf(`c${module}\n${name}\n`);
    expect(await refusal(value)).toBe(
      `m.pth: archive/data.pkl: byte ${place}: holds '${module}.${name}', which is not read: tensors and plain containers are, and nothing is executed; ${WAY_OUT}`,
    );
  }
});

/** Where the last instruction of one byte stands, behind two that say the protocol. */
const at = 'm.pth: archive/data.pkl: byte LAST: ';

test.each([
  [
    'an object',
    [...global('collections', 'OrderedDict'), 0x29, 0x81],
    `${at}an object of the class 'collections.OrderedDict', which is not read`,
  ],
  [
    'an instruction of protocol 0',
    [0x49, 0x31, 0x0a],
    'm.pth: archive/data.pkl: byte 2: the instruction INT is not read; wanted plain data of protocol 2 to 5',
  ],
  ['no instruction', [0xff], `${at}damaged: there is no instruction 0xff`],
  [
    'a type that is called',
    call(global('torch', 'FloatStorage')),
    `${at}calls 'torch.FloatStorage', which is no function`,
  ],
  [
    'a storage of another kind',
    [...tuple(text('module'), text('x')), 0x51],
    `${at}wanted a persistent id of ('storage', type, key, place, size)`,
  ],
  [
    'a tensor of no storage',
    call(global('torch._utils', '_rebuild_tensor_v2'), NONE, int(0), tuple(), tuple()),
    `${at}wanted a tensor of a storage, an offset, sizes and strides`,
  ],
  [
    'strides for other axes',
    tensorOf({ ...w, strides: [1] }),
    `${at}wanted a stride for each of at most 10 axes, found [1] for [2,3]`,
  ],
  [
    'a negative size',
    tensorOf({ ...w, shape: [-2, 3] }),
    `${at}wanted a tensor of a storage, an offset, sizes and strides`,
  ],
  ['a single tensor', tensorOf(w), `m.pth: wanted a state dict, found a single tensor; ${WAY_OUT}`],
  ['a list', tuple(tensorOf(w)), `m.pth: wanted a state dict, found a list of 1 items; ${WAY_OUT}`],
  [
    'no tensors',
    dict([['epoch', int(1)]]),
    `m.pth: wanted a state dict, found a dict without tensors ('epoch'); ${WAY_OUT}`,
  ],
  [
    'two state dicts',
    dict([
      ['generator', weights],
      ['critic', orderedDict([['x', tensorOf(w)]])],
    ]),
    "m.pth: holds 2 state dicts, 'generator', 'critic'; save the one that is wanted: torch.save(checkpoint['generator'], FILE)",
  ],
  [
    'numbers that are missing',
    orderedDict([['x', tensorOf({ ...w, key: '7' })]]),
    "m.pth: tensor 'x': the archive has no entry 'archive/data/7' for its numbers",
  ],
  [
    'numbers behind the end',
    orderedDict([['x', tensorOf({ ...w, offset: 1 })]]),
    "m.pth: tensor 'x': wants the numbers 1 to 7 of type float32, 'archive/data/0' has 6",
  ],
  [
    'numbers that are repeated',
    orderedDict([['x', tensorOf({ ...w, shape: [1000, 1000], strides: [0, 0] })]]),
    "m.pth: tensor 'x': tensors that repeat the file's numbers are not read (strides [0,0])",
  ],
  ['a mark that is missing', [0x74], `${at}damaged: a mark is missing`],
  ['a value that is missing', [0x52], `${at}damaged: a value is missing`],
  ['a memory that is empty', [0x68, 5], 'm.pth: archive/data.pkl: byte 2: damaged: nothing was remembered as 5'],
  ['an ordered dict of a number', call(global('collections', 'OrderedDict'), int(1)), `${at}wanted a dict`],
  ['a size of a number', call(global('torch', 'Size'), int(1)), `${at}wanted a list`],
  [
    'a parameter of nothing',
    call(global('torch._utils', '_rebuild_parameter'), NONE, FALSE, ordered),
    `${at}wanted a parameter made of a tensor`,
  ],
  [
    'numbers of no type',
    call(
      global('torch._utils', '_rebuild_tensor_v2'),
      [...tuple(text('storage'), global('torch.storage', 'UntypedStorage'), text('0'), text('cpu'), int(24)), 0x51],
      ...[int(0), tuple(int(6)), tuple(int(1)), FALSE, ordered],
    ),
    `${at}a tensor without a number type`,
  ],
] as [string, Bytes, string][])('%s', async (_, value, message) => {
  expect(await refusal(value)).toBe(message.replace('LAST', `${1 + value.length}`));
});

test('a pickle that ends too soon', async () => {
  const file = torchFile([0x58, 100, 0, 0, 0], {});
  await expect(readTensors(file, 'm.pth')).rejects.toThrow(
    'm.pth: archive/data.pkl: byte 2: truncated: 100 more bytes are wanted, the pickle has 1',
  );
});

test('dicts that hold each other, and lists that hold themselves, end', async () => {
  const itself: Bytes = [0x5d, 0x71, 0, 0x68, 0, 0x61]; // l = []; l.append(l)
  expect(
    await read(
      dict([
        ['l', itself],
        ['m', weights],
      ]),
    ),
  ).toEqual({
    'fc.weight': [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
  });
});

test('TorchScript is refused with the way out', async () => {
  const file = torchFile(dict([]), {}, { 'constants.pkl': pickle(tuple()) });
  await expect(readTensors(file, 'm.pt')).rejects.toThrow(
    `m.pt: is a TorchScript program, which is not read; ${WAY_OUT}, or export the model as ONNX: torch.onnx.export`,
  );
});

/** Codes and names of pickletools.py. */
test.each([
  [105, 'INST'],
  [111, 'OBJ'],
  [130, 'EXT1'],
  [131, 'EXT2'],
  [132, 'EXT4'],
  [80, 'PERSID'],
  [70, 'FLOAT'],
  [73, 'INT'],
  [76, 'LONG'],
  [83, 'STRING'],
  [86, 'UNICODE'],
  [103, 'GET'],
  [112, 'PUT'],
  [151, 'NEXT_BUFFER'],
  [152, 'READONLY_BUFFER'],
])('the instruction %i, %s, is refused by its name', async (code, name) => {
  expect(await refusal([code])).toBe(
    `m.pth: archive/data.pkl: byte 2: the instruction ${name} is not read; wanted plain data of protocol 2 to 5`,
  );
});

const ANYTHING = global('collections', 'OrderedDict');
/** Behind two bytes that say the protocol; 25 are the name of OrderedDict. */
test.each<[what: string, instructions: Bytes, place: number, message: string]>([
  ['an instruction that there is not', [0x07], 2, 'damaged: there is no instruction 0x07'],
  [
    'an object of a class',
    [...ANYTHING, 0x29, 0x81],
    28,
    "an object of the class 'collections.OrderedDict', which is not read",
  ],
  ['an object of no class', [0x29, 0x29, 0x92], 4, "an object of the class 'unknown', which is not read"],
  ['a name without an end', [0x63, 0x61], 2, 'truncated: a name without an end'],
  ['a wide whole number', [0x8a, 17], 2, 'a whole number of 17 bytes; at most 16 are read'],
  ['bytes beyond the end', [0x42, 9, 0, 0, 0], 2, 'truncated: 9 more bytes are wanted, the pickle has 1'],
  ['a value that is not there', [0x30], 2, 'damaged: a value is missing'],
  ['a mark for a value', [MARK, 0x32], 3, 'damaged: a value is missing'],
  ['a mark that is not there', [0x74], 2, 'damaged: a mark is missing'],
  ['items of no list', [...NONE, ...NONE, 0x61], 4, 'damaged: items without a list'],
  ['items of no dict', [...NONE, ...NONE, ...NONE, 0x73], 5, 'damaged: keys and values without a dict'],
  ['half an item', [0x7d, MARK, ...NONE, 0x75], 5, 'damaged: keys and values without a dict'],
  ['a memory that is not there', [0x68, 3], 2, 'damaged: nothing was remembered as 3'],
  ['a global of no name', [...NONE, ...NONE, 0x93], 4, 'damaged: a global without a name'],
  ['a global of half a name', [...text('torch'), ...NONE, 0x93], 13, 'damaged: a global without a name'],
  ['a call of no function', [...NONE, 0x29, 0x52], 4, 'damaged: a call of no function'],
  ['a call without parameters', [...ANYTHING, ...NONE, 0x52], 28, 'damaged: a call of no function'],
  ['attributes of a list', [0x5d, 0x7d, 0x62], 4, 'attributes of an object that is no dict are not read'],
  ['a newer protocol', [0x80, 6], 2, 'wanted protocol 2 to 5, found 6'],
])('%s', async (_, instructions, place, message) => {
  expect(await refusal(instructions)).toBe(`m.pth: archive/data.pkl: byte ${place}: ${message}`);
});

test('the form before PyTorch 1.6, and other pickles, are refused by name', async () => {
  const old = Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e);
  await expect(readNetwork(old, { fileName: 'm.pth' })).rejects.toThrow(
    'm.pth: is a PyTorch file of the form before version 1.6 (no zip archive), which is not read; load it with PyTorch',
  );
  await expect(readTensors(pickle(dict([])), 'm.pkl')).rejects.toThrow(
    'm.pkl: is a Python pickle outside of a PyTorch file, which is not read; nothing in it is executed',
  );
});

test('errors of a network name the file; the reader of .npz files says what such a file is', async () => {
  const architecture = mobilenetV2({ alpha: 0.05, classes: 2, resolution: 32, conventions: 'torchvision' });
  const file = torchFile(orderedDict([['classifier.1.bias', tensorOf({ key: '0', shape: [2], strides: [1] })]]), {
    0: six,
  });
  await expect(readNetwork(file, { architecture, fileName: 'm.pth' })).rejects.toThrow(
    /^m\.pth: .*do not fit the network/,
  );
  const tfjs = zipSync({ 'model.json': new Uint8Array(2), 'group1-shard1of1.bin': new Uint8Array(4) });
  await expect(npz.read(tfjs, { fileName: 'm.zip' })).rejects.toThrow(
    new FormatError('m.zip: is a TensorFlow.js model in a zip archive, which only readNetwork unpacks; unpack it'),
  );
  await expect(npz.read(file, { fileName: 'm.pth' })).rejects.toThrow(
    'm.pth: is a PyTorch file, which only readNetwork reads; convert it: depthwise convert',
  );
});
