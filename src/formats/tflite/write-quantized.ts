/** A quantised network as the tensors and operators of a .tflite file: integers stay integers, with their scales. */
import { UsageError } from '../../errors.js';
import { soleReaders } from '../../network/graph.js';
import type { NetworkNode } from '../../network/index.js';
import {
  inferQuantizedShapes,
  isConversion,
  isQuantizedTensor,
  isQuantizedType,
  type QuantizedNetwork,
  type QuantizedNode,
  withRealWeights,
} from '../../network/quantized-network.js';
import { inferTypes } from '../../network/quantized-types.js';
import { type Shape, sameShape, type TensorType } from '../../tensor.js';
import { writeNode } from '../writers.js';
import type { OutModel } from './encode.js';
import { ArgMaxOptions, TENSOR_TYPES } from './schema.js';
import { computed, openBatch, TfliteGraph } from './tflite-graph.js';
import { writers } from './writers.js';

export function quantizedModelOf(network: QuantizedNetwork): OutModel {
  expectFloat32Scales(network);
  const shapes = inferQuantizedShapes(network);
  const described = withRealWeights(network);
  const typed = { types: inferTypes(network, shapes), weights: network.weights };
  const graph = new TfliteGraph(described, shapes, undefined, typed);
  const readers = soleReaders(network.nodes, network.outputs);
  const written = new Set<string>();
  network.nodes.forEach((node, index) => {
    const plain = described.nodes[index];
    if (written.has(node.name) || graph.isFused(plain)) return;
    if (isConversion(node)) {
      graph.result(plain, node.kind.toUpperCase(), [graph.nameOf(node.inputs[0])]);
    } else if (node.kind === 'argMax' && isQuantizedType(node.type)) {
      written.add(writeIndices(graph, node, readers.get(node.name), shapes));
    } else {
      expectIntegerForm(node);
      writeNode(writers, graph, plain, 'TFLite');
    }
  });
  const { detection } = network.conventions;
  const heads = detection && {
    codes: realAt(graph, detection.codes, typed.types, shapes),
    scores: realAt(graph, detection.scores, typed.types, shapes),
  };
  return graph.model(heads);
}

/** Name of an output as real numbers: the operator that finds the boxes takes no int8, and bytes only beside anchors of bytes. */
function realAt(
  graph: TfliteGraph,
  name: string,
  types: ReadonlyMap<string, TensorType>,
  shapes: ReadonlyMap<string, Shape>,
): string {
  const type = types.get(name);
  if (type === undefined || !isQuantizedType(type)) return graph.nameOf(name);
  const version = type.type === 'int8' ? 2 : 1;
  return graph.step(`${name}/real`, 'DEQUANTIZE', [graph.nameOf(name)], computed(shapes.get(name)!), { version });
}

/** The file holds scales as float32. Another number would come back as another network. */
function expectFloat32Scales({ name, inputs, nodes, weights }: QuantizedNetwork): void {
  const types = [...[...inputs, ...nodes], ...[...weights.values()].filter(isQuantizedTensor)].map(({ type }) => type);
  for (const type of types) {
    const scales = typeof type === 'string' ? [] : 'scales' in type ? type.scales : [type.scale];
    const scale = scales.find((value) => Math.fround(value) !== value);
    if (scale === undefined) continue;
    throw new UsageError(
      `${name}: the scale ${scale} is no number of float32, in which it is written; wanted ${Math.fround(scale)}`,
    );
  }
}

/** TensorFlow Lite's products and sums with constants want the constants as integers, which a batch norm does not say. */
function expectIntegerForm({ name, kind, type }: QuantizedNode): void {
  if (kind !== 'batchNorm' || !isQuantizedType(type)) return;
  throw new UsageError(
    `${name}: a batchNorm of integers cannot be written as TFLite; fold it before the network is quantised`,
  );
}

/**
 * The operator drops the axis that our layer keeps. A reshape behind it that does the same is part of it. Returns the name of the last node that
 * is written.
 */
function writeIndices(
  graph: TfliteGraph,
  node: QuantizedNode,
  reader: QuantizedNode | undefined,
  shapes: ReadonlyMap<string, Shape>,
): string {
  const plain = node as NetworkNode;
  const each = graph.shapeOf(node.name).slice(0, -1);
  const inputs = [graph.nameOf(node.inputs[0]), graph.integers(`${node.name}/axis`, [-1], [])];
  const options = [ArgMaxOptions, { output_type: TENSOR_TYPES.indexOf('INT32') }] as const;
  if (reader?.kind === 'reshape' && sameShape(shapes.get(reader.name)!, each)) {
    graph.result(reader as NetworkNode, 'ARG_MAX', inputs, options);
    return reader.name;
  }
  const index = graph.step(`${node.name}/index`, 'ARG_MAX', inputs, { ...computed(each), type: 'INT32' }, { options });
  const shape = graph.integers(`${node.name}/shape`, openBatch(graph.shapeOf(node.name)));
  graph.result(plain, 'RESHAPE', [index, shape]);
  return node.name;
}
