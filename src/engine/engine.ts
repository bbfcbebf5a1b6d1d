/** Compiles networks for the WASM kernels and runs them. */
// First, and wasmBytes.js first in it, so that the kernels' text opens a bundle: gzip makes 0.6 kB less of it there than amid code.
import { chooseTarget, type Link, TARGETS, type Target } from './targets.js';

// The others.

import { NetworkError } from '../errors.js';
import type { Network } from '../network/network.js';
import { expectAllWeights, inputTensors, type NetworkInputs, run, trace } from '../network/run.js';
import { inferShapes } from '../network/shapes.js';
import { withWeights } from '../network/weights.js';
import { type Tensor, toFloat32 } from '../tensor.js';
import { lower } from './lower.js';
import { type MemoryReport, type OperationReport, resultTensor, WasmProgram } from './wasmProgram.js';

export interface CompileOptions {
  /** Forces one link of the chain, or gives another chain; an error says why none of it works. */
  readonly target?: Target | readonly Target[];
  /** Leaves relaxed SIMD out, whose results may differ between machines in the last bit. */
  readonly reproducible?: boolean;
}

export interface EngineReport {
  readonly target: Target;
  /** What became of every target that was tried, and why. */
  readonly chain: readonly Link[];
  /** With what the activations would take if every feature map existed whole: the row blocks' saving is the difference. */
  readonly memory?: MemoryReport & { readonly wholeMapsActivationBytes: number };
  readonly operations?: readonly OperationReport[];
}

export interface OperationTime {
  /** The network's nodes that run as one. */
  readonly nodes: readonly string[];
  /** Milliseconds, one picture. */
  readonly milliseconds: number;
}

/**
 * Compiles a network: folds batch norms, fuses, packs the weights, plans the memory. The plan is for the network's declared input sizes and
 * any batch. Throws a NetworkError for missing, surplus or wrongly shaped weights, and a UsageError that lists the reasons when no wanted target works.
 *
 * Kernels multiply zero padding where the TypeScript layers leave it out: a NaN or infinite number in a convolution's kernel gives NaN at borders.
 */
export async function compile(network: Network, options: CompileOptions = {}): Promise<Plan> {
  const shapes = inferShapes(network);
  expectAllWeights(network, shapes);
  withWeights(network, network.weights, shapes);
  const wanted = typeof options.target === 'string' ? [options.target] : (options.target ?? TARGETS);
  const allowed = wanted.filter((target) => !(options.reproducible && target === 'relaxed'));
  const { target, module, chain } = await chooseTarget(allowed);
  const program = module && (await WasmProgram.create(module, network.name, lower(network)));
  return new Plan(network, target, chain, module, program);
}

/** A compiled network. */
export class Plan {
  readonly network: Network;
  readonly #target: Target;
  readonly #chain: readonly Link[];
  readonly #module: WebAssembly.Module | undefined;
  #program: WasmProgram | undefined;
  #tracer: Promise<WasmProgram> | undefined;
  #disposed = false;

  /** Use `compile`. */
  constructor(
    network: Network,
    target: Target,
    chain: readonly Link[],
    module: WebAssembly.Module | undefined,
    program: WasmProgram | undefined,
  ) {
    this.network = network;
    this.#target = target;
    this.#chain = chain;
    this.#module = module;
    this.#program = program;
  }

  /**
   * The network's outputs by name, float32, for inputs [batch, …]. With `into`, results are written into the given tensors and none is
   * allocated.
   */
  run(inputs: NetworkInputs, into?: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    this.#checkAlive();
    const given = inputTensors(this.network, inputs);
    return this.#program ? this.#program.run(given, into) : runReference(this.network, given, into);
  }

  /** Every tensor by name, inputs included: compiled once more without any fusing, so that each exists. */
  async trace(inputs: NetworkInputs): Promise<Map<string, Tensor>> {
    this.#checkAlive();
    const given = inputTensors(this.network, inputs);
    if (!this.#module) return trace(this.network, allFloat32(given));
    this.#tracer ??= WasmProgram.create(this.#module, this.network.name, lower(this.network, { everyTensor: true }));
    const tracer = await this.#tracer;
    this.#checkAlive();
    return tracer.run(given);
  }

  /** Time of each operation in one run over one picture. Needs a WASM target. */
  profile(inputs: NetworkInputs): OperationTime[] {
    this.#checkAlive();
    if (!this.#program)
      throw new NetworkError(
        `${this.network.name}: only WASM targets can be profiled, this plan runs on '${this.#target}'`,
      );
    const times = this.#program.operations.map(() => 0);
    let before = performance.now();
    this.#program.run(inputTensors(this.network, inputs), undefined, (operation) => {
      const now = performance.now();
      times[operation] += now - before;
      before = now;
    });
    return this.#program.operations.map(({ nodes }, i) => ({ nodes, milliseconds: times[i] }));
  }

  report(): EngineReport {
    const report = { target: this.#target, chain: this.#chain };
    if (!this.#program) return report;
    const { memory, operations } = this.#program;
    const wholeMapsActivationBytes = lower(this.network, { wholeMaps: true }).program.layOut();
    return { ...report, memory: { ...memory, wholeMapsActivationBytes }, operations };
  }

  /** Frees the WASM memory. May be called again; running a disposed plan is an error. */
  dispose(): void {
    this.#disposed = true;
    this.#program = undefined;
    this.#tracer = undefined;
  }

  #checkAlive(): void {
    if (this.#disposed)
      throw new NetworkError(`${this.network.name}: this plan was disposed; compile the network again`);
  }
}

/** The TypeScript layers in float32, whatever the number type of the inputs, as the kernels compute. */
function runReference(
  network: Network,
  inputs: ReadonlyMap<string, Tensor>,
  into: ReadonlyMap<string, Tensor> | undefined,
): Map<string, Tensor> {
  const outputs = run(network, allFloat32(inputs));
  for (const [name, { shape, data }] of into ? outputs : []) {
    const result = resultTensor(name, shape, into);
    result.data.set(data);
    outputs.set(name, result);
  }
  return outputs;
}

const allFloat32 = (tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map([...tensors].map(([name, x]) => [name, x.data instanceof Float64Array ? toFloat32(x) : x]));
