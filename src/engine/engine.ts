/** Compiles networks for the WASM kernels and runs them. */
// First, and wasm-bytes.js first in it, so that the kernels' text opens a bundle: gzip makes 0.6 kB less of it there than amid code.
import { chooseTarget, type Link, TARGETS, type Target } from './targets.js';

// The others.

import { NetworkError } from '../errors.js';
import type { Network } from '../network/network.js';
import { expectAllWeights, inputTensors, type NetworkInputs, run, trace } from '../network/run.js';
import { inferShapes } from '../network/shapes.js';
import { withWeights } from '../network/weights.js';
import { type Tensor, toFloat32 } from '../tensor.js';
import { isFallback, warnOfFallback } from './fallback.js';
import type { KernelSource } from './heap.js';
import { type KernelModules, modulesByTarget } from './kernel-modules.js';
import { lower } from './lower.js';
import { type ProgramReport, resultTensor, WasmProgram } from './wasm-program.js';

export interface CompileOptions {
  /** Forces one link of the chain, or gives another chain; an error says why none of it works. */
  readonly target?: Target | readonly Target[];
  /**
   * Kernels that are already compiled: a `WebAssembly.Module` of `depthwise/engine/simd.wasm`, `relaxed.wasm` or `scalar.wasm`, or several by
   * their targets. For hosts that compile no bytes. No other kernels are tried then.
   */
  readonly module?: KernelModules;
  /**
   * What computes where WebAssembly is forbidden, before the TypeScript layers do: `javascriptKernels` of `depthwise/engine/javascript`.
   * `load` of `depthwise` brings them along.
   */
  readonly javascript?: KernelSource;
  /** Called if kernels were not excluded by `target`, and yet none work. Without it, one `console.warn` in a page or process says why. */
  readonly onFallback?: (report: EngineReport) => void;
  /** Leaves relaxed SIMD out, whose results may differ between machines in the last bit. */
  readonly reproducible?: boolean;
  /** Makes every tensor a result, to look into the network: nothing is folded or fused, which takes more time and memory. */
  readonly everyTensor?: boolean;
}

/** `memory` and `operations` are those of a WASM target that is not disposed. */
export interface EngineReport extends Partial<ProgramReport> {
  readonly target: Target;
  /** What became of every target that was tried, and why. */
  readonly chain: readonly Link[];
}

/** What runs a network: kernels, or the TypeScript layers. */
interface Executable extends Pick<WasmProgram, 'run' | 'dispose'> {
  readonly report?: ProgramReport;
}

/**
 * Compiles a network: folds batch norms, fuses, packs the weights, plans the memory. The plan is for the network's declared input sizes and
 * any batch. Throws a NetworkError for missing, surplus or wrongly shaped weights, a UsageError that lists the reasons when no wanted target works,
 * and one for a `module` that does not hold these kernels.
 *
 * Kernels multiply zero padding where the TypeScript layers leave it out: a NaN or infinite number in a convolution's kernel gives NaN at borders.
 */
export async function compile(network: Network, options: CompileOptions = {}): Promise<Plan> {
  const shapes = inferShapes(network);
  expectAllWeights(network, shapes);
  withWeights(network, network.weights, shapes);
  const wanted = typeof options.target === 'string' ? [options.target] : (options.target ?? TARGETS);
  const allowed = wanted.filter(
    (target) =>
      !(options.reproducible && target === 'relaxed') &&
      !(target === 'javascript' && !options.target && !options.javascript),
  );
  const { module, javascript } = options;
  const { target, heaps, chain } = await chooseTarget(allowed, {
    ...(module !== undefined && { modules: modulesByTarget(module) }),
    ...(javascript && { javascript }),
  });
  if (isFallback(target) && !options.target) (options.onFallback ?? warnOfFallback)({ target, chain });
  const { everyTensor = false } = options;
  const executable = heaps
    ? await WasmProgram.create(heaps, network.name, lower(network, { everyTensor }))
    : referenceExecutable(network, everyTensor);
  return new Plan({ ...network, weights: new Map() }, { target, chain }, executable);
}

/** A compiled network. */
export class Plan {
  /** A description of what the plan computes. It has no weights: the plan keeps them packed, and lets the given ones go. */
  readonly network: Network;
  readonly #choice: Pick<EngineReport, 'target' | 'chain'>;
  #executable: Executable | undefined;

  /** Use `compile`. */
  constructor(network: Network, choice: Pick<EngineReport, 'target' | 'chain'>, executable: Executable) {
    this.network = network;
    this.#choice = choice;
    this.#executable = executable;
  }

  /**
   * The network's outputs by name, float32, for inputs [batch, …]. With `into`, results are written into the given tensors and none is
   * allocated. A plan compiled with `everyTensor` gives every tensor, inputs included, in the order of the nodes. `onCall` hears after each
   * kernel call which of the report's operations it served.
   */
  run(
    inputs: NetworkInputs,
    into?: ReadonlyMap<string, Tensor>,
    onCall?: (operation: number) => void,
  ): Map<string, Tensor> {
    if (this.#executable) return this.#executable.run(inputTensors(this.network, inputs), into, onCall);
    throw new NetworkError(`${this.network.name}: this plan was disposed; compile the network again`);
  }

  report(): EngineReport {
    return { ...this.#choice, ...this.#executable?.report };
  }

  /** Gives the memory back. May be called again; running a disposed plan is an error. A plan that is garbage collected gives it back by itself. */
  dispose(): void {
    this.#executable?.dispose();
    this.#executable = undefined;
  }
}

/** The TypeScript layers in float32, whatever the number type of the inputs, as the kernels compute. */
const referenceExecutable = (network: Network, everyTensor: boolean): Executable => ({
  run(inputs, into) {
    const outputs = (everyTensor ? trace : run)(network, allFloat32(inputs));
    for (const [name, { shape, data }] of into ? outputs : []) {
      const result = resultTensor(name, shape, into);
      result.data.set(data);
      outputs.set(name, result);
    }
    return outputs;
  },
  dispose() {},
});

const allFloat32 = (tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map([...tensors].map(([name, x]) => [name, x.data instanceof Float64Array ? toFloat32(x) : x]));
