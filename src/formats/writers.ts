/** How the formats with operators of their own write a network: kind by kind. */
import { UsageError } from '../errors.js';
import type { LayerKind, NetworkNode, NodeOf } from '../network/index.js';

/** Writes a node of each kind into a graph. A kind that is not there cannot be written. */
export type Writers<Graph> = { readonly [Kind in LayerKind]?: (graph: Graph, node: NodeOf<Kind>) => void };

/** Throws a UsageError for a kind that the format's writers do not know. */
export function writeNode<Graph>(writers: Writers<Graph>, graph: Graph, node: NetworkNode, format: string): void {
  const write = writers[node.kind] as ((graph: Graph, node: NetworkNode) => void) | undefined;
  if (write === undefined)
    throw new UsageError(`${node.name}: layers of kind '${node.kind}' cannot be written as ${format}`);
  write(graph, node);
}
