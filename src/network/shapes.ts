/** Shape inference: the shape of every tensor of a network, and of every weight it needs. It is also what validates a network. */
import { type Fields, record } from '../checks.js';
import { DepthwiseError, NetworkError, ShapeError } from '../errors.js';
import { type Layer, layers } from '../layers/index.js';
import { type Shape, sizeOf } from '../tensor.js';
import { expectWithinBudget } from './budget.js';
import { type LayerKind, type Network, type NetworkNode, weightName } from './network.js';

/** More numbers than this in one tensor (8 GiB as float32) is a description gone wrong, and not what an array can hold. */
const LARGEST_TENSOR = 2 ** 31;

/** The node's layer. Attributes and layer agree by NetworkNode's type, which TypeScript cannot follow through the lookup. */
export function layerOf({ name, kind }: { readonly name: string; readonly kind: string }): Layer<unknown, unknown> {
  if (!Object.hasOwn(layers, kind)) throw new NetworkError(`${name}: there is no layer kind '${kind}'`);
  return layers[kind as LayerKind] as Layer<unknown, unknown>;
}

/** The attributes rebuilt from their known fields; throws a NetworkError for a kind or an attribute that does not exist or fit. */
export function checkAttributes(kind: string, attributes: unknown, at: string): NetworkNode['attributes'] {
  return record(layerOf({ name: at, kind }).attributes as Fields<object>)(attributes, at) as NetworkNode['attributes'];
}

/** Runs `compute` and puts the node's name in front of whatever its layer complains about. */
export function atNode<Result>(node: { readonly name: string }, compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    if (error instanceof DepthwiseError) throw new ShapeError(`${node.name}: ${error.message}`);
    throw error;
  }
}

/**
 * Shape of every tensor by name, inputs included, for the declared input shapes or for others (another batch size, say).
 * Throws a NetworkError for an unknown kind, an attribute that does not fit its kind, a name that is used twice or read
 * before it is made (so that no cycle can stand), or more than the budget allows (`setBudget`), and a ShapeError where a layer does not
 * fit the shapes or number of its inputs.
 */
export function inferShapes(network: Network, inputShapes?: ReadonlyMap<string, Shape>): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  const define = (name: string, shape: Shape) => {
    if (shapes.has(name)) throw new NetworkError(`${network.name}: the name '${name}' is used twice`);
    if (sizeOf(shape) > LARGEST_TENSOR) {
      throw new NetworkError(`${network.name}: '${name}' would be [${shape}], more than ${LARGEST_TENSOR} numbers`);
    }
    shapes.set(name, shape);
  };
  for (const { name, shape } of network.inputs) define(name, inputShapes?.get(name) ?? shape);
  for (const node of network.nodes) {
    checkAttributes(node.kind, node.attributes, node.name);
    const inputs = inputShapesOf(node, shapes);
    define(
      node.name,
      atNode(node, () => layerOf(node).outputShape(inputs, node.attributes)),
    );
  }
  if (network.outputs.length === 0) throw new NetworkError(`${network.name}: it has no outputs`);
  const listed = new Set<string>();
  for (const output of network.outputs) {
    if (!shapes.has(output)) throw new NetworkError(`${network.name}: output '${output}' is not a node`);
    if (listed.has(output)) throw new NetworkError(`${network.name}: output '${output}' is listed twice`);
    listed.add(output);
  }
  expectWithinBudget(network, shapes);
  return shapes;
}

/** Shapes of a node's inputs, out of all the shapes known so far. */
export function inputShapesOf(node: NetworkNode, shapes: ReadonlyMap<string, Shape>): Shape[] {
  return node.inputs.map((input) => {
    const shape = shapes.get(input);
    if (shape === undefined) throw new NetworkError(`${node.name}: its input '${input}' is not a node before it`);
    return shape;
  });
}

/** Shapes of one node's weights, by the names its layer gives them; {} for a layer without weights. */
export function weightShapesOf(node: NetworkNode, shapes: ReadonlyMap<string, Shape>): Readonly<Record<string, Shape>> {
  const inputs = inputShapesOf(node, shapes);
  return atNode(node, () => layerOf(node).weightShapes(inputs, node.attributes));
}

/** Shape of every weight that the network's nodes need, by full name. */
export function wantedWeights(network: Network, shapes = inferShapes(network)): Map<string, Shape> {
  const wanted = new Map<string, Shape>();
  for (const node of network.nodes) {
    for (const [weight, shape] of Object.entries(weightShapesOf(node, shapes))) {
      wanted.set(weightName(node.name, weight), shape);
    }
  }
  return wanted;
}
