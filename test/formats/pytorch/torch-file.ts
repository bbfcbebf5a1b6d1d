/** PyTorch files as `torch.save` writes them, instruction by instruction (pickletools.py, torch/serialization.py). */
import { zipSync } from 'fflate';

export type Bytes = readonly number[];

const uint32 = (value: number): Bytes => [...new Uint8Array(Uint32Array.of(value).buffer)];
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];

export const MARK = 0x28;
export const NONE: Bytes = [0x4e];
export const FALSE: Bytes = [0x89];
export const int = (value: number): Bytes => [0x4a, ...uint32(value)];
export const text = (value: string): Bytes => [0x58, ...uint32(utf8(value).length), ...utf8(value)];
export const tuple = (...items: readonly Bytes[]): Bytes => [MARK, ...items.flat(), 0x74];
export const global = (module: string, name: string): Bytes => [0x63, ...utf8(`${module}\n${name}\n`)];
export const call = (callee: Bytes, ...parameters: readonly Bytes[]): Bytes => [
  ...callee,
  ...tuple(...parameters),
  0x52,
];
export const dict = (items: readonly (readonly [string, Bytes])[]): Bytes => [
  ...[0x7d, MARK],
  ...items.flatMap(([key, value]) => [...text(key), ...value]),
  0x75,
];
export const pickle = (value: Bytes): Uint8Array => Uint8Array.from([0x80, 2, ...value, 0x2e]);

export const ordered = call(global('collections', 'OrderedDict'));
/** As `model.state_dict()` is: an OrderedDict with its items, and `_metadata` among its attributes. */
export const orderedDict = (items: readonly (readonly [string, Bytes])[]): Bytes => [
  ...ordered,
  MARK,
  ...items.flatMap(([key, value]) => [...text(key), ...value]),
  0x75,
  ...dict([['_metadata', [...ordered, MARK, ...text(''), ...dict([['version', int(1)]]), 0x75]]]),
  0x62,
];

export const storage = (type: string, key: string, size: number): Bytes => [
  ...tuple(text('storage'), global('torch', type), text(key), text('cpu'), int(size)),
  0x51,
];

export interface Stored {
  readonly key: string;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset?: number;
  readonly type?: string;
}

export const tensorOf = ({ key, shape, strides, offset = 0, type = 'FloatStorage' }: Stored): Bytes =>
  call(
    global('torch._utils', '_rebuild_tensor_v2'),
    storage(type, key, 0),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    FALSE,
    ordered,
  );

type Numbers =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | BigInt64Array
  | Int32Array
  | Int16Array;

/** The archive of a pickle and its storages by their keys. */
export function torchFile(
  value: Bytes,
  storages: Readonly<Record<string, Numbers>>,
  others: Readonly<Record<string, Uint8Array>> = {},
  folder = 'archive/',
): Uint8Array {
  const files: Record<string, Uint8Array> = { [`${folder}data.pkl`]: pickle(value) };
  for (const [name, content] of Object.entries(others)) files[folder + name] = content;
  for (const [key, { buffer }] of Object.entries(storages)) files[`${folder}data/${key}`] = new Uint8Array(buffer);
  files[`${folder}version`] = new TextEncoder().encode('3\n');
  return zipSync(files, { level: 0 });
}

/** The strides of numbers that lie in the order of the axes. */
export const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));

/** A state dict of float32 as `torch.save(model.state_dict(), FILE)` writes it. */
export function stateDictFile(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array }>,
): Uint8Array {
  const entries = [...tensors];
  const items = entries.map(([name, { shape }], index): [string, Bytes] => [
    name,
    tensorOf({ key: `${index}`, shape, strides: rowMajor(shape) }),
  ]);
  const storages = Object.fromEntries(entries.map(([, { data }], index) => [index, Float32Array.from(data)]));
  return torchFile(orderedDict(items), storages);
}
