/**
 * A compiled network: packed weights, a memory plan and a list of kernel calls, all decided before the first run. Running it allocates no
 * WASM memory and gives the same bits on every call.
 */
import { NetworkError } from '../errors.js';
import { type Shape, sameShape, sizeOf, type Tensor, zeros } from '../tensor.js';
import { allocate, instantiate, type Kernel, type Kernels } from './kernels.js';
import type { Lowered } from './lower.js';
import { align, type Place } from './memory.js';
import type { Operation } from './operations.js';
import type { PackedMatrix } from './program.js';

/** Weights are packed through a window of this many bytes in the (still unused) activations. */
const STAGING_BYTES = 256 * 1024;

interface Call {
  readonly kernel: Kernel;
  readonly args: readonly number[];
  readonly operation: number;
}

interface Port {
  readonly name: string;
  readonly shape: Shape;
  /** The tensor's numbers in WASM memory, for one picture. */
  readonly data: Float32Array;
}

export interface MemoryReport {
  /** Packed weights and tables. */
  readonly weightBytes: number;
  /** Planned peak of the activations. */
  readonly activationBytes: number;
  /** What the WASM memory really is: whole pages of 64 KiB. */
  readonly totalBytes: number;
  /** The largest buffer between two layers. */
  readonly largestBufferBytes: number;
}

export interface OperationReport {
  /** The network's nodes that run as one. */
  readonly nodes: readonly string[];
  /** Kernels that run, with the number of calls. */
  readonly kernels: Readonly<Record<string, number>>;
}

export class WasmProgram {
  readonly memory: MemoryReport;
  readonly operations: readonly OperationReport[];
  readonly #network: string;
  readonly #calls: readonly Call[];
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];

  /** Lays out the memory and packs the weights. */
  static async create(module: WebAssembly.Module, network: string, lowered: Lowered): Promise<WasmProgram> {
    const { program } = lowered;
    const activationBytes = program.layOut();
    const staging = stagingBytes(program.matrices);
    const memory = allocate(network, program.constantBytes + Math.max(activationBytes, staging));
    const kernels = await instantiate(module, memory);
    return new WasmProgram(memory, kernels, network, lowered, activationBytes, staging);
  }

  private constructor(
    memory: WebAssembly.Memory,
    kernels: Kernels,
    network: string,
    { program, operations, inputs, outputs }: Lowered,
    activationBytes: number,
    staging: number,
  ) {
    const base = program.constantBytes;
    const addressOf = ({ buffer, byte }: Place) => base + buffer.offset + byte;

    for (const { address, data } of program.tables) {
      new Uint8Array(memory.buffer, address, data.byteLength).set(
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
    }
    for (const matrix of program.matrices) packMatrix(kernels, memory, matrix, base, staging);

    this.#network = network;
    this.#calls = program.steps.map(({ kernel, args, operation }) => ({
      kernel: kernels[kernel],
      args: args.map((arg) => (typeof arg === 'number' ? arg : addressOf(arg))),
      operation,
    }));
    const port = ({ name, shape, place }: Lowered['inputs'][number]): Port => ({
      name,
      shape,
      data: new Float32Array(memory.buffer, addressOf(place), sizeOf(shape)),
    });
    this.#inputs = inputs.map(port);
    this.#outputs = outputs.map(port);
    this.memory = {
      weightBytes: base,
      activationBytes,
      totalBytes: memory.buffer.byteLength,
      largestBufferBytes: Math.max(0, ...program.buffers.map(({ bytes }) => bytes)),
    };
    this.operations = operations.map((operation, index) => reportOf(operation, program.steps, index));
  }

  /** `inputs` are the network's, checked. */
  run(
    inputs: ReadonlyMap<string, Tensor>,
    into?: ReadonlyMap<string, Tensor>,
    onCall?: (operation: number, count: number) => void,
  ): Map<string, Tensor> {
    const given = this.#inputs.map(({ name }) => inputs.get(name) as Tensor);
    const batch = this.#batchOf(given);
    const results = this.#outputs.map(({ name, shape }) =>
      resultTensor(name, [shape[0] * batch, ...shape.slice(1)], into),
    );
    for (let n = 0; n < batch; n++) {
      this.#inputs.forEach(({ data }, i) => {
        data.set(given[i].data.subarray(n * data.length, (n + 1) * data.length));
      });
      for (const call of this.#calls) {
        call.kernel(...call.args);
        onCall?.(call.operation, this.operations.length);
      }
      this.#outputs.forEach(({ data }, i) => {
        results[i].data.set(data, n * data.length);
      });
    }
    return new Map(this.#outputs.map(({ name }, i) => [name, results[i]]));
  }

  #batchOf(given: readonly Tensor[]): number {
    const batches = given.map(({ shape }) => shape[0]);
    if (batches.every((batch) => batch === batches[0] && batch >= 1)) return batches[0];
    throw new NetworkError(`${this.#network}: all inputs must have the same batch of 1 or more, found ${batches}`);
  }
}

/** At least one row of every matrix goes through at once. */
function stagingBytes(matrices: readonly PackedMatrix[]): number {
  const longestRow = Math.max(0, ...matrices.map(({ columns }) => columns * 4));
  const largest = Math.max(0, ...matrices.map(({ data }) => data.length * 4));
  return align(Math.max(longestRow, Math.min(STAGING_BYTES, largest)));
}

function packMatrix(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  { address, rows, columns, width, data, scale }: PackedMatrix,
  staging: number,
  stagingBytes: number,
): void {
  const rowsAtOnce = Math.max(Math.floor(stagingBytes / (columns * 4)), 1);
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    new Float32Array(memory.buffer, staging, count * columns).set(
      data.subarray(row * columns, (row + count) * columns),
    );
    kernels.packPanels(staging, count, columns, width, scale, address + row * width * 4, rows * width * 4);
  }
}

/** The tensor given for this output, or a new one. */
export function resultTensor(name: string, shape: Shape, into: ReadonlyMap<string, Tensor> | undefined): Tensor {
  const given = into?.get(name);
  if (given === undefined) return zeros(shape);
  if (!sameShape(given.shape, shape)) {
    throw new NetworkError(`the tensor for output '${name}' must be [${shape}], found [${given.shape}]`);
  }
  return given;
}

function reportOf(
  { nodes }: Operation,
  steps: readonly { kernel: string; operation: number }[],
  index: number,
): OperationReport {
  const kernels: Record<string, number> = {};
  for (const { kernel, operation } of steps) if (operation === index) kernels[kernel] = (kernels[kernel] ?? 0) + 1;
  return { nodes, kernels };
}
