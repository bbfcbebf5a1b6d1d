/** The integer kernels of every target, each with a memory whose every other byte is watched. */
import '../relaxed.js';
import { type Int8KernelName, type Int8Kernels, int8Bytes } from '../../../src/engine/int8/kernels.js';
import type { Kernel } from '../../../src/wasm/kernel-table.js';
import {
  allocate,
  compileBytes,
  instantiate,
  type WasmMemory,
  type WasmTarget,
} from '../../../src/wasm/web-assembly.js';

type Integers = Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array;

/** Address in bytes of an operand. */
export type AddressOf = (operand: string) => number;

export interface Int8Problem {
  readonly kernel: Int8KernelName;
  readonly inputs: Readonly<Record<string, Integers>>;
  /** Inputs that the scalar target wants in another form. */
  readonly scalar?: Readonly<Record<string, Integers>>;
  /** What `out` must hold afterwards: numbers, or undefined where the kernel may write anything. */
  readonly wanted: readonly (number | undefined)[];
  /** The type of `out`. */
  readonly type: new (
    buffer: ArrayBuffer,
    offset: number,
    length: number,
  ) => Integers;
  /** Memory that the kernel may write while it runs. */
  readonly scratchBytes?: number;
  readonly args: (address: AddressOf) => number[];
}

interface Machine {
  readonly target: WasmTarget;
  readonly kernels: Int8Kernels;
  readonly memory: WasmMemory;
}

const MEMORY_BYTES = 1 << 18;
/** What memory holds where nobody wrote. */
const POISON = 0xa5;

const machines: readonly Machine[] = await Promise.all(
  (['scalar', 'simd', 'relaxed'] as const).map(async (target) => {
    const memory = allocate('problems', MEMORY_BYTES);
    return {
      target,
      memory,
      kernels: await instantiate<Int8Kernels>(await compileBytes(target, int8Bytes(target)), memory),
    };
  }),
);

/** Throws if a target gives another number than is wanted, or writes anywhere else. */
export function solveEverywhere(problem: Int8Problem): void {
  for (const machine of machines) solve(machine, problem);
}

function solve({ target, kernels, memory }: Machine, problem: Int8Problem): void {
  const { kernel, wanted, type, scratchBytes = 0, args } = problem;
  const inputs = { ...problem.inputs, ...(target === 'scalar' && problem.scalar) };
  const addresses = new Map<string, number>();
  let end = 64;
  const place = (name: string, bytes: number) => {
    addresses.set(name, end);
    end += Math.ceil(bytes / 16) * 16 + 32;
  };
  for (const [name, data] of Object.entries(inputs)) place(name, data.byteLength);
  const outBytes = wanted.length * new type(new ArrayBuffer(0), 0, 0).BYTES_PER_ELEMENT;
  place('out', outBytes);
  place('scratch', scratchBytes);
  if (end > MEMORY_BYTES) throw new Error(`${kernel}: the problem needs ${end} bytes`);

  const bytes = new Uint8Array(memory.buffer, 0, end);
  bytes.fill(POISON);
  for (const [name, data] of Object.entries(inputs)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), addresses.get(name));
  }
  const before = bytes.slice();
  (kernels[kernel] as Kernel)(...args((operand) => addresses.get(operand) as number));

  const from = addresses.get('out') as number;
  const scratch = addresses.get('scratch') as number;
  bytes.forEach((byte, at) => {
    const own = (at >= from && at < from + outBytes) || (at >= scratch && at < scratch + scratchBytes);
    if (byte !== before[at] && !own)
      throw new Error(`${kernel} on ${target} wrote outside its output, at ${at - from}`);
  });
  const out = new type(memory.buffer, from, wanted.length);
  wanted.forEach((value, i) => {
    if (value !== undefined && out[i] !== value) {
      throw new Error(`${kernel} on ${target}: [${i}] is ${out[i]}, wanted ${value}`);
    }
  });
}
