/** Writes a network down node by node; a model file reads like the paper's table because of it. */
import { NetworkError } from '../errors.js';
import { type Shape, sameShape } from '../tensor.js';
import type { Conventions } from './conventions.js';
import type { AttributesOf, LayerKind, Network, NetworkInput, NetworkNode } from './network.js';
import { inferShapes, wantedWeights } from './shapes.js';
import { withOutputs } from './subnetwork.js';

export class NetworkBuilder {
  readonly #inputs: NetworkInput[] = [];
  readonly #nodes: NetworkNode[] = [];
  readonly #names = new Set<string>();
  #base?: Network;

  /**
   * Goes on from a network: all of its nodes and inputs can be read by name, such as a detector's taps in its backbone. `build` keeps what
   * the outputs need of it, with its weights.
   */
  static from(network: Network): NetworkBuilder {
    const builder = new NetworkBuilder();
    builder.#base = network;
    for (const { name } of [...network.inputs, ...network.nodes]) builder.#claim(name);
    builder.#inputs.push(...network.inputs);
    builder.#nodes.push(...network.nodes);
    return builder;
  }

  /** Declares an input and returns its name. */
  input(name: string, shape: Shape): string {
    this.#claim(name);
    this.#inputs.push({ name, shape });
    return name;
  }

  /** Adds a layer that reads the named tensors, and returns the name of its output. */
  add<Kind extends LayerKind>(
    name: string,
    kind: Kind,
    inputs: string | readonly string[],
    attributes: AttributesOf<Kind>,
  ): string {
    const sources = typeof inputs === 'string' ? [inputs] : inputs;
    for (const source of sources) {
      if (!this.#names.has(source)) throw new NetworkError(`${name}: its input '${source}' is not a node before it`);
    }
    this.#claim(name);
    this.#nodes.push({ name, kind, inputs: sources, attributes } as NetworkNode);
    return name;
  }

  /**
   * The network, once its shapes fit together. Its new nodes have no weights yet. Throws a NetworkError or ShapeError that names the node
   * that does not fit.
   */
  build(name: string, outputs: readonly string[], conventions: Conventions): Network {
    const nodes = [...this.#nodes];
    const network: Network = { name, inputs: [...this.#inputs], nodes, outputs, weights: new Map(), conventions };
    const shapes = inferShapes(network);
    if (this.#base === undefined) return network;
    const wanted = wantedWeights(network, shapes);
    for (const [weight, { shape }] of this.#base.weights) {
      const size = wanted.get(weight);
      if (!size || !sameShape(size, shape)) {
        throw new NetworkError(`${name}: weight '${weight}' is [${shape}], wanted ${size ? `[${size}]` : 'none'}`);
      }
    }
    return withOutputs({ ...network, weights: this.#base.weights }, outputs);
  }

  #claim(name: string): void {
    if (this.#names.has(name)) throw new NetworkError(`the name '${name}' is used twice`);
    this.#names.add(name);
  }
}
