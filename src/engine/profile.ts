/** How long each operation of a plan takes. */
import { NetworkError } from '../errors.js';
import { timeOperations } from '../wasm/profile.js';
import type { EngineReport } from './engine.js';

export interface OperationTime {
  /** The network's nodes that run as one. */
  readonly nodes: readonly string[];
  /** Milliseconds, one picture. */
  readonly milliseconds: number;
}

/** A plan of `compile` or `compileQuantized`. */
export interface TimedPlan<Inputs> {
  readonly network: { readonly name: string };
  run(inputs: Inputs, into: undefined, onCall: (operation: number) => void): unknown;
  report(): Pick<EngineReport, 'target' | 'operations'>;
}

/** Time of each operation in one run over one picture. Needs a WASM target. */
export function profile<Inputs>(plan: TimedPlan<Inputs>, inputs: Inputs): OperationTime[] {
  const { target, operations } = plan.report();
  const times = timeOperations(operations?.length ?? 0, (onCall) => plan.run(inputs, undefined, onCall));
  if (operations) return operations.map(({ nodes }, i) => ({ nodes, milliseconds: times[i] }));
  throw new NetworkError(`${plan.network.name}: only WASM targets can be profiled, this plan runs on '${target}'`);
}
