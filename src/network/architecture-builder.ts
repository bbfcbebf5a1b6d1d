/** Writes a network down node by node; a model file reads like the paper's table because of it. */
import type { Nothing } from '../layers/layer.js';
import type { Shape } from '../tensor.js';
import type { Conventions } from './conventions.js';
import type { AttributesGiven, LayerKind, Network, NetworkInput, NetworkNode } from './network.js';
import { inferShapes, layerOf } from './shapes.js';

/** The part of `NetworkBuilder` that writes an architecture down. A page that makes a published network needs no more. */
export class ArchitectureBuilder {
  protected readonly inputs: NetworkInput[] = [];
  protected readonly nodes: NetworkNode[] = [];

  /** Declares an input and returns its name. */
  input(name: string, shape: Shape): string {
    this.inputs.push({ name, shape });
    return name;
  }

  /** Adds a layer that reads the named tensors, and returns the name of its output. Attributes that are left out get the layer's defaults. */
  add<Kind extends LayerKind>(
    name: string,
    kind: Kind,
    inputs: string | readonly string[],
    ...[given]: Nothing extends AttributesGiven<Kind> ? [given?: AttributesGiven<Kind>] : [given: AttributesGiven<Kind>]
  ): string {
    const attributes = { ...layerOf({ name, kind }).defaults, ...given };
    this.nodes.push({ name, kind, inputs: [inputs].flat(), attributes } as unknown as NetworkNode);
    return name;
  }

  /** The network, once its shapes fit together; without weights. Throws a NetworkError or ShapeError that names the node that does not fit. */
  build(name: string, outputs: readonly string[], conventions: Conventions): Network {
    const nodes = [...this.nodes];
    const network: Network = { name, inputs: [...this.inputs], nodes, outputs, weights: new Map(), conventions };
    inferShapes(network);
    return network;
  }
}
