/**
 * A network as the graph of an .onnx file. Of a quantised one, every tensor of integers passes QuantizeLinear and DequantizeLinear (QDQ), and so
 * do the constants; runtimes compute what lies between them with integers. Inputs and outputs are real numbers.
 * Inside, pictures are [batch, channels, height, width], as ONNX's operators want them, and
 * kernels are transposed once. Inputs and outputs keep our shapes, [batch, height, width, channels], behind a transposition each, or are
 * ONNX's own, as the caller likes.
 */
import { inferShapes, type Network, withWeights } from '../../network/index.js';
import {
  isConversion,
  isQuantizedNetwork,
  type QuantizedNetwork,
  type TypedTensors,
  withRealWeights,
} from '../../network/quantized-network.js';
import { inferTypes, withQuantizedWeights } from '../../network/quantized-types.js';
import type { Shape } from '../../tensor.js';
import { CONVENTIONS_KEY, conventionsText } from '../stated-conventions.js';
import { expectFloatKernels } from '../write-options.js';
import { writeNode } from '../writers.js';
import type { OutModel } from './encode.js';
import { OnnxGraph, type OnnxWriteOptions, TO_NCHW, TO_NHWC } from './onnx-graph.js';
import { writers } from './writers.js';

/** Operator sets with everything that is needed: the older where it will do, since more runtimes know it. */
const OPSET = 13;
/** The first with HardSwish, which integers compute as one operator. */
const HARD_SWISH_OPSET = 14;
/** The first whose Resize takes the sizes of height and width alone. */
const RESIZE_OPSET = 18;

export function graphOf(network: Network | QuantizedNetwork, options: OnnxWriteOptions = {}): OutModel {
  expectFloatKernels(options, '.onnx');
  if (!isQuantizedNetwork(network)) return modelOf(withWeights(network, network.weights), options);
  const complete = withQuantizedWeights(network, network.weights);
  const typed = { types: inferTypes(complete), weights: network.weights };
  const conversions = new Set(network.nodes.filter(isConversion).map(({ name }) => name));
  return modelOf(withRealWeights(network), options, typed, conversions);
}

function modelOf(
  network: Network,
  options: OnnxWriteOptions,
  typed?: TypedTensors,
  conversions: ReadonlySet<string> = new Set(),
): OutModel {
  const shapes = inferShapes(network);
  const graph = new OnnxGraph(network, shapes, options, typed);
  for (const node of network.nodes) {
    if (conversions.has(node.name)) graph.convert(node);
    else writeNode(writers, graph, node, 'ONNX');
    const inside = graph.nameOf(node.name);
    if (inside !== node.name) graph.node('Transpose', [inside], node.name, { perm: TO_NHWC });
  }
  const has = (wanted: string): boolean => network.nodes.some(({ kind }) => kind === wanted);
  const outside = (name: string): Shape => {
    const shape = shapes.get(name)!;
    return shape.length === 4 && options.pictures === 'nchw' ? TO_NCHW.map((axis) => shape[axis]) : shape;
  };
  return {
    name: network.name,
    opset: has('resizeBilinear') ? RESIZE_OPSET : typed && has('hardSwish') ? HARD_SWISH_OPSET : OPSET,
    inputs: new Map(network.inputs.map(({ name }) => [name, outside(name)])),
    outputs: new Map(network.outputs.map((name) => [name, outside(name)])),
    constants: graph.constants,
    nodes: graph.nodes,
    metadata: new Map([[CONVENTIONS_KEY, conventionsText(network)]]),
  };
}
