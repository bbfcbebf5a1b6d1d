/** What the graphs of all files that are written have in common: a network, names of which each is used once, and constants. */
import type { Network, NetworkNode } from '../network/index.js';
import { weightName } from '../network/network.js';
import { type Shape, type Tensor, tensor } from '../tensor.js';
import { asFloat32 } from './tensors/numbers.js';
import type { WriteOptions } from './write-options.js';

/** `Constant`: how a format holds a tensor of numbers that do not change. */
export abstract class OutGraph<Constant> {
  protected readonly network: Network;
  /** Kernels are stored in 16 bits. */
  protected readonly float16: boolean;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #used: Set<string>;
  /** How often a name was asked for: all copies up to that number are taken. */
  readonly #copies = new Map<string, number>();

  /** `shapes` are those of the network's tensors, whose names the file's tensors keep. */
  constructor(network: Network, shapes: ReadonlyMap<string, Shape>, kernels: WriteOptions['kernels']) {
    this.network = network;
    this.float16 = kernels === 'float16';
    this.#shapes = shapes;
    this.#used = new Set(shapes.keys());
  }

  /** Adds a constant under a name that is not in use yet, and returns the name. */
  abstract constant(name: string, value: Constant): string;

  /** Adds real numbers as a constant of float32. */
  abstract real(name: string, x: Tensor): string;

  /** In the network: [batch, height, width, channels] for pictures. */
  shapeOf(name: string): Shape {
    return this.#shapes.get(name)!;
  }

  weight(node: NetworkNode, weight: string): Tensor | undefined {
    return this.network.weights.get(weightName(node.name, weight));
  }

  /** An attribute of a layer, as a constant. */
  number({ name }: NetworkNode, attribute: string, value: number): string {
    return this.real(`${name}/${attribute}`, tensor([], [asFloat32(value, `${name}: ${attribute}`)]));
  }

  unique(name: string): string {
    let copy = (this.#copies.get(name) ?? 0) + 1;
    const copied = () => (copy === 1 ? name : `${name}_${copy}`);
    while (this.#used.has(copied())) copy++;
    this.#copies.set(name, copy);
    this.#used.add(copied());
    return copied();
  }
}
