/** Where the heads of a detector end, by the operators that decode its boxes. */
import type { FileModel, FileNode } from './model.js';

/** Names of the tensors with which the network is to end. */
export interface Heads {
  readonly codes: string;
  readonly scores: string;
  /** What leads to the file's outputs. */
  readonly nodes: readonly FileNode[];
}

/** Operators that move numbers, or scale and bound each by itself. */
const PASSES =
  /^(Slice|Split|Gather|Squeeze|Unsqueeze|Transpose|Identity|Cast|Reshape|Mul|Div|Clip|Min|Max|QuantizeLinear|DequantizeLinear)$/;

/** The heads of a detector that decodes its boxes; undefined for other networks. `nodes` are what the file's outputs need. */
export function headsOf(model: FileModel, nodes: readonly FileNode[]): Heads | undefined {
  const graph = new Graph(model, nodes);
  const exponentials = nodes.filter(({ op }) => op === 'Exp');
  if (exponentials.length === 0) return undefined;
  const codes = graph.commonSource(exponentials.flatMap(({ inputs }) => inputs));
  if (codes === undefined) return undefined;
  const before = graph.ancestors([codes]);
  const certain = nodes.filter(({ op, outputs }) => {
    const isScore = ['Sigmoid', 'Softmax'].includes(op) && !before.has(outputs[0]);
    return isScore && !graph.ancestors(outputs).has(codes);
  });
  const scores = graph.joined(certain.map(({ outputs }) => outputs[0]));
  return scores === undefined ? undefined : { codes, scores, nodes };
}

/** These tensors, and all that they follow from. `producers` are nodes by their results. */
export function ancestors(producers: ReadonlyMap<string, FileNode>, names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(producers.get(name)?.inputs ?? []));
  }
  return found;
}

/** The file's nodes by what they yield. */
class Graph {
  readonly #producers: ReadonlyMap<string, FileNode>;
  readonly #places: ReadonlyMap<FileNode, number>;
  readonly #constants = new Map<string, boolean>();
  readonly #model: FileModel;

  constructor(model: FileModel, nodes: readonly FileNode[]) {
    this.#model = model;
    this.#producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    this.#places = new Map(nodes.map((node, place) => [node, place]));
    // In the file's order, a node's inputs are known before it.
    for (const { op, inputs, outputs } of nodes) {
      const constant = op === 'Shape' || inputs.every((name) => name === '' || this.#isConstant(name));
      for (const name of outputs) this.#constants.set(name, constant);
    }
  }

  #isConstant(name: string): boolean {
    return this.#constants.get(name) ?? this.#model.isConstant(name);
  }

  #computed(node: FileNode): string[] {
    return node.inputs.filter((name) => name !== '' && !this.#isConstant(name));
  }

  ancestors(names: readonly string[]): Set<string> {
    return ancestors(this.#producers, names);
  }

  /** What all of these are parts of: the tensor that joins all maps or, of a single map, what its first reshape yields. */
  commonSource(names: readonly string[]): string | undefined {
    const open = new Set(names);
    let shaped: string | undefined;
    for (;;) {
      const [last] = [...open].sort((a, b) => this.#place(b) - this.#place(a));
      const node = this.#producers.get(last);
      if (open.size === 1 && node?.op === 'Concat') return last;
      if (node === undefined || !PASSES.test(node.op)) return open.size === 1 ? shaped : undefined;
      if (node.op === 'Reshape' && open.size === 1) shaped = last;
      for (const name of node.outputs) open.delete(name);
      for (const name of this.#computed(node)) open.add(name);
    }
  }

  #place(name: string): number {
    const node = this.#producers.get(name);
    return node === undefined ? -1 : this.#places.get(node)!;
  }

  /** The tensor itself where there is one; of several the one that joins them. */
  joined(names: readonly string[]): string | undefined {
    if (names.length < 2) return names[0];
    for (const [name, { op, inputs }] of this.#producers) {
      if (op !== 'Concat') continue;
      const before = this.ancestors(inputs);
      if (names.every((one) => before.has(one))) return name;
    }
    return undefined;
  }
}
