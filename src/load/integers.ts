/**
 * `depthwise/engine/integers`: the kernels of quantised networks. `load` of `depthwise` fetches them when it meets such a network; where `import()` is
 * not possible they are given: `load(…, { integers: integerEngine })`.
 */
import type { Link, Target } from '../engine/index.js';
import { compileQuantized } from '../engine/int8/engine.js';
import { TARGETS } from '../engine/targets.js';

export {
  type CompileQuantizedOptions,
  compileQuantized,
  type IntegerPlan,
  type IntegerReport,
} from '../engine/int8/engine.js';

import { UsageError } from '../errors.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import type { Network } from '../network/network.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import { expectComputable, type QuantizedNetworkInputs, runQuantized, typedInputs } from '../network/run-quantized.js';
import { integerInput } from '../tasks/integer-input.js';
import { integerParts, quantizedNames } from '../tasks/integers.js';
import type { AnyTensor } from '../tensor.js';
import type { IntegerEngine } from './model.js';

/**
 * Compiles parts of a quantised network, asked for by the names of its real numbers and answering in them. Throws a NetworkError where integers do not
 * compute it.
 */
export const integerEngine: IntegerEngine = (quantized, rounding = 'single') => {
  expectComputable(quantized);
  const partOf = integerParts(quantized);
  return async (network, { target, module, everyTensor }) => {
    if (module !== undefined) {
      throw new UsageError(
        `load: module: its kernels compute real numbers, and ${quantized.name} has integers; wanted asRealNumbers: true too`,
      );
    }
    const part = partOf(everyTensor ? everyName(network, quantizedNames(quantized)) : network.outputs);
    const { plan, ...choice } = await chosenPlan(part.network, [target ?? TARGETS].flat(), rounding);
    return {
      network: { ...network, weights: new Map() },
      run: (inputs) => part.answer(plan.run(typedInputs(part.network, inputs as QuantizedNetworkInputs))),
      ...integerInput(part.network),
      report: () => ({ ...plan.report?.(), ...choice, rounding }),
      dispose: () => plan.dispose?.(),
    };
  };
};

const everyName = ({ inputs, nodes }: Network, known: ReadonlyMap<string, string>): string[] =>
  [...inputs, ...nodes].map(({ name }) => name).filter((name) => known.has(name));

interface IntegerExecutable {
  run(inputs: ReadonlyMap<string, AnyTensor>): ReadonlyMap<string, AnyTensor>;
  report?(): object;
  dispose?(): void;
}

interface Choice {
  readonly plan: IntegerExecutable;
  readonly target: Target;
  readonly chain: readonly Link[];
}

/** The first target that works here. All give the same bits; integers have no kernels in JavaScript. Throws a UsageError where none works. */
async function chosenPlan(network: QuantizedNetwork, targets: readonly Target[], rounding: Rounding): Promise<Choice> {
  const chain: Link[] = [];
  for (const target of targets) {
    if (target === 'reference') {
      const reason = 'the readable layers work everywhere';
      const run: IntegerExecutable['run'] = (inputs) => runQuantized(network, inputs, { rounding });
      return { plan: { run }, target, chain: [...chain, { target, taken: true, reason }] };
    }
    try {
      if (target === 'javascript') throw new UsageError('integers have no kernels in JavaScript');
      const plan = await compileQuantized(network, { target, rounding });
      return { plan, target, chain: [...chain, { target, taken: true, reason: 'compiled' }] };
    } catch (error) {
      chain.push({ target, taken: false, reason: (error as Error).message });
    }
  }
  const reasons = chain.map(({ target, reason }) => `${target}: ${reason}`).join('; ');
  throw new UsageError(`${network.name}: no target works here: ${reasons}`);
}
