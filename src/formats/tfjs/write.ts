/** A network with its weights as the two files of a graph model. */
import { inferShapes, type Network, type NetworkNode } from '../../network/index.js';
import { attr, OutGraph } from './out-graph.js';
import { joined } from './weights.js';
import { writers } from './writers.js';

export function graphModel(network: Network): Map<string, Uint8Array> {
  const graph = new OutGraph(network);
  for (const node of network.nodes) {
    (writers[node.kind] as (graph: OutGraph, node: NetworkNode) => void)(graph, node);
  }
  const shapes = inferShapes(network);
  const described = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const { shape } = attr.shape([-1, ...shapes.get(name)!.slice(1)]);
        return [name, { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: shape }];
      }),
    );
  const constants = [...graph.constants];
  const model = {
    format: 'graph-model',
    generatedBy: 'depthwise',
    convertedBy: null,
    signature: { inputs: described(network.inputs.map(({ name }) => name)), outputs: described(network.outputs) },
    modelTopology: { node: graph.nodes, library: {}, versions: { producer: 1 } },
    weightsManifest: [
      { paths: ['weights.bin'], weights: constants.map(([name, { shape, dtype }]) => ({ name, shape, dtype })) },
    ],
  };
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(model))],
    ['weights.bin', joined(constants.map(([, { bytes }]) => bytes))],
  ]);
}
