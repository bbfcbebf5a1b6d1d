/**
 * PyTorch's .pth and .pt files since version 1.6: a zip archive with a pickle and the numbers of each storage.
 * https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 *
 *   NAME/data.pkl     a state dict, or a dict that holds one
 *   NAME/data/KEY     the numbers of a storage, uncompressed
 *   NAME/byteorder    'little' or 'big'; little where it is missing
 *
 * Tensors and plain containers are read, and nothing is executed: any other name in the pickle is an error.
 */
import { FormatError } from '../../errors.js';
import { sizeOf, type Tensor, tensor } from '../../tensor.js';
import { pickleIn } from '../network-file.js';
import { gathered } from '../strided.js';
import { bytesOf, type NumberType, readNumbers, statedSize } from '../tensors/numbers.js';
import { type Pickled, PickledGlobal, type PickleMeaning, readPickle } from './pickle.js';

/** PyTorch's names of number types: of storages, and of tensors since `_rebuild_tensor_v3`. */
const TYPES: Readonly<Record<string, NumberType>> = {
  'torch.DoubleStorage': 'float64',
  'torch.FloatStorage': 'float32',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
  'torch.float64': 'float64',
  'torch.float32': 'float32',
  'torch.float16': 'float16',
  'torch.bfloat16': 'bfloat16',
  'torch.int64': 'int64',
  'torch.int32': 'int32',
  'torch.int16': 'int16',
  'torch.int8': 'int8',
  'torch.uint8': 'uint8',
  'torch.bool': 'bool',
};

/** Its numbers have no type of their own. */
const UNTYPED = 'torch.storage.UntypedStorage';

/** Its numbers' entry, and their type, which is undefined where the tensor says it. */
class Storage {
  readonly key: string;
  readonly type: NumberType | undefined;

  constructor(key: string, type: NumberType | undefined) {
    this.key = key;
    this.type = type;
  }
}

interface Place {
  readonly key: string;
  readonly type: NumberType;
  /** In numbers, as strides are. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A tensor whose numbers have not been read. */
class StoredTensor {
  readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }
}

