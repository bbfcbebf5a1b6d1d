/**
 * HDF5 files, read by jsfive. https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * jsfive trusts a file's sizes and counts. Around it stand here a meter on its work (`hdf5-meter.ts`), checks of every count before its
 * array is made, and one FormatError for whatever it throws.
 */

import type { Dataset, DataType, Group } from 'jsfive';
import * as jsfive from 'jsfive';
import { FormatError } from '../../errors.js';
import { type FloatArray, type Shape, type Tensor, tensor } from '../../tensor.js';
import { isHdf5 } from '../sniff.js';
import { statedSize } from '../tensors/numbers.js';
import { Meter, meteredCopy } from './meter.js';

/** What is open: the size of its file in bytes, the name it has in errors, and what reading it has cost. */
interface Source {
  readonly size: number;
  readonly file: string;
  readonly meter: Meter;
  /** jsfive reads a heap anew for every group; Keras has the texts of all layers in a few. */
  readonly heaps: Record<string, object>;
}

/** The root group of the file. The bytes are copied. */
export function openHdf5(bytes: Uint8Array, file = 'HDF5 file'): Hdf5Group {
  if (!isHdf5(bytes)) throw new FormatError(`${file}: not an HDF5 file: it does not begin with \\x89HDF`);
  const end = statedEnd(bytes);
  if (end !== undefined && end > bytes.length) {
    throw new FormatError(`${file}: truncated: the HDF5 file ends at byte ${end}, found ${bytes.length}`);
  }
  const meter = new Meter(bytes.length, file);
  const source: Source = { size: bytes.length, file, meter, heaps: {} };
  return new Hdf5Group(source, '', () => new jsfive.File(meteredCopy(bytes, meter), file));
}

/** End of the file as its superblock has it (version 0: byte 40; 2 and 3: byte 28). */
function statedEnd(bytes: Uint8Array): number | undefined {
  const at = bytes[8] === 0 ? 40 : 28;
  if (bytes.length < at + 8) return undefined;
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true));
}

export class Hdf5Group {
  /** '' for the root, otherwise 'a/b'. */
  readonly path: string;
  readonly #source: Source;
  readonly #group: Group;
  #attributes: Readonly<Record<string, unknown>> | undefined;

