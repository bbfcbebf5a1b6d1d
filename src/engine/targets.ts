/**
 * Which kernels this machine can run. The chain is relaxed SIMD → SIMD → scalar WASM → TypeScript; every link that is passed over leaves its
 * reason, and the one that is taken has first computed a small network like the TypeScript layers do.
 */

import { NetworkBuilder } from '../network/builder.js';
import type { Network } from '../network/network.js';
import { run } from '../network/run.js';
import { randomWeights } from '../network/weights.js';
import { uniformRandom } from '../random.js';
import { tensor } from '../tensor.js';
import { RELAXED, SCALAR, SIMD } from './generated/wasm.js';
import { lower } from './lower.js';
import { WasmProgram } from './wasmProgram.js';

export type WasmTarget = 'relaxed' | 'simd' | 'scalar';
export type Target = WasmTarget | 'reference';

export interface Link {
  readonly target: Target;
  readonly taken: boolean;
  /** Why it was taken or passed over. */
  readonly reason: string;
}

const BYTES: Readonly<Record<WasmTarget, string>> = { relaxed: RELAXED, simd: SIMD, scalar: SCALAR };

/** Modules that have passed the self-test, compiled once. */
const tested = new Map<WasmTarget, Promise<WebAssembly.Module>>();

/** The first target of the list that works here, and what became of each. `reference` always works. */
export async function chooseTarget(
  wanted: readonly Target[],
): Promise<{ target: Target; module?: WebAssembly.Module; chain: Link[] }> {
  const chain: Link[] = [];
  for (const target of wanted) {
    if (target === 'reference') {
      chain.push({ target, taken: true, reason: 'TypeScript layers need nothing' });
      return { target, chain };
    }
    try {
      const module = await testedModule(target);
      chain.push({ target, taken: true, reason: 'compiled, and agrees with the TypeScript layers' });
      return { target, module, chain };
    } catch (error) {
      chain.push({ target, taken: false, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  throw new Error(`no target works here:\n${chain.map(({ target, reason }) => `  ${target}: ${reason}`).join('\n')}`);
}

function testedModule(target: WasmTarget): Promise<WebAssembly.Module> {
  let module = tested.get(target);
  if (module === undefined) {
    module = compileAndTest(target);
    tested.set(target, module);
  }
  return module;
}

async function compileAndTest(target: WasmTarget): Promise<WebAssembly.Module> {
  if (typeof WebAssembly !== 'object') throw new Error('WebAssembly does not exist here');
  const bytes = Uint8Array.from(atob(BYTES[target]), (character) => character.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) throw new Error(`this machine does not know the instructions of '${target}'`);
  const module = await WebAssembly.compile(bytes);
  selfTest(module);
  return module;
}

/**
 * Runs a small network, a stem, a separable convolution and an inverted residual on an odd size, and compares it with the reference. Browsers have
 * shipped SIMD that computed wrong numbers (iOS 16.4: microsoft/onnxruntime#15644).
 */
function selfTest(module: WebAssembly.Module): void {
  const network = randomWeights(selfTestNetwork(), 1);
  const random = uniformRandom(2);
  const x = tensor(
    [1, 9, 7, 3],
    Float32Array.from({ length: 9 * 7 * 3 }, () => 2 * random() - 1),
  );
  const expected = [...run(network, x).values()][0];
  const found = [...new WasmProgram(module, network.name, lower(network, false)).run(x).values()][0];
  const largest = Math.max(...expected.data.map(Math.abs));
  const at = [...expected.data].findIndex((value, i) => !(Math.abs(value - found.data[i]) <= 1e-5 * largest));
  if (at >= 0)
    throw new Error(`self-test: output ${at} is ${found.data[at]}, the TypeScript layers give ${expected.data[at]}`);
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
  return net.build('self-test', [x], { source: 'other', output: 'logits' });
}
