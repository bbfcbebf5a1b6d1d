/**
 * Compiles quantised networks for the integer kernels and runs them: the same bits on every target, those of the readable layers in
 * src/layers/int8. A page that computes with real numbers loads nothing of this.
 */
import { expectOneOf } from '../../checks.js';
import { NetworkError, UsageError } from '../../errors.js';
import { type Rounding, roundings } from '../../layers/int8/fixed-point.js';
import { inferQuantizedShapes, isQuantizedType, type QuantizedNetwork } from '../../network/quantized-network.js';
import { withQuantizedWeights } from '../../network/quantized-types.js';
import { type QuantizedNetworkInputs, typedInputs } from '../../network/run-quantized.js';
import { type AnyTensor, type IntegerArray, type Shape, sameShape, sizeOf, type TensorType } from '../../tensor.js';
import type { Call } from '../../wasm/program.js';
import { allocate, compileBytes, instantiate, type WasmTarget } from '../../wasm/web-assembly.js';
import { Heaps, type Region, wasmKernels } from '../heap.js';
import type { MemoryReport, OperationReport } from '../wasm-program.js';
import { type Int8Kernels, int8Bytes } from './kernels.js';
import { type LoweredIntegers, lowerIntegers, type PlacedTensor } from './lower.js';
import { arrayOf, type Products, viewOf } from './lowering.js';

const TARGETS: readonly WasmTarget[] = ['relaxed', 'simd', 'scalar'];

export interface CompileQuantizedOptions {
  /** Forces a target; otherwise it is the first of relaxed, simd and scalar that this machine knows. All give the same bits. */
  readonly target?: WasmTarget;
  /** 'single' if not said. */
  readonly rounding?: Rounding;
  /** Makes every tensor a result, to look into the network: nothing is fused, which takes more time and memory. */
  readonly everyTensor?: boolean;
}

export interface IntegerReport {
  readonly target: WasmTarget;
  readonly rounding: Rounding;
  readonly memory: MemoryReport;
  readonly operations: readonly OperationReport[];
}

/** The kernels of a target, and what this machine does with them. */
interface Machine {
  readonly heaps: Heaps<Int8Kernels>;
  readonly products: Products;
}

/** Once they are compiled. */
const known = new Map<WasmTarget, Promise<Machine>>();

/**
 * Compiles a quantised network: fuses activations and padding, packs the weights, plans the memory. The plan is for the network's declared input
 * sizes and any batch. Throws a UsageError for an unknown target or rounding, or where the machine knows no target, and a NetworkError or
 * ShapeError for a network whose nodes or weights do not fit.
 */
export async function compileQuantized(
  network: QuantizedNetwork,
  { target, rounding = 'single', everyTensor = false }: CompileQuantizedOptions = {},
): Promise<IntegerPlan> {
  expectOneOf(UsageError, 'rounding', roundings, rounding);
  const chosen = chooseTarget(target);
  const shapes = shapesOf(network);
  withQuantizedWeights(network, network.weights);
  const { heaps, products } = await machineOf(chosen);
  const lowered = lowerIntegers(network, shapes, rounding, everyTensor, products);
  const activationBytes = lowered.program.layOut();
  const region = await heaps.take(network.name, lowered.program.constants.bytes + activationBytes);
  return new IntegerPlan(network, lowered, heaps, region, activationBytes, chosen, rounding);
}

/** The shape of every tensor, of batch 1. */
function shapesOf(network: QuantizedNetwork): Map<string, Shape> {
  const one = network.inputs.map(({ name, shape }): [string, Shape] => [name, [1, ...shape.slice(1)]]);
  return inferQuantizedShapes(network, new Map(one));
}

function chooseTarget(wanted: WasmTarget | undefined): WasmTarget {
  if (wanted !== undefined) expectOneOf(UsageError, 'target', TARGETS, wanted);
  const chosen = (wanted ? [wanted] : TARGETS).find((target) => bytesOf(target) !== undefined);
  if (chosen) return chosen;
  throw new UsageError(`this machine does not run the integer kernels of target ${wanted ?? TARGETS.join(', ')}`);
}

const bytesKnown = new Map<WasmTarget, Uint8Array<ArrayBuffer> | undefined>();

/** The kernels of a target; undefined where this machine does not know its instructions. */
function bytesOf(target: WasmTarget): Uint8Array<ArrayBuffer> | undefined {
  if (!bytesKnown.has(target)) {
    const bytes = int8Bytes(target);
    bytesKnown.set(target, typeof WebAssembly === 'object' && WebAssembly.validate(bytes) ? bytes : undefined);
  }
  return bytesKnown.get(target);
}

function machineOf(target: WasmTarget): Promise<Machine> {
  const machine = known.get(target) ?? compileKernels(target);
  known.set(target, machine);
  machine.catch(() => known.delete(target));
  return machine;
}

/** What `probe` of assembly/int8/pointwise-bytes.ts tells. */
const PROBED: Readonly<Record<number, Products>> = { 32767: 'bytes', 80000: 'dots', [-22400]: 'signedDots' };

async function compileKernels(target: WasmTarget): Promise<Machine> {
  const module = await compileBytes(target, bytesOf(target)!);
  const { probe } = await instantiate<Int8Kernels>(module, allocate('the integer kernels', 1));
  const products = target === 'scalar' ? 'numbers' : (PROBED[probe()] ?? 'pairs');
  return { heaps: new Heaps<Int8Kernels>(wasmKernels(module)), products };
}

interface Port {
  readonly name: string;
  readonly shape: Shape;
  readonly type: TensorType;
  readonly address: number;
}

