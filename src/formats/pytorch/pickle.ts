/**
 * Python pickles of protocols 2 to 5, as far as plain data goes: numbers, texts, lists, tuples, sets and dicts, and what the caller makes of named globals.
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py
 *
 * A pickle is a program that may call any function of Python. Here it calls nothing: a global is a name, and the caller decides by that name what it
 * stands for, or refuses it. Lists, tuples and sets all become arrays; dicts become maps.
 */
import { FormatError } from '../../errors.js';

/** A function or class of Python by its full name, such as 'collections.OrderedDict'. */
export class PickledGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What the caller makes of a value is an object of its own. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | PickledGlobal
  | object;

/** What the names in a pickle stand for. All of them throw a FormatError for what they do not know. */
export interface PickleMeaning {
  /** Called as soon as the name is read, so that the first unknown one is refused. */
  readonly expectKnown: (name: string) => void;
  /** The value of a call. */
  readonly call: (name: string, parameters: readonly Pickled[]) => Pickled;
  /** The value behind a persistent id: what the pickle keeps outside of itself. */
  readonly persistent: (id: Pickled) => Pickled;
}

/** The value that the pickle holds. Memory and time are bounded by the pickle's length. */
export function readPickle(bytes: Uint8Array, meaning: PickleMeaning, file: string): Pickled {
  return new Machine(bytes, meaning, file).run();
}

/** Where the items of a list, tuple or dict begin on the stack. */
const MARK = Symbol('mark');
type Slot = Pickled | typeof MARK;

const NEWEST_PROTOCOL = 5;

/** Instructions that make objects of arbitrary classes, and those that only protocols 0 and 1 have. NEWOBJ and NEWOBJ_EX have an error of their own. */
const REFUSED: Readonly<Record<number, string>> = {
  105: 'INST',
  111: 'OBJ',
  130: 'EXT1',
  131: 'EXT2',
  132: 'EXT4',
  80: 'PERSID',
  70: 'FLOAT',
  73: 'INT',
  76: 'LONG',
  83: 'STRING',
  86: 'UNICODE',
  103: 'GET',
  112: 'PUT',
  151: 'NEXT_BUFFER',
  152: 'READONLY_BUFFER',
};

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #meaning: PickleMeaning;
  readonly #file: string;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Pickled>();
  #at = 0;
  /** Of the instruction that runs. */
  #start = 0;

  constructor(bytes: Uint8Array, meaning: PickleMeaning, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#meaning = meaning;
    this.#file = file;
  }

  run(): Pickled {
    for (;;) {
      this.#start = this.#at;
      const code = this.#bytes[this.#take(1)];
      if (code === 0x2e) return this.#pop(); // STOP
      const instruction = Object.hasOwn(INSTRUCTIONS, code) ? INSTRUCTIONS[code] : undefined;
      if (instruction === undefined) this.#refuse(code);
      instruction(this);
    }
  }

  fail(problem: string): never {
    throw new FormatError(`${this.#file}: byte ${this.#start}: ${problem}`);
  }

  #refuse(code: number): never {
    const name = Object.hasOwn(REFUSED, code) ? REFUSED[code] : undefined;
    const [top] = this.#stack.filter((slot) => slot instanceof PickledGlobal).slice(-1) as PickledGlobal[];
    if (code === 0x81 || code === 0x92) {
      this.fail(`an object of the class '${top?.name ?? 'unknown'}', which is not read`);
    }
    this.fail(
      name === undefined
        ? `damaged: there is no instruction 0x${code.toString(16).padStart(2, '0')}`
        : `the instruction ${name} is not read; wanted plain data of protocol 2 to ${NEWEST_PROTOCOL}`,
    );
  }

  /** The position of the next so many bytes, which are there. */
  #take(count: number): number {
    const from = this.#at;
    if (count > this.#bytes.length - from) {
      this.fail(`truncated: ${count} more bytes are wanted, the pickle has ${this.#bytes.length - from}`);
    }
    this.#at += count;
    return from;
  }

  uint(size: 1 | 2 | 4 | 8): number {
    const from = this.#take(size);
    if (size === 1) return this.#bytes[from];
    if (size === 2) return this.#view.getUint16(from, true);
    return size === 4 ? this.#view.getUint32(from, true) : Number(this.#view.getBigUint64(from, true));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  float(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  bytes(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.bytes(length));
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.fail('truncated: a name without an end');
    const line = this.text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  /** A whole number in two's complement, the lowest byte first. */
  long(length: number): number | bigint {
    if (length > 16) this.fail(`a whole number of ${length} bytes; at most 16 are read`);
    const bytes = this.bytes(length);
    const unsigned = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const value = BigInt.asIntN(8 * length, unsigned);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  push(value: Slot): void {
    this.#stack.push(value);
  }

  #pop(): Pickled {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) this.fail('damaged: a value is missing');
    return value;
  }

  pop = (): Pickled => this.#pop();

  /** Also a mark. */
  drop(): void {
    if (this.#stack.pop() === undefined) this.fail('damaged: a value is missing');
  }

  top(): Pickled {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  /** The values since the last mark, which goes with them. */
  items(): Pickled[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) this.fail('damaged: a mark is missing');
    const items = this.#stack.splice(mark).slice(1);
    return items as Pickled[];
  }

  list(): Pickled[] {
    const list = this.top();
    if (!Array.isArray(list)) this.fail('damaged: items without a list');
    return list;
  }

  /** Puts keys and values by turns into the dict on the stack. */
  setItems(items: readonly Pickled[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.fail('damaged: keys and values without a dict');
    for (let index = 0; index < items.length; index += 2) dict.set(items[index], items[index + 1]);
  }

  remember(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) this.fail(`damaged: nothing was remembered as ${index}`);
    this.push(value);
  }

  global(module: Pickled, name: Pickled): void {
    if (typeof module !== 'string' || typeof name !== 'string') this.fail('damaged: a global without a name');
    const full = `${module}.${name}`;
    this.#within(() => this.#meaning.expectKnown(full));
    this.push(new PickledGlobal(full));
  }

  call(): void {
    const parameters = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickledGlobal) || !Array.isArray(parameters)) this.fail('damaged: a call of no function');
    this.push(this.#within(() => this.#meaning.call(callee.name, parameters)));
  }

  persistent(): void {
    const id = this.pop();
    this.push(this.#within(() => this.#meaning.persistent(id)));
  }

  /** Attributes of a dict, such as the `_metadata` of PyTorch's state dicts, say nothing of the weights. */
  build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) this.fail('attributes of an object that is no dict are not read');
  }

  #within<Result>(compute: () => Result): Result {
    try {
      return compute();
    } catch (error) {
      if (error instanceof FormatError) this.fail(error.message);
      throw error;
    }
  }
}

