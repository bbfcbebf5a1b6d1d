/** Shapes in quantised networks: those of the layers, and of the nodes between integers and real numbers. */
import { NetworkError } from '../../errors.js';
import { type NetworkNode, weightName } from '../../network/network.js';
import type { QuantizedNetwork, QuantizedNode } from '../../network/quantized-network.js';
import { atNode, inputShapesOf, layerOf } from '../../network/shapes.js';
import type { AnyTensor, Shape } from '../../tensor.js';

/** The shape of every tensor, of batch 1. */
export function integerShapes(network: QuantizedNetwork): Map<string, Shape> {
  const shapes = new Map<string, Shape>(network.inputs.map(({ name, shape }) => [name, [1, ...shape.slice(1)]]));
  for (const node of network.nodes) {
    const inputs = inputShapesOf(node as NetworkNode, shapes);
    shapes.set(node.name, isConversion(node) ? inputs[0] : outputShape(node as NetworkNode, inputs));
  }
  return shapes;
}

const outputShape = (node: NetworkNode, inputs: readonly Shape[]) =>
  atNode(node, () => layerOf(node).outputShape(inputs, node.attributes));

const isConversion = ({ kind }: QuantizedNode): boolean => kind === 'quantize' || kind === 'dequantize';

/** The weights of one node, by the names its layer gives them. */
export function weightsOf(
  network: QuantizedNetwork,
  node: QuantizedNode,
  shapes: ReadonlyMap<string, Shape>,
): Record<string, AnyTensor> {
  if (isConversion(node)) return {};
  const layerNode = node as NetworkNode;
  const inputs = inputShapesOf(layerNode, shapes);
  const names = Object.keys(atNode(layerNode, () => layerOf(layerNode).weightShapes(inputs, layerNode.attributes)));
  return Object.fromEntries(
    names.map((name) => {
      const weight = network.weights.get(weightName(node.name, name));
      if (weight === undefined) throw new NetworkError(`${network.name}: weight '${node.name}/${name}' is missing`);
      return [name, weight];
    }),
  );
}
