/** How long each operation of a plan takes. Apart from the plan, since a page that runs networks need not carry it. */

import { NetworkError } from '../errors.js';
import type { NetworkInputs } from '../network/run.js';
import type { Plan } from './engine.js';

export interface OperationTime {
  /** The network's nodes that run as one. */
  readonly nodes: readonly string[];
  /** Milliseconds, one picture. */
  readonly milliseconds: number;
}

/** Time of each operation in one run over one picture. Needs a WASM target. */
export function profile(plan: Plan, inputs: NetworkInputs): OperationTime[] {
  const { target, operations } = plan.report();
  const times = operations?.map(() => 0) ?? [];
  let before = performance.now();
  plan.run(inputs, undefined, (operation) => {
    const now = performance.now();
    times[operation] += now - before;
    before = now;
  });
  if (operations) return operations.map(({ nodes }, i) => ({ nodes, milliseconds: times[i] }));
  throw new NetworkError(`${plan.network.name}: only WASM targets can be profiled, this plan runs on '${target}'`);
}