type Instruction = (machine: Machine) => void;

const tuple =
  (length: number): Instruction =>
  (machine) => {
    const items = Array.from({ length }, machine.pop);
    machine.push(items.reverse());
  };
const sized =
  (size: 1 | 4 | 8, read: 'text' | 'bytes'): Instruction =>
  (machine) =>
    machine.push(machine[read](machine.uint(size)));

const addItems: Instruction = (machine) => {
  const items = machine.items();
  const list = machine.list();
  for (const item of items) list.push(item);
};

const INSTRUCTIONS: Readonly<Record<number, Instruction>> = {
  128(machine) {
    const protocol = machine.uint(1);
    if (protocol > NEWEST_PROTOCOL) machine.fail(`wanted protocol 2 to ${NEWEST_PROTOCOL}, found ${protocol}`);
  },
  149: (machine) => void machine.uint(8), // FRAME: what follows is read as it comes
  40: (machine) => machine.push(MARK),
  48: (machine) => machine.drop(), // POP
  49: (machine) => void machine.items(), // POP_MARK
  50: (machine) => machine.push(machine.top()), // DUP
  78: (machine) => machine.push(null), // NONE
  136: (machine) => machine.push(true), // NEWTRUE
  137: (machine) => machine.push(false), // NEWFALSE
  74: (machine) => machine.push(machine.int32()), // BININT
  75: (machine) => machine.push(machine.uint(1)), // BININT1
  77: (machine) => machine.push(machine.uint(2)), // BININT2
  138: (machine) => machine.push(machine.long(machine.uint(1))), // LONG1
  139: (machine) => machine.push(machine.long(machine.uint(4))), // LONG4
  71: (machine) => machine.push(machine.float()), // BINFLOAT
  85: sized(1, 'text'), // SHORT_BINSTRING
  84: sized(4, 'text'), // BINSTRING
  140: sized(1, 'text'), // SHORT_BINUNICODE
  88: sized(4, 'text'), // BINUNICODE
  141: sized(8, 'text'), // BINUNICODE8
  67: sized(1, 'bytes'), // SHORT_BINBYTES
  66: sized(4, 'bytes'), // BINBYTES
  142: sized(8, 'bytes'), // BINBYTES8
  150: sized(8, 'bytes'), // BYTEARRAY8
  93: (machine) => machine.push([]), // EMPTY_LIST
  41: (machine) => machine.push([]), // EMPTY_TUPLE
  143: (machine) => machine.push([]), // EMPTY_SET
  108: (machine) => machine.push(machine.items()), // LIST
  116: (machine) => machine.push(machine.items()), // TUPLE
  145: (machine) => machine.push(machine.items()), // FROZENSET
  133: tuple(1),
  134: tuple(2),
  135: tuple(3),
  97(machine) {
    const item = machine.pop();
    machine.list().push(item); // APPEND
  },
  101: addItems, // APPENDS
  144: addItems, // ADDITEMS
  125: (machine) => machine.push(new Map()), // EMPTY_DICT
  100(machine) {
    const items = machine.items();
    machine.push(new Map()); // DICT
    machine.setItems(items);
  },
  115(machine) {
    const value = machine.pop();
    machine.setItems([machine.pop(), value]); // SETITEM
  },
  117(machine) {
    const items = machine.items();
    machine.setItems(items); // SETITEMS
  },
  113: (machine) => machine.remember(machine.uint(1)), // BINPUT
  114: (machine) => machine.remember(machine.uint(4)), // LONG_BINPUT
  148: (machine) => machine.memoize(), // MEMOIZE
  104: (machine) => machine.recall(machine.uint(1)), // BINGET
  106: (machine) => machine.recall(machine.uint(4)), // LONG_BINGET
  99: (machine) => machine.global(machine.line(), machine.line()), // GLOBAL
  147(machine) {
    const name = machine.pop();
    machine.global(machine.pop(), name); // STACK_GLOBAL
  },
  82: (machine) => machine.call(), // REDUCE
  81: (machine) => machine.persistent(), // BINPERSID
  98: (machine) => machine.build(), // BUILD
};
