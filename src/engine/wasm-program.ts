/**
 * A compiled network: packed weights, a memory plan and a list of kernel calls, all decided before the first run. Running it allocates no
 * WASM memory and gives the same bits on every call.
 */
import { NetworkError } from '../errors.js';
import { type Shape, sameShape, sizeOf, type Tensor, zeros } from '../tensor.js';
import { align } from '../wasm/memory.js';
import type { AddressOf, Call } from '../wasm/program.js';
import type { Heap, Heaps, Region } from './heap.js';
import type { Lowered, PlacedTensor } from './lower.js';

import type { PackedMatrix } from './lowering.js';

/** Weights are packed through a window of this many bytes in the (still unused) activations. */
const STAGING_BYTES = 256 * 1024;

interface Port {
  readonly name: string;
  readonly shape: Shape;
  /** The indices of one picture's numbers among those of the whole memory. */
  readonly from: number;
  readonly to: number;
}

export interface MemoryReport {
  /** Packed weights and tables. */
  readonly weightBytes: number;
  /** Planned peak of the activations. */
  readonly activationBytes: number;
  /** The plan's region of the WASM memory, which it shares with the other plans of its target. */
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

export interface ProgramReport {
  readonly memory: MemoryReport;
  readonly operations: readonly OperationReport[];
}

export class WasmProgram {
  readonly report: ProgramReport;
  readonly #network: string;
  readonly #heaps: Heaps;
  readonly #region: Region;
  readonly #calls: readonly Call[];
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  #view: Float32Array = new Float32Array(0);

  /** Lays out the memory and packs the weights. */
  static async create(heaps: Heaps, network: string, lowered: Lowered): Promise<WasmProgram> {
    const { matrices, program } = lowered;
    const activationBytes = program.layOut();
    const staging = stagingBytes(matrices);
    const region = await heaps.take(network, program.constants.bytes + Math.max(activationBytes, staging));
    return new WasmProgram(heaps, region, network, lowered, activationBytes, staging);
  }

  private constructor(
    heaps: Heaps,
    region: Region,
    network: string,
    { program, matrices, operations, inputs, outputs }: Lowered,
    activationBytes: number,
    staging: number,
  ) {
    heaps.giveBackAfter(this, region);
    this.#network = network;
    this.#heaps = heaps;
    this.#region = region;

    const { kernels, memory } = region.heap;
    const { calls, addressOf, base } = program.link(kernels, memory, region.address);
    for (const matrix of matrices) packMatrix(region.heap, addressOf, matrix, base, staging);
    this.#calls = calls;
    const port = ({ name, shape, place }: PlacedTensor): Port => {
      const from = addressOf(place) / 4;
      return { name, shape, from, to: from + sizeOf(shape) };
    };
    this.#inputs = inputs.map(port);
    this.#outputs = outputs.map(port);
    this.report = {
      memory: {
        weightBytes: program.constants.bytes,
        activationBytes,
        totalBytes: region.end - region.address,
        largestBufferBytes: largest(program.buffers.map(({ bytes }) => bytes)),
      },
      operations: program
        .kernelCounts(operations.length)
        .map((kernels, i) => ({ nodes: operations[i].nodes, kernels })),
    };
  }

  /** `inputs` are the network's, checked. */
  run(
    inputs: ReadonlyMap<string, Tensor>,
    into?: ReadonlyMap<string, Tensor>,
    onCall?: (operation: number) => void,
  ): Map<string, Tensor> {
    const given = this.#inputs.map(({ name }) => inputs.get(name) as Tensor);
    const batch = this.#batchOf(given);
    const results = this.#outputs.map(({ name, shape }) =>
      resultTensor(name, [shape[0] * batch, ...shape.slice(1)], into),
    );
    const numbers = this.#numbers();
    for (let n = 0; n < batch; n++) {
      this.#inputs.forEach(({ from, to }, i) => {
        numbers.set(given[i].data.subarray(n * (to - from), (n + 1) * (to - from)), from);
      });
      for (const call of this.#calls) {
        call.kernel(...call.args);
        onCall?.(call.operation);
      }
      this.#outputs.forEach(({ from, to }, i) => {
        results[i].data.set(numbers.subarray(from, to), n * (to - from));
      });
    }
    return new Map(this.#outputs.map(({ name }, i) => [name, results[i]]));
  }

  /** The whole memory. If it has grown, earlier views of it hold nothing any more. */
  #numbers(): Float32Array {
    const { buffer } = this.#region.heap.memory;
    if (this.#view.buffer !== buffer) this.#view = new Float32Array(buffer);
    return this.#view;
  }

  /** Gives the memory back. The program must not run any more. */
  dispose(): void {
    this.#heaps.giveBack(this.#region);
  }

  #batchOf(given: readonly Tensor[]): number {
    const batches = given.map(({ shape }) => shape[0]);
    if (batches.every((batch) => batch === batches[0] && batch >= 1)) return batches[0];
    throw new NetworkError(`${this.#network}: all inputs must have the same batch of 1 or more, found ${batches}`);
  }
}

/** At least one row of every matrix goes through at once. */
function stagingBytes(matrices: readonly PackedMatrix[]): number {
  const longestRow = largest(matrices.map(({ columns }) => columns * 4));
  const most = largest(matrices.map(({ data }) => data.length * 4));
  return align(Math.max(longestRow, Math.min(STAGING_BYTES, most)));
}

/** 0 for none. As many numbers as a large plan has are too many for the arguments of `Math.max`. */
const largest = (numbers: readonly number[]): number => numbers.reduce((most, number) => Math.max(most, number), 0);

function packMatrix(
  { kernels, memory }: Heap,
  addressOf: AddressOf,
  { place, rows, columns, width, data, scale }: PackedMatrix,
  staging: number,
  stagingBytes: number,
): void {
  const rowsAtOnce = Math.floor(stagingBytes / (columns * 4));
  const factors = scale ? addressOf(scale) : 0;
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    new Float32Array(memory.buffer, staging, count * columns).set(
      data.subarray(row * columns, (row + count) * columns),
    );
    kernels.packPanels(staging, count, columns, width, factors, addressOf(place) + row * width * 4, rows * width * 4);
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
