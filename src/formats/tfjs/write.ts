/** A network with its weights as the files of a graph model. */
import { inferShapes, type Network } from '../../network/index.js';
import { CONVENTIONS_KEY, NAME_KEY } from '../stated-conventions.js';
import { expectFloatKernels, type WriteOptions } from '../write-options.js';
import { writeNode } from '../writers.js';
import { legalNames } from './legal-names.js';
import { attr, TfjsGraph } from './tfjs-graph.js';
import { joined } from './weights.js';
import { writers } from './writers.js';

/** Bytes of a file of weights at most, as TensorFlow.js' own converter cuts them, so that browsers may cache them. */
const SHARD = 4 * 2 ** 20;

export function graphModel(original: Network, options: WriteOptions = {}): Map<string, Uint8Array> {
  expectFloatKernels(options, 'a TensorFlow.js model');
  const { network, legal } = legalNames(original);
  const graph = new TfjsGraph(network, options);
  for (const node of network.nodes) {
    writeNode(writers, graph, node, 'TensorFlow.js');
  }
  const shapes = inferShapes(original);
  const described = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const { shape } = attr.shape([-1, ...shapes.get(name)!.slice(1)]);
        return [name, { name: `${legal(name)}:0`, dtype: 'DT_FLOAT', tensorShape: shape }];
      }),
    );
  const constants = [...graph.constants];
  const shards = shardsOf(joined(constants.map(([, { bytes }]) => bytes)));
  const model = {
    format: 'graph-model',
    generatedBy: 'depthwise',
    convertedBy: null,
    signature: { inputs: described(original.inputs.map(({ name }) => name)), outputs: described(original.outputs) },
    userDefinedMetadata: { [NAME_KEY]: original.name, [CONVENTIONS_KEY]: original.conventions },
    modelTopology: { node: graph.nodes, library: {}, versions: { producer: 1 } },
    weightsManifest: [
      { paths: [...shards.keys()], weights: constants.map(([name, { bytes: _, ...entry }]) => ({ name, ...entry })) },
    ],
  };
  return new Map([['model.json', new TextEncoder().encode(JSON.stringify(model))], ...shards]);
}

function shardsOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const count = Math.max(1, Math.ceil(bytes.length / SHARD));
  return new Map(
    Array.from({ length: count }, (_, index) => [
      `group1-shard${index + 1}of${count}.bin`,
      bytes.subarray(index * SHARD, (index + 1) * SHARD),
    ]),
  );
}
