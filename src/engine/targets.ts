/**
 * Which kernels this machine can run. The chain is relaxed SIMD → SIMD → scalar WASM → TypeScript; every link that is passed over leaves its
 * reason, and the one that is taken has first computed a small network like the TypeScript layers do.
 */
// First in a bundle, see engine.ts.
import { type WasmTarget, wasmBytes } from './wasmBytes.js';

// The others.

import { UsageError } from '../errors.js';
import { NetworkBuilder } from '../network/builder.js';
import type { Network } from '../network/network.js';
import { run } from '../network/run.js';
import { randomWeights } from '../network/weights.js';
import { uniformRandom } from '../random.js';
import { tensor } from '../tensor.js';
import { lower } from './lower.js';
import { WasmProgram } from './wasmProgram.js';

export const TARGETS = ['relaxed', 'simd', 'scalar', 'reference'] as const;
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

/** Modules that have passed the self-test, or are in it. */
const tested = new Map<WasmTarget, Promise<WebAssembly.Module>>();

/** What this machine can run: every target of the chain is compiled and tested. */
export async function capabilities(): Promise<Capability[]> {
  const found: Capability[] = [];
  for (const target of TARGETS) {
    const { works, reason } = await tryTarget(target);
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
): Promise<{ target: Target; module?: WebAssembly.Module; chain: Link[] }> {
  const unknown = wanted.find((target) => !TARGETS.includes(target));
  if (unknown !== undefined) throw new UsageError(`target must be one of ${TARGETS.join(', ')}, found '${unknown}'`);
  const chain: Link[] = [];
  for (const target of wanted) {
    const { works, reason, module } = await tryTarget(target);
    chain.push({ target, taken: works, reason });
    if (works) return { target, chain, ...(module && { module }) };
  }
  const reasons = chain.map(({ target, reason }) => `\n  ${target}: ${reason}`).join('');
  throw new UsageError(`no wanted target works here:${reasons || ' none is left'}`);
}

async function tryTarget(target: Target): Promise<{ works: boolean; reason: string; module?: WebAssembly.Module }> {
  if (target === 'reference') return { works: true, reason: 'TypeScript layers need nothing' };
  try {
    const module = await testedModule(target);
    return { works: true, reason: 'compiled, and agrees with the TypeScript layers', module };
  } catch (error) {
    return { works: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A failure is not kept: a page may allow later what it refuses now. */
async function testedModule(target: WasmTarget): Promise<WebAssembly.Module> {
  const module = tested.get(target) ?? compileAndTest(target);
  tested.set(target, module);
  try {
    return await module;
  } catch (error) {
    tested.delete(target);
    throw error;
  }
}

async function compileAndTest(target: WasmTarget): Promise<WebAssembly.Module> {
  if (typeof WebAssembly !== 'object') throw new Error('WebAssembly does not exist here');
  const bytes = wasmBytes(target);
  if (!WebAssembly.validate(bytes)) throw new Error(`this machine does not know the instructions of '${target}'`);
  const module = WebAssembly.compile(bytes);
  await selfTest(module);
  return module;
}

/** Share of an output's largest number that a kernel may be off: these sums have at most 73 terms of rounding 2⁻²⁴. */
const SELF_TEST_TOLERANCE = 1e-5;

/**
 * Runs a small network, a stem, a separable convolution and an inverted residual on an odd size, and compares it with the reference. Browsers have
 * shipped SIMD that computed wrong numbers (iOS 16.4: microsoft/onnxruntime#15644). The reference computes while other threads compile.
 */
async function selfTest(module: Promise<WebAssembly.Module>): Promise<void> {
  const network = randomWeights(selfTestNetwork(), 1);
  const random = uniformRandom(2);
  const x = tensor(
    [1, 9, 7, 3],
    Float32Array.from({ length: 9 * 7 * 3 }, () => 2 * random() - 1),
  );
  const lowered = lower(network);
  const wanted = run(network, x);
  const program = await WasmProgram.create(await module, network.name, lowered);
  const found = program.run(new Map([['picture', x]]));
  for (const [name, { data }] of wanted) {
    const numbers = found.get(name)!.data;
    const largest = Math.max(...data.map(Math.abs));
    const at = data.findIndex((value, i) => !(Math.abs(value - numbers[i]) <= SELF_TEST_TOLERANCE * largest));
    if (at < 0) continue;
    throw new Error(`self-test: ${name}[${at}] is ${numbers[at]}, the TypeScript layers give ${data[at]}`);
  }
}

function selfTestNetwork(): Network {
  const net = new NetworkBuilder();
  const same = { strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
  let x = net.input('picture', [1, 9, 7, 3]);
  x = net.add('stem', 'conv2d', x, { ...same, filters: 8, kernelSize: [3, 3], strides: [2, 2], bias: true });
  x = net.add('stem_relu6', 'relu6', x, {});
  x = net.add('depthwise', 'depthwiseConv2d', x, { ...same, kernelSize: [3, 3], depthMultiplier: 1, bias: true });
  const narrow = net.add('project', 'pointwiseConv2d', x, { filters: 5, bias: true });
  x = net.add('expand', 'pointwiseConv2d', narrow, { filters: 30, bias: true });
  x = net.add('expand_relu6', 'relu6', x, {});
  x = net.add('middle', 'depthwiseConv2d', x, { ...same, kernelSize: [3, 3], depthMultiplier: 1, bias: true });
  x = net.add('narrow', 'pointwiseConv2d', x, { filters: 5, bias: true });
  x = net.add('sum', 'add', [x, narrow], {});
  x = net.add('pool', 'globalAveragePool', x, { keepDims: false });
  x = net.add('logits', 'dense', x, { units: 3, bias: true });
  return net.build('self-test', ['sum', x], { source: 'other', output: 'logits' });
}
