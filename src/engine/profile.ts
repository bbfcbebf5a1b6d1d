/** How long each operation of a plan takes. */
import { NetworkError } from '../errors.js';
import type { NetworkInputs } from '../network/run.js';
import { timeOperations } from '../wasm/profile.js';
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
  const times = timeOperations(operations?.length ?? 0, (onCall) => plan.run(inputs, undefined, onCall));
  if (operations) return operations.map(({ nodes }, i) => ({ nodes, milliseconds: times[i] }));
  throw new NetworkError(`${plan.network.name}: only WASM targets can be profiled, this plan runs on '${target}'`);
}
