/** Writes networks down node by node, from nothing or behind a network that there is. */
import { ArchitectureBuilder } from './architecture-builder.js';
import type { Conventions } from './conventions.js';
import { partFor } from './graph.js';
import type { Network, Weights } from './network.js';
import { withWeights } from './weights.js';

export class NetworkBuilder extends ArchitectureBuilder {
  #weights: Weights | undefined;

  /**
   * Goes on from a network: all of its nodes and inputs can be read by name, such as a detector's taps in its backbone. `build` keeps what
   * the outputs need of it, with its weights.
   */
  static from(network: Network): NetworkBuilder {
    const builder = new NetworkBuilder();
    builder.inputs.push(...network.inputs);
    builder.nodes.push(...network.nodes);
    builder.#weights = network.weights;
    return builder;
  }

  /**
   * The network, once its shapes fit together. Its new nodes have no weights yet. Throws a NetworkError or ShapeError that names the node
   * that does not fit, and a NetworkError that lists the weights that do not fit the backbone.
   */
  override build(name: string, outputs: readonly string[], conventions: Conventions): Network {
    const network = super.build(name, outputs, conventions);
    return this.#weights ? partFor(withWeights(network, this.#weights, undefined, true), outputs) : network;
  }
}
