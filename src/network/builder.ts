/** Writes a network down node by node; a model file reads like the paper's table because of it. */
import { NetworkError } from '../errors.js';
import type { Shape } from '../tensor.js';
import type { Conventions } from './conventions.js';
import { partFor } from './graph.js';
import type { AttributesOf, LayerKind, Network, NetworkInput, NetworkNode, Weights } from './network.js';
import { inferShapes } from './shapes.js';
import { withWeights } from './weights.js';

export class NetworkBuilder {
  readonly #inputs: NetworkInput[] = [];
  readonly #nodes: NetworkNode[] = [];
  readonly #names = new Set<string>();
  /** Of the network it goes on from. */
  #weights?: Weights;

  /**
   * Goes on from a network: all of its nodes and inputs can be read by name, such as a detector's taps in its backbone. `build` keeps what
   * the outputs need of it, with its weights.
   */
  static from(network: Network): NetworkBuilder {
    const builder = new NetworkBuilder();
    for (const input of network.inputs) builder.#inputs.push(builder.#claim(input));
    for (const node of network.nodes) builder.#nodes.push(builder.#claim(node));
    builder.#weights = network.weights;
    return builder;
  }

  /** Declares an input and returns its name. */
  input(name: string, shape: Shape): string {
    this.#inputs.push(this.#claim({ name, shape }));
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
    this.#nodes.push(this.#claim({ name, kind, inputs: sources, attributes } as NetworkNode));
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
    return this.#weights ? partFor(withWeights(network, this.#weights, shapes, true), outputs) : network;
  }

  #claim<Named extends { readonly name: string }>(named: Named): Named {
    const { name } = named;
    if (this.#names.has(name)) throw new NetworkError(`the name '${name}' is used twice`);
    this.#names.add(name);
    return named;
  }
}
