/** How often each tensor is read, by name. An output must exist as it is: to be read outside is a use like any other. */
import type { Network } from './network.js';

export function countUses({ nodes, outputs }: Pick<Network, 'nodes' | 'outputs'>): Map<string, number> {
  const uses = new Map<string, number>();
  for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}
