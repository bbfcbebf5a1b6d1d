/** A network as the tensors and operators of a .tflite file. */
import { foldBatchNorm, inferShapes, type Network, withWeights } from '../../network/index.js';
import { isQuantizedNetwork, type QuantizedNetwork } from '../../network/quantized-network.js';
import { withQuantizedWeights } from '../../network/quantized-types.js';
import { expectFloatKernels, type WriteOptions } from '../write-options.js';
import { writeNode } from '../writers.js';
import type { OutModel } from './encode.js';
import { TfliteGraph } from './tflite-graph.js';
import { quantizedModelOf } from './write-quantized.js';
import { writers } from './writers.js';

export function modelOf(network: Network | QuantizedNetwork, options: WriteOptions = {}): OutModel {
  expectFloatKernels(options, '.tflite');
  if (isQuantizedNetwork(network)) {
    return quantizedModelOf(withQuantizedWeights(network, network.weights));
  }
  const folded = foldBatchNorm(withWeights(network, network.weights));
  const shapes = inferShapes(folded);
  const graph = new TfliteGraph(folded, shapes, options.kernels);
  for (const node of folded.nodes) {
    if (!graph.isFused(node)) writeNode(writers, graph, node, 'TFLite');
  }
  return graph.model();
}
