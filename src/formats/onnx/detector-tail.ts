/** What a detector's operators behind its heads compute. */
import { type Tensor, tensor } from '../../tensor.js';
import { Call } from './call.js';
import { ancestors, type Heads } from './detector-heads.js';
import { folds } from './folding.js';
import type { Constant, FileModel, FileNode } from './model.js';

/** The operators behind the heads, computed for numbers that stand in for the heads'. */
export class Tail {
  readonly #model: FileModel;
  readonly #heads: Heads;
  readonly #known = new Map<string, Constant>();

  constructor(model: FileModel, heads: Heads) {
    this.#model = model;
    this.#heads = heads;
  }

  constant(name: string): Constant | undefined {
    return this.#known.get(name) ?? (this.#model.isConstant(name) ? this.#model.constant(name) : undefined);
  }

  numberAt(node: FileNode, index: number): number | undefined {
    const found = this.constant(node.inputs[index] ?? '')?.tensor.data;
    return found?.length === 1 ? found[0] : undefined;
  }

  get nodes(): readonly FileNode[] {
    return this.#heads.nodes;
  }

  /** Whether the node reads scores, and no boxes: of boxes a maximum says how far classes are to be moved apart. */
  readsScoresAlone({ inputs }: FileNode): boolean {
    const producers = new Map(this.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    const before = ancestors(producers, inputs);
    return before.has(this.#heads.scores) && !before.has(this.#heads.codes);
  }

  /** What follows from constants and, if given, from a tensor of this name. The names are those that follow from it. */
  run(name?: string, x?: Tensor): string[] {
    if (name !== undefined && x !== undefined) this.#known.set(name, { tensor: x, whole: false });
    const followed = new Set([name]);
    for (const node of this.#heads.nodes) {
      const results = node.outputs.includes(name ?? '') ? undefined : this.#compute(node);
      results?.forEach((result, index) => {
        this.#known.set(node.outputs[index], result);
        if (node.inputs.some((input) => followed.has(input))) followed.add(node.outputs[index]);
      });
    }
    return [...followed].filter((one) => one !== undefined);
  }

  #compute(node: FileNode): Constant[] | undefined {
    const { op, inputs } = node;
    if (!Object.hasOwn(folds, op) || !inputs.every((name) => name === '' || this.constant(name))) return undefined;
    const operands = { value: () => undefined, constant: (name: string) => this.constant(name) };
    const call = new Call(this.#model, node, undefined as never, operands);
    const { attributes, compute } = folds[op];
    return [compute(call, call.attributes(attributes) as never)].flat();
  }

  /** Those tensors that have the four numbers of each of N boxes, the exponential among what they follow from. */
  boxes(codes: Tensor): Boxes[] {
    const followed = this.run(this.#heads.codes, codes);
    const first = this.nodes.findIndex(({ op }) => op === 'Exp');
    const behind = new Set(this.nodes.slice(first).flatMap(({ outputs }) => outputs));
    return followed.flatMap((name) => {
      const { shape, data } = this.constant(name)!.tensor;
      const count = codes.shape[1];
      if (!behind.has(name) || data.length !== 4 * count) return [];
      if (shape.at(-1) === 4) return [{ name, at: (i: number, column: number) => data[4 * i + column] }];
      return shape.at(-1) === count && shape.at(-2) === 4
        ? [{ name, at: (i: number, column: number) => data[column * count + i] }]
        : [];
    });
  }

  /** Slots of the scores that are read by what cannot be computed beforehand, such as suppression, or that the file's outputs have. */
  slots(count: number, slots: number): Set<number> {
    const numbers = Float32Array.from({ length: count * slots }, (_, at) => at % slots);
    const followed = new Set(this.run(this.#heads.scores, tensor([1, count, slots], numbers)));
    const uncomputed = this.nodes.filter(({ op, outputs }) => op !== 'Shape' && !this.#known.has(outputs[0]));
    const last = [...uncomputed.flatMap(({ inputs }) => inputs), ...this.#model.outputs];
    const read = last.filter((name) => followed.has(name));
    return new Set(read.flatMap((name) => [...new Set(this.constant(name)!.tensor.data)]));
  }
}

export interface Boxes {
  readonly name: string;
  readonly at: (index: number, column: number) => number;
}