/** A compiled quantised network. Running it allocates no WASM memory. */
export class IntegerPlan {
  readonly network: QuantizedNetwork;
  readonly #heaps: Heaps<Int8Kernels>;
  readonly #region: Region<Int8Kernels>;
  readonly #calls: readonly Call[];
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  readonly #report: IntegerReport;
  #disposed = false;

  /** Use `compileQuantized`. */
  constructor(
    network: QuantizedNetwork,
    { program, operations, pages, inputs, outputs }: LoweredIntegers,
    heaps: Heaps<Int8Kernels>,
    region: Region<Int8Kernels>,
    activationBytes: number,
    target: WasmTarget,
    rounding: Rounding,
  ) {
    heaps.giveBackAfter(this, region);
    this.network = { ...network, weights: new Map() };
    this.#heaps = heaps;
    this.#region = region;
    const { kernels, memory } = region.heap;
    const page = (index: number, ...addresses: number[]) => pages[index](memory.buffer, ...addresses);
    const { calls, addressOf } = program.link({ ...kernels, page }, memory, region.address);
    this.#calls = calls;
    const port = ({ place, ...tensor }: PlacedTensor): Port => ({ ...tensor, address: addressOf(place) });
    this.#inputs = inputs.map(port);
    this.#outputs = outputs.map(port);
    this.#report = {
      target,
      rounding,
      memory: {
        weightBytes: program.constants.bytes,
        activationBytes,
        totalBytes: region.end - region.address,
        largestBufferBytes: program.buffers.reduce((most, { bytes }) => Math.max(most, bytes), 0),
      },
      operations: program
        .kernelCounts(operations.length)
        .map((kernels, i) => ({ nodes: operations[i].nodes, kernels })),
    };
  }

  /**
   * The network's outputs by name. Inputs are as `runQuantized` takes them, or the integers alone of the only input, such as a picture's bytes. With
   * `into`, results are written into the given tensors. `onCall` hears after each kernel call which of the report's operations it served.
   */
  run(
    inputs: QuantizedNetworkInputs | IntegerArray,
    into?: ReadonlyMap<string, AnyTensor>,
    onCall?: (operation: number) => void,
  ): Map<string, AnyTensor> {
    if (this.#disposed)
      throw new NetworkError(`${this.network.name}: this plan was disposed; compile the network again`);
    const tensors = typedInputs(this.network, ArrayBuffer.isView(inputs) ? this.#pictures(inputs) : inputs);
    const given = this.#inputs.map(({ name }) => (tensors.get(name) as AnyTensor).data);
    const batch = this.#batchOf(given);
    const { memory } = this.#region.heap;
    const results = this.#outputs.map(({ name, shape, type }) =>
      resultTensor(name, [shape[0] * batch, ...shape.slice(1)], type, into),
    );
    for (let n = 0; n < batch; n++) {
      this.#inputs.forEach(({ shape, type, address }, i) => {
        const size = sizeOf(shape);
        viewOf(memory.buffer, address, size, type).set(given[i].subarray(n * size, (n + 1) * size));
      });
      for (const { kernel, args, operation } of this.#calls) {
        kernel(...args);
        onCall?.(operation);
      }
      this.#outputs.forEach(({ shape, type, address }, i) => {
        const size = sizeOf(shape);
        results[i].data.set(viewOf(memory.buffer, address, size, type), n * size);
      });
    }
    return new Map(this.#outputs.map(({ name }, i) => [name, results[i]]));
  }

  /** Numbers alone, which are those of the only input. */
  #pictures(data: IntegerArray): AnyTensor {
    const [{ shape, type }] = this.#inputs;
    const batch = data.length / sizeOf(shape);
    if (data instanceof arrayOf(type) && batch >= 1 && Number.isInteger(batch)) {
      return { shape: [batch, ...shape.slice(1)], data, type } as AnyTensor;
    }
    const wanted = `[batch, ${shape.slice(1).join(', ')}] in a ${arrayOf(type).name}`;
    const found = `${data.length} numbers in a ${data.constructor.name}`;
    throw new NetworkError(`${this.network.name}: wanted numbers of shape ${wanted}, found ${found}`);
  }

  #batchOf(given: readonly AnyTensor['data'][]): number {
    const batches = this.#inputs.map(({ shape }, i) => given[i].length / sizeOf(shape));
    if (batches.every((batch) => batch === batches[0] && batch >= 1)) return batches[0];
    throw new NetworkError(`${this.network.name}: all inputs must have the same batch of 1 or more, found ${batches}`);
  }

  report(): IntegerReport {
    return this.#report;
  }

  /** Gives the memory back. May be called again; running a disposed plan is an error. */
  dispose(): void {
    if (!this.#disposed) this.#heaps.giveBack(this.#region);
    this.#disposed = true;
  }
}

/** The tensor given for this output, or a new one. */
function resultTensor(
  name: string,
  shape: Shape,
  type: TensorType,
  into: ReadonlyMap<string, AnyTensor> | undefined,
): AnyTensor {
  const given = into?.get(name);
  if (given === undefined) return newTensor(shape, type);
  if (sameShape(given.shape, shape) && given.data instanceof arrayOf(type)) return given;
  throw new NetworkError(
    `the tensor for output '${name}' must be [${shape}] in a ${arrayOf(type).name}, found [${given.shape}] in a ${given.data.constructor.name}`,
  );
}

function newTensor(shape: Shape, type: TensorType): AnyTensor {
  const data = new (arrayOf(type))(sizeOf(shape));
  return (isQuantizedType(type) ? { shape, data, type } : { shape, data }) as AnyTensor;
}