  constructor(source: Source, path: string, open: () => Group) {
    this.#source = source;
    this.path = path;
    this.#group = guarded(source.file, path, open);
    this.#group._dataobjects._global_heaps = source.heaps;
    boundAttributes(this.#group, source);
  }

  /** Names of the groups and datasets in it. */
  get names(): string[] {
    return Object.keys(this.#group._links);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#group._links, name);
  }

  /** The group at a path below this one. */
  group(path: string): Hdf5Group {
    const found = this.#open(path);
    if (found instanceof Hdf5Group) return found;
    throw new FormatError(`${this.#source.file}: '${this.#below(path)}' is a dataset, wanted a group`);
  }

  /** The dataset at a path below this one: float64 where it is stored as float64 or in 32 bits and more of integers, otherwise float32. */
  tensor(path: string): Tensor {
    const found = this.#open(path);
    if (!(found instanceof Hdf5Group)) return readDataset(found, this.#below(path), this.#source);
    throw new FormatError(`${this.#source.file}: '${this.#below(path)}' is a group, wanted a dataset`);
  }

  isGroup(name: string): boolean {
    return this.#open(name) instanceof Hdf5Group;
  }

  /** A text attribute; undefined when there is none of that name. */
  text(name: string): string | undefined {
    const value = this.#attribute(name);
    if (value === undefined || typeof value === 'string') return value && withoutPadding(value);
    throw new FormatError(`${this.#source.file}: attribute '${name}' of '${this.path || '/'}' is not a text`);
  }

  /** An attribute that is a list of texts; undefined when there is none of that name. An empty list has no type of its own. */
  texts(name: string): string[] | undefined {
    const value = this.#attribute(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((text) => typeof text === 'string')) {
      return value.map(withoutPadding);
    }
    throw new FormatError(`${this.#source.file}: attribute '${name}' of '${this.path || '/'}' is not a list of texts`);
  }

  #attribute(name: string): unknown {
    this.#attributes ??= this.#readAttributes();
    return Object.hasOwn(this.#attributes, name) ? this.#attributes[name] : undefined;
  }

  #readAttributes(): Readonly<Record<string, unknown>> {
    const { file, meter } = this.#source;
    meter.readingAttributes = true;
    try {
      return guarded(file, `attributes of '${this.path || '/'}'`, () => this.#group.attrs);
    } finally {
      meter.readingAttributes = false;
    }
  }

  #below(path: string): string {
    return this.path === '' ? path : `${this.path}/${path}`;
  }

  #open(path: string): Hdf5Group | Dataset {
    const [name, ...rest] = path.split('/').filter((part) => part !== '');
    const place = this.#below(name ?? '');
    const { file } = this.#source;
    if (name === undefined || !this.has(name)) throw new FormatError(`${file}: there is no '${place}'`);
    if (typeof this.#group._links[name] !== 'number') {
      throw new FormatError(`${file}: '${place}' is a link to another place, which is not supported`);
    }
    const found = guarded(file, place, () => this.#group.get(name));
    if (found instanceof jsfive.Dataset) {
      if (rest.length > 0) throw new FormatError(`${file}: '${place}' is a dataset, wanted a group`);
      return found;
    }
    const group = new Hdf5Group(this.#source, place, () => found);
    return rest.length > 0 ? group.#open(rest.join('/')) : group;
  }
}

/** Without the NULs that fill up a text of fixed length. A regular expression would try each of them as the beginning of the end. */
function withoutPadding(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\0') end--;
  return text.slice(0, end);
}

/** Makes jsfive refuse an attribute that states more values than the file has room for, or repeats long texts without end. */
function boundAttributes({ _dataobjects: objects }: Group, { size, file, meter }: Source): void {
  const read = objects._attr_value.bind(objects);
  objects._attr_value = (type, buffer, count, offset) => {
    const bytes = itemSize(type);
    if (!(count * bytes <= size)) {
      throw new FormatError(
        `${file}: damaged: an attribute states ${count} values of ${bytes} bytes in a file of ${size}`,
      );
    }
    if (typeof type === 'string') return read(type, buffer, count, offset);
    return Array.from({ length: count }, (_, index) => {
      const [value] = read(type, buffer, 1, offset + index * bytes);
      meter.spend(typeof value === 'string' ? value.length : bytes);
      return value;
    });
  };
}

/** Bytes of one value; a variable-length one takes a reference of 16 bytes. */
function itemSize(type: DataType): number {
  if (typeof type !== 'string') return type[0] === 'REFERENCE' ? 8 : 16;
  return Math.max(1, Number(/\d+$/.exec(type)?.[0] ?? 1));
}

function readDataset(dataset: Dataset, path: string, { file, size }: Source): Tensor {
  const what = `${file}: '${path}'`;
  return guarded(file, path, () => {
    const { dtype } = dataset;
    const shape: Shape = [...dataset.shape];
    if (typeof dtype !== 'string' || !/^[<>](f[248]|[iu][1248])$/.test(dtype)) {
      const type = typeof dtype === 'string' ? dtype : dtype[0];
      throw new FormatError(`${what}: values of type '${type}' are not supported; wanted floats or integers`);
    }
    if (dataset._dataobjects.chunks !== null) {
      throw new FormatError(
        `${what} is stored in chunks or compressed, which is not supported; h5repack -l CONTI -f NONE rewrites it`,
      );
    }
    const bytes = statedSize(shape, what) * itemSize(dtype);
    if (bytes > size)
      throw new FormatError(`${what}: shape [${shape}] of ${dtype} takes ${bytes} bytes, the file has ${size}`);
    const data = dtype === '<f4' ? storedFloats(dataset, bytes) : undefined;
    return tensor(shape, data ?? exactNumbers(dataset.value as readonly unknown[], dtype, what));
  });
}

/** HDF5's message that says where a dataset's numbers are. */
const DATA_LAYOUT = 8;
const CONTIGUOUS = 1;

/** Numbers as they lie in the file, of which jsfive would make a list one by one; undefined where it has to look for them, or finds none. */
function storedFloats({ _dataobjects: objects }: Dataset, bytes: number): Float32Array | undefined {
  const at = objects.find_msg_type(DATA_LAYOUT)[0].get('offset_to_message')!;
  const [, , layout, property] = objects._get_data_message_properties(at);
  if (layout !== CONTIGUOUS) return undefined;
  const address = Number(new DataView(objects.fh).getBigUint64(property, true));
  if (address + bytes > objects.fh.byteLength) return undefined;
  const numbers = new Uint8Array(bytes);
  numbers.set(new Uint8Array(objects.fh, address, bytes));
  return new Float32Array(numbers.buffer);
}

/** float32 for numbers of up to 24 bits, float64 for wider ones. jsfive leaves holes where a dataset was never written. */
function exactNumbers(values: readonly unknown[], dtype: string, what: string): FloatArray {
  const narrow = /(f2|f4|[iu][12])$/.test(dtype);
  const numbers = narrow ? new Float32Array(values.length) : new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value !== 'number') throw new FormatError(`${what}: its numbers were never written`);
    if (!dtype.includes('f') && !Number.isSafeInteger(value)) {
      throw new FormatError(`${what}: number ${index} is about ${value}, which a float64 cannot hold exactly`);
    }
    numbers[index] = value;
  }
  return numbers;
}

/** Runs jsfive, which throws texts and TypeErrors of its own insides, and says where in the file it failed. */
function guarded<Result>(file: string, place: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const reason = typeof error === 'string' ? `: ${error}` : '';
    throw new FormatError(`${file}: damaged or unsupported HDF5 at ${place || '/'}${reason}`, { cause: error });
  }
}
