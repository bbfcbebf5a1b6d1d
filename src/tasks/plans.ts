/** The engine as the executor of tasks: a network is compiled when it is first asked, and no more often. */
import { compile, Plan } from '../engine/engine.js';
import type { Network, NetworkInputs } from '../network/index.js';
import { upTo } from '../network/rewriting/subnetwork.js';
import type { Tensor } from '../tensor.js';

export { Plan };

const plans = new WeakMap<Network, Promise<Plan>>();

/** Runs the network's kernels. */
export async function runKernels(network: Network, input: NetworkInputs): Promise<Map<string, Tensor>> {
  let plan = plans.get(network);
  if (plan === undefined) {
    plan = compile(network);
    plans.set(network, plan);
    plan.catch(() => plans.delete(network)); // what failed once, for want of memory, may work later
  }
  return (await plan).run(input);
}

const cuts = new WeakMap<Network, Map<string, Network>>();

/** The network up to a layer; of one network and layer always the same, so that it is compiled once. */
export function cutAt(network: Network, layer: string): Network {
  const known = cuts.get(network) ?? new Map<string, Network>();
  cuts.set(network, known);
  const cut = known.get(layer) ?? upTo(network, layer);
  known.set(layer, cut);
  return cut;
}
