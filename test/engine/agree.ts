/** What every compiled plan is held to. Needs no test runner, so that a page can do it too. */
import { compile, type Target } from '../../src/engine/index.js';
import { javascriptKernels } from '../../src/engine/javascript/kernels.js';
import type { Network } from '../../src/network/network.js';
import type { Tensor } from '../../src/tensor.js';
import { boundsOf, coordinate, expectWithin } from './bounds.js';
import { randomInputs } from './networks.js';

export const KERNEL_TARGETS = ['scalar', 'simd', 'relaxed', 'javascript'] as const;

/** Every target within the bound on every tensor; scalar and SIMD with the same bits; pictures of a batch like pictures alone. */
export async function agree(
  network: Network,
  seed: number,
  targets: readonly Target[] = KERNEL_TARGETS,
): Promise<void> {
  const batch = randomInputs(network, 3, seed);
  const one = picture(batch, 1);
  const bounds = boundsOf(network, one);
  const results = new Map<string, ReadonlyMap<string, Tensor>>();
  for (const target of targets) {
    const plan = await compile(network, { target, javascript: javascriptKernels });
    const alone = plan.run(one);
    expectWithin(`${target}, run`, alone, bounds);
    const tracer = await compile(network, { target, javascript: javascriptKernels, everyTensor: true });
    const trace = tracer.run(one);
    tracer.dispose();
    if (`${[...trace.keys()]}` !== `${[...bounds.values.keys()]}`) throw new Error(`trace has ${[...trace.keys()]}`);
    expectWithin(`${target}, trace`, trace, bounds);
    sameBits(`${target}, the second run`, plan.run(one), alone);
    sameBits(`${target}, in a batch of 3`, picture(plan.run(batch), 1), alone);
    results.set(target, alone);
    plan.dispose();
  }
  const [scalar, simd] = [results.get('scalar'), results.get('simd')];
  if (scalar && simd) sameBits('scalar and SIMD', scalar, simd);
}

/** The picture at `index` of each tensor. */
function picture(tensors: ReadonlyMap<string, Tensor>, index: number): Map<string, Tensor> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const size = data.length / shape[0];
      return [name, { shape: [1, ...shape.slice(1)], data: data.slice(index * size, (index + 1) * size) }];
    }),
  );
}

function sameBits(what: string, found: ReadonlyMap<string, Tensor>, wanted: ReadonlyMap<string, Tensor>): void {
  for (const [name, x] of wanted) {
    const y = found.get(name)!;
    const at = x.data.findIndex((value, i) => !Object.is(value, y.data[i]));
    if (at >= 0) throw new Error(`${what}: ${name}[${coordinate(x, at)}] is ${y.data[at]}, was ${x.data[at]}`);
  }
}
