/**
 * Which kernels this machine can run. The chain is relaxed SIMD → SIMD → scalar WASM → JavaScript → TypeScript; every link that is passed over leaves its
 * reason, and the one that is taken has first computed a small network like the TypeScript layers do.
 */
// First in a bundle, see engine.ts.
import { wasmBytes } from './wasm-bytes.js';

// The others.

import { expectOneOf } from '../checks.js';
import { UsageError } from '../errors.js';
import { ArchitectureBuilder } from '../network/architecture-builder.js';
import type { Network } from '../network/network.js';
import { run } from '../network/run.js';
import { wantedWeights } from '../network/shapes.js';
import { type Shape, sizeOf, type Tensor } from '../tensor.js';
import { compileBytes, type WasmModule, type WasmTarget } from '../wasm/web-assembly.js';
import { Heaps, type KernelSource, wasmKernels } from './heap.js';
import { lower } from './lower.js';
import { WasmProgram } from './wasm-program.js';

export const TARGETS = ['relaxed', 'simd', 'scalar', 'javascript', 'reference'] as const;
export type Target = (typeof TARGETS)[number];

export interface Link {
  readonly target: Target;
  readonly taken: boolean;
  /** Why it was taken or passed over. */
  readonly reason: string;
}

export interface Capability {
  readonly target: Target;
  readonly works: boolean;
  /** How that is known. */
  readonly reason: string;
}

/** Kernels that the caller has: compiled modules by their targets, or those in JavaScript. */
export interface GivenKernels {
  readonly modules?: ReadonlyMap<string, WasmModule>;
  readonly javascript?: KernelSource;
}

/** Kernels that have passed the self-test, or are in it: by their target, or by what the caller gave. */
const tested = new Map<WasmTarget | WasmModule | KernelSource, Promise<Heaps>>();

/** What this machine can run: every target of the chain is compiled and tested, but for JavaScript, which runs anywhere. */
export async function capabilities(): Promise<Capability[]> {
  const found: Capability[] = [];
  for (const target of TARGETS) {
    if (target === 'javascript') continue;
    const { works, reason } = await tryTarget(target, {});
    found.push({ target, works, reason });
  }
  return found;
}

/**
 * The first target of the list that works here, and what became of each. `reference` always works. Throws a UsageError for an unknown
 * target, and one with all reasons when none works.
 */
export async function chooseTarget(
  wanted: readonly Target[],
  given: GivenKernels,
): Promise<{ target: Target; heaps?: Heaps; chain: Link[] }> {
  for (const target of wanted) expectOneOf(UsageError, 'target', TARGETS, target);
  const chain: Link[] = [];
  for (const target of wanted) {
    const { works, reason, heaps } = await tryTarget(target, given);
    chain.push({ target, taken: works, reason });
    if (works) return { target, chain, ...(heaps && { heaps }) };
  }
  throw new UsageError(`no wanted target works here:${reasonsOf(chain) || ' none is left'}`);
}

/** A line for each target. */
export const reasonsOf = (chain: readonly Link[]): string =>
  chain.map(({ target, reason }) => `\n  ${target}: ${reason}`).join('');

async function tryTarget(
  target: Target,
  { modules, javascript }: GivenKernels,
): Promise<{ works: boolean; reason: string; heaps?: Heaps }> {
  const is = (works: boolean, reason: string) => ({ works, reason });
  if (target === 'reference') return is(true, 'TypeScript layers need nothing');
  if (target === 'javascript') {
    return javascript ? testedKernels(javascript, () => javascript) : is(false, 'the option `javascript` is not given');
  }
  const module = modules?.get(target);
  if (modules && !module) return is(false, 'the given `module` is for another target');
  return testedKernels(module ?? target, async () => wasmKernels(module ?? (await compileTarget(target))));
}

async function testedKernels(
  key: WasmTarget | WasmModule | KernelSource,
  sourceOf: () => KernelSource | Promise<KernelSource>,
): Promise<{ works: boolean; reason: string; heaps?: Heaps }> {
  const heaps = tested.get(key) ?? heapsOf(sourceOf);
  tested.set(key, heaps);
  try {
    return { works: true, reason: 'compiled, and agrees with the TypeScript layers', heaps: await heaps };
  } catch (error) {
    // A failure is not kept: a page may allow later what it refuses now.
    tested.delete(key);
    return { works: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function heapsOf(sourceOf: () => KernelSource | Promise<KernelSource>): Promise<Heaps> {
  const heaps = new Heaps(await sourceOf());
  await selfTest(heaps);
  return heaps;
}

function compileTarget(target: WasmTarget): Promise<WasmModule> {
  if (typeof WebAssembly !== 'object') throw new Error('WebAssembly does not exist here');
  return compileBytes(target, wasmBytes(target));
}

/** Share of an output's largest number that a kernel may be off: these sums have at most 73 terms of rounding 2⁻²⁴. */
const SELF_TEST_TOLERANCE = 1e-5;

/**
 * Runs a small network, a stem, a separable convolution and an inverted residual on an odd size, and compares it with the reference. Browsers have
 * shipped SIMD that computed wrong numbers (iOS 16.4: microsoft/onnxruntime#15644).
 */
async function selfTest(heaps: Heaps): Promise<void> {
  const described = selfTestNetwork();
  const weights = new Map([...wantedWeights(described)].map(([name, shape]) => [name, waves(shape)]));
  const network = { ...described, weights };
  const x = waves(described.inputs[0].shape);
  const wanted = run(network, x);
  const program = await WasmProgram.create(heaps, network.name, lower(network));
  const found = program.run(new Map([['picture', x]]));
  program.dispose();
  for (const [name, { data }] of wanted) {
    const numbers = found.get(name)!.data;
    const largest = Math.max(...data.map(Math.abs));
    const at = data.findIndex((value, i) => !(Math.abs(value - numbers[i]) <= SELF_TEST_TOLERANCE * largest));
    if (at < 0) continue;
    throw new Error(`self-test: ${name}[${at}] is ${numbers[at]}, the TypeScript layers give ${data[at]}`);
  }
}

/** Numbers between −1 and 1 without a pattern that a fault could hide behind. */
const waves = (shape: Shape): Tensor => ({
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin((i + 1) ** 2)),
});

function selfTestNetwork(): Network {
  const net = new ArchitectureBuilder();
  const depthwise = { kernelSize: [3, 3], bias: true } as const;
  const narrow = { filters: 5, bias: true };
  let x = net.input('picture', [1, 9, 7, 3]);
  x = net.add('stem', 'conv2d', x, { ...depthwise, filters: 8, strides: [2, 2] });
  x = net.add('stem6', 'relu6', x);
  x = net.add('first', 'depthwiseConv2d', x, depthwise);
  const input = net.add('narrow', 'pointwiseConv2d', x, narrow);
  x = net.add('wide', 'pointwiseConv2d', input, { filters: 30, bias: true });
  x = net.add('wide6', 'relu6', x);
  x = net.add('second', 'depthwiseConv2d', x, depthwise);
  x = net.add('project', 'pointwiseConv2d', x, narrow);
  x = net.add('sum', 'add', [x, input]);
  x = net.add('pool', 'globalAveragePool', x);
  x = net.add('logits', 'dense', x, { units: 3 });
  return net.build('self-test', ['sum', x], { source: 'other', output: 'logits' });
}
