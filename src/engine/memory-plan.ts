/** What running a network will take, known before it is compiled or even has weights. */
import type { Network } from '../network/network.js';
import { wantedWeights } from '../network/shapes.js';
import { sizeOf, type Tensor } from '../tensor.js';
import type { KernelTable } from '../wasm/kernel-table.js';
import type { Place } from '../wasm/memory.js';
import { Program, type Step } from '../wasm/program.js';
import type { EngineKernelTable } from './kernels.js';
import { lower } from './lower.js';

export interface MemoryPlan {
  /** Packed weights and tables. */
  readonly weightBytes: number;
  /** Peak of the activations, one picture. */
  readonly activationBytes: number;
  /** The same if every feature map, V2's expanded ones too, existed whole (§5.1 of arXiv:1801.04381 says why they need not). */
  readonly wholeMapsActivationBytes: number;
}

/** Plans the memory of a network, with or without weights. */
export function planMemory(network: Network): MemoryPlan {
  const described = network.weights.size > 0 ? network : { ...network, weights: placeholders(network) };
  const program = lowered(described, false);
  return {
    weightBytes: program.constants.bytes,
    activationBytes: program.layOut(),
    wholeMapsActivationBytes: lowered(described, true).layOut(),
  };
}

const lowered = (network: Network, wholeMaps: boolean) =>
  lower(network, { wholeMaps, program: new Lives<EngineKernelTable>() }).program;

/** A program that is never run: it keeps how long each buffer lives, but not the steps. A network can have millions of them. */
class Lives<Table extends KernelTable> extends Program<Table> {
  #time = 0;

  override add(_kernel: string, ...args: Step['args']): void {
    for (const arg of args) if (typeof arg !== 'number') this.touch(arg);
    this.#time++;
  }

  override touch(place: Place, time = this.#time): void {
    super.touch(place, time);
  }
}

/** Weights of the right shapes; kernels, which nobody reads while planning, without their numbers. */
function placeholders(network: Network): Map<string, Tensor> {
  const data = (name: string, size: number) => new Float32Array(name.endsWith('/kernel') ? 0 : size);
  return new Map(
    [...wantedWeights(network)].map(([name, shape]) => [name, { shape, data: data(name, sizeOf(shape)) }]),
  );
}
