/** Who reads each tensor of a network. Each function is one pass over the nodes. */
import type { Network } from './network.js';

/**
 * The only reader of each tensor, by the tensor's name: undefined for one that is read twice, by one node or by two, or that is an output,
 * which must exist as it is. Takes one pass, however many read a tensor. `inputsOf` is for readers that are no nodes.
 */
export function soleReaders<Reader extends { readonly inputs: readonly string[] }>(
  readers: readonly Reader[],
  outputs: readonly string[],
  inputsOf = ({ inputs }: Reader): readonly string[] => inputs,
): ReadonlyMap<string, Reader | undefined> {
  const sole = new Map<string, Reader | undefined>();
  for (const reader of readers) {
    for (const input of inputsOf(reader)) sole.set(input, sole.has(input) ? undefined : reader);
  }
  for (const output of outputs) sole.set(output, undefined);
  return sole;
}

/** Index of the last node that needs each tensor, by name; outputs are needed to the end. */
export function lastUses({ nodes, outputs }: Pick<Network, 'nodes' | 'outputs'>): Map<string, number> {
  const last = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const name of [...node.inputs, node.name]) last.set(name, index);
  });
  for (const output of outputs) last.delete(output);
  return last;
}