const isCount = (value: Pickled | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areCounts = (value: Pickled | undefined): value is number[] => Array.isArray(value) && value.every(isCount);

/** A tensor of ten axes is no weight. */
const MOST_AXES = 10;

function rebuildTensor(parameters: readonly Pickled[], type?: Pickled): StoredTensor {
  const [storage, offset, shape, strides] = parameters;
  if (!(storage instanceof Storage) || !isCount(offset) || !areCounts(shape) || !areCounts(strides)) {
    throw new FormatError('wanted a tensor of a storage, an offset, sizes and strides');
  }
  if (shape.length !== strides.length || shape.length > MOST_AXES) {
    throw new FormatError(`wanted a stride for each of at most ${MOST_AXES} axes, found [${strides}] for [${shape}]`);
  }
  const named = type instanceof PickledGlobal ? TYPES[type.name] : storage.type;
  if (named === undefined) throw new FormatError('a tensor without a number type');
  return new StoredTensor({ key: storage.key, type: named, offset, shape, strides });
}

/** An empty dict, or the one that it is made of, which is not copied: a short pickle could ask for many copies of a long one. */
function dict([items = new Map()]: readonly Pickled[]): Pickled {
  if (items instanceof Map) return items;
  throw new FormatError('wanted a dict');
}

/** A list, as tuples and sets are; likewise. */
function list([items = []]: readonly Pickled[]): Pickled {
  if (Array.isArray(items)) return items;
  throw new FormatError('wanted a list');
}

/** An object that is left unread, with whatever state it is given. */
const UNUSED = (): Pickled => new Map();

/** Containers, and what PyTorch makes of its own classes. */
const CALLS: Readonly<Record<string, (parameters: readonly Pickled[]) => Pickled>> = {
  'collections.OrderedDict': dict,
  'collections.Counter': dict,
  'collections.defaultdict': ([, items]) => dict(items === undefined ? [] : [items]),
  ...Object.fromEntries(
    ['__builtin__', 'builtins'].flatMap((module) => [
      [`${module}.set`, list],
      // What a defaultdict makes of a key that it does not have.
      ...['list', 'dict', 'int', 'float', 'str', 'bool'].map((name) => [`${module}.${name}`, UNUSED]),
    ]),
  ),
  // Numbers and lists beside the weights, such as the best accuracy: there has to be something, which nobody reads.
  ...Object.fromEntries(
    ['numpy.core.multiarray', 'numpy._core.multiarray'].flatMap((module) => [
      [`${module}.scalar`, UNUSED],
      [`${module}._reconstruct`, UNUSED],
    ]),
  ),
  'numpy.dtype': UNUSED,
  'numpy.ndarray': UNUSED,
  'torch.Size': list,
  'torch.device': ([kind = null]) => kind,
  // Bytes in protocol 2: a text whose characters are the bytes.
  '_codecs.encode': ([text = '']) => text,
  'torch._utils._rebuild_tensor': (parameters) => rebuildTensor(parameters),
  'torch._utils._rebuild_tensor_v2': (parameters) => rebuildTensor(parameters),
  // storage, offset, sizes, strides, requires_grad, hooks, type
  'torch._utils._rebuild_tensor_v3': (parameters) => rebuildTensor(parameters, parameters[6]),
  'torch._utils._rebuild_parameter': ([data]) => parameter(data),
  'torch._utils._rebuild_parameter_with_state': ([data]) => parameter(data),
};

function parameter(data: Pickled | undefined): StoredTensor {
  if (data instanceof StoredTensor) return data;
  throw new FormatError('wanted a parameter made of a tensor');
}

/** In the way of most files that are refused: models that were pickled whole. */
const WAY_OUT = 'save the weights alone: torch.save(model.state_dict(), FILE)';

const meaning: PickleMeaning = {
  expectKnown(name) {
    if (Object.hasOwn(CALLS, name) || Object.hasOwn(TYPES, name) || name === UNTYPED) return;
    throw new FormatError(
      `holds '${name}', which is not read: tensors and plain containers are, and nothing is executed; ${WAY_OUT}`,
    );
  },
  call(name, parameters) {
    if (!Object.hasOwn(CALLS, name)) throw new FormatError(`calls '${name}', which is no function`);
    return CALLS[name](parameters);
  },
  persistent(id) {
    const [kind, type, key] = Array.isArray(id) ? id : [];
    const known = type instanceof PickledGlobal && (Object.hasOwn(TYPES, type.name) || type.name === UNTYPED);
    if (kind !== 'storage' || !known || typeof key !== 'string') {
      throw new FormatError("wanted a persistent id of ('storage', type, key, place, size)");
    }
    return new Storage(key, TYPES[type.name]);
  },
};

/** The weights of the state dict in the archive of a .pth file, under PyTorch's names. They may be views of the file's bytes. */
export function tensorsInCheckpoint(archive: ReadonlyMap<string, Uint8Array>, file: string): Map<string, Tensor> {
  const pickle = pickleIn(archive)!;
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (archive.has(`${folder}constants.pkl`)) {
    throw new FormatError(
      `${file}: is a TorchScript program, which is not read; ${WAY_OUT}, or export the model as ONNX: torch.onnx.export`,
    );
  }
  const root = readPickle(archive.get(pickle)!, meaning, `${file}: ${pickle}`);
  const storages = new Storages(archive, folder, file);
  return new Map([...stateDictIn(root, file)].map(([name, x]) => [name, storages.tensor(name, x)]));
}

/**
 * The dict of tensors: the pickle itself, or what one of its keys holds, as in {'epoch': 3, 'state_dict': {…}, 'optimizer': {…}}. Where a training
 * keeps moving averages of its weights beside them, these are taken, as timm and torchvision evaluate with them.
 */
function stateDictIn(root: Pickled, file: string): Map<string, StoredTensor> {
  if (!(root instanceof Map)) {
    throw new FormatError(`${file}: wanted a state dict, found ${kindOf(root)}; ${WAY_OUT}`);
  }
  const held = heldIn(root);
  const averages = held.filter(([key]) => /(^|_)ema(_|$)/i.test(key));
  const [chosen, ...others] = averages.length > 0 ? averages : held;
  if (others.length > 0) {
    const names = [chosen, ...others].map(([key]) => `'${key.replaceAll('/', "']['")}'`);
    throw new FormatError(
      `${file}: holds ${names.length} state dicts, ${names.join(', ')}; save the one that is wanted: torch.save(checkpoint[${names[0]}], FILE)`,
    );
  }
  const tensors = chosen?.[1] ?? tensorsOf(root);
  if (tensors.size > 0) return tensors;
  const keys = [...root.keys()]
    .slice(0, 5)
    .map((key) => (typeof key === 'string' ? `'${key.slice(0, 60)}'` : kindOf(key)));
  throw new FormatError(
    `${file}: wanted a state dict, found a dict without tensors (${keys.join(', ') || 'empty'}); ${WAY_OUT}`,
  );
}

/** Deeper, dicts hold the state of a training. */
const DEEPEST = 3;

/** The dicts of tensors in the values, by their keys; where there are none, in the values' values. Dicts may hold each other: each is looked at once. */
function heldIn(root: Map<Pickled, Pickled>): [key: string, Map<string, StoredTensor>][] {
  const seen = new Set<Pickled>();
  let level: [key: string, Pickled][] = [['', root]];
  for (let depth = 1; depth <= DEEPEST; depth++) {
    level = level.flatMap(([above, dict]) => {
      if (!(dict instanceof Map) || seen.has(dict) || /optim|sched/.test(above)) return [];
      seen.add(dict);
      const named = new Map([...dict].filter(([key]) => typeof key === 'string').map(([key, value]) => [value, key]));
      return [...named].map(([value, key]): [string, Pickled] => [above ? `${above}/${key}` : `${key}`, value]);
    });
    const held = level.map(([key, value]): [string, Map<string, StoredTensor>] => [key, tensorsOf(value)]);
    const found = held.filter(([, { size }]) => size > 0);
    if (found.length > 0 || tensorsOf(root).size > 0) return found;
  }
  return [];
}

const kindOf = (value: Pickled): string => {
  if (value instanceof StoredTensor) return 'a single tensor';
  return Array.isArray(value) ? `a list of ${value.length} items` : `a value of type ${typeof value}`;
};

/** A dict's tensors by name. What else stands in it, such as counts, is no weight. */
function tensorsOf(value: Pickled): Map<string, StoredTensor> {
  const entries = value instanceof Map ? [...value] : [];
  return new Map(
    entries.filter((entry): entry is [string, StoredTensor] => {
      return typeof entry[0] === 'string' && entry[1] instanceof StoredTensor;
    }),
  );
}

class Storages {
  readonly #archive: ReadonlyMap<string, Uint8Array>;
  readonly #folder: string;
  readonly #file: string;
  readonly #littleEndian: boolean;
  /** Tensors that share their numbers are read once. */
  readonly #read = new Map<string, Tensor>();
  /** Bytes of the file that tensors may still be made of: as many as there are, so that tensors that overlap cannot make more of them. */
  #left: number;

  constructor(archive: ReadonlyMap<string, Uint8Array>, folder: string, file: string) {
    this.#archive = archive;
    this.#folder = folder;
    this.#file = file;
    const order = archive.get(`${folder}byteorder`);
    this.#littleEndian = order === undefined || new TextDecoder().decode(order).trim() !== 'big';
    this.#left = [...archive.values()].reduce((sum, { length }) => sum + length, 0);
  }

  tensor(name: string, { place }: StoredTensor): Tensor {
    const { key, type, offset, shape, strides } = place;
    const identity = JSON.stringify([key, type, offset, shape, strides]);
    const known = this.#read.get(identity);
    if (known !== undefined) return known;
    const made = this.#make(place, `${this.#file}: tensor '${name}'`);
    this.#read.set(identity, made);
    return made;
  }

  #make({ key, type, offset, shape, strides }: Place, what: string): Tensor {
    const entry = `${this.#folder}data/${key}`;
    const bytes = this.#archive.get(entry);
    if (bytes === undefined) throw new FormatError(`${what}: the archive has no entry '${entry}' for its numbers`);
    const size = statedSize(shape, what);
    const span = size === 0 ? 0 : 1 + shape.reduce((last, side, axis) => last + (side - 1) * strides[axis], 0);
    const each = bytesOf(type);
    if (!((offset + span) * each <= bytes.length)) {
      throw new FormatError(
        `${what}: wants the numbers ${offset} to ${offset + span} of type ${type}, '${entry}' has ${bytes.length / each}`,
      );
    }
    this.#left -= size * each;
    if (this.#left < 0 || size > span) {
      throw new FormatError(`${what}: tensors that repeat the file's numbers are not read (strides [${strides}])`);
    }
    const numbers = bytes.subarray(offset * each, (offset + span) * each);
    const data = readNumbers(type, numbers, this.#littleEndian, what);
    return tensor(shape, isRowMajor(shape, strides) ? data : gathered(data, shape, strides));
  }
}

/** Whether the numbers lie one behind the other in the order of the axes. The stride of an axis of one is never taken. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let wanted = 1;
  return [...shape.keys()].reverse().every((axis) => {
    const fits = shape[axis] === 1 || strides[axis] === wanted;
    wanted *= shape[axis];
    return fits || sizeOf(shape) === 0;
  });
}
