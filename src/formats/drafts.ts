/** A network while it is read from a file: nodes that are named at the end, and of which only those stay that an output needs. */
import { DepthwiseError, FormatError } from '../errors.js';
import { unusedName } from '../network/graph.js';
import type { AttributesOf, LayerKind, NetworkInput, NetworkNode } from '../network/index.js';
import { weightName } from '../network/network.js';
import { atNode, layerOf } from '../network/shapes.js';
import { type Shape, sameShape, type Tensor } from '../tensor.js';
import { attributesOf, type Charge, type Step, weightsOf } from './steps.js';

/** A node to be, or an input of the network, which has no kind. */
export interface Draft {
  name: string;
  readonly kind?: LayerKind;
  readonly inputs: readonly Draft[];
  readonly attributes: NetworkNode['attributes'] | undefined;
  readonly weights: Readonly<Record<string, Tensor>>;
  /** Of the output. */
  readonly shape: Shape;
}

export class DraftGraph {
  readonly #drafts: Draft[] = [];
  readonly #named = new Map<string, Draft>();
  readonly inputs: NetworkInput[] = [];

  input(name: string, shape: Shape): Draft {
    this.inputs.push({ name, shape });
    const draft = { name, inputs: [], attributes: undefined, weights: {}, shape };
    this.#named.set(name, draft);
    return draft;
  }

  add<Kind extends LayerKind>(
    name: string,
    kind: Kind,
    inputs: readonly Draft[],
    attributes: AttributesOf<Kind>,
    weights: Readonly<Record<string, Tensor>> = {},
  ): Draft {
    const node = {
      name: unusedName(name, this.#named),
      kind,
      inputs: inputs.map((draft) => draft.name),
      attributes,
    } as unknown as NetworkNode;
    const shapes = inputs.map((draft) => draft.shape);
    const shape = atNode(node, () => layerOf(node).outputShape(shapes, attributes));
    const draft: Draft = { name: node.name, kind, inputs, attributes: node.attributes, weights, shape };
    this.#drafts.push(draft);
    this.#named.set(draft.name, draft);
    return draft;
  }

  /** Adds the steps, which read the inputs; returns the last one's result or, without steps, the input. `name` is all their names' beginning. */
  addSteps(name: string, steps: readonly Step[], inputs: readonly Draft[], charge: Charge): Draft {
    const results: Draft[] = [];
    for (const [index, step] of steps.entries()) {
      const { kind, reads = [index - 1] } = step;
      const read = reads.flatMap((from) => (from === -1 ? inputs : results[from]));
      const attributes = attributesOf(step, read[0].shape);
      const weights = weightsOf(step, read[0].shape, read[0].shape.at(-1)!, charge);
      results.push(this.add(`${name}/${kind}`, kind, read, attributes as never, weights));
    }
    return results.at(-1) ?? inputs[0];
  }

  /** The same numbers in another shape; no node where it is the shape already. */
  reshape(draft: Draft, shape: Shape): Draft {
    if (sameShape(draft.shape, shape)) return draft;
    if (shape.length === 2) return this.add(`${draft.name}/flatten`, 'flatten', [draft], {});
    return this.add(`${draft.name}/reshape`, 'reshape', [draft], { shape: shape.slice(1) });
  }

  /** Number of nodes so far. */
  get length(): number {
    return this.#drafts.length;
  }

  /** Gives the name to the node; a node that had it before gets another, an input keeps it. */
  rename(draft: Draft, name: string): void {
    const before = this.#named.get(name);
    if (draft.kind === undefined || before === draft || (before && before.kind === undefined)) return;
    this.#named.delete(draft.name);
    if (before) this.#setName(before, unusedName(`${name}/${before.kind}`, this.#named));
    this.#setName(draft, name);
  }

  /**
   * The drafts of the outputs, one for each of their names. Where two outputs are one tensor, as through a reshape to the same shape, a
   * node that hands it on has the second name.
   */
  outputs(named: ReadonlyMap<string, Draft>): Draft[] {
    const ofDraft = new Map<Draft, string>();
    for (const [name, draft] of named) if (!ofDraft.has(draft) || draft.name === name) ofDraft.set(draft, name);
    return [...named].map(([name, draft]) =>
      ofDraft.get(draft) === name ? draft : this.add(name, 'dropout', [draft], { rate: 0 }),
    );
  }

  /** Nodes and weights of what the outputs need. */
  finish(outputs: readonly Draft[]): { nodes: NetworkNode[]; weights: Map<string, Tensor> } {
    const needed = new Set(outputs);
    for (const draft of [...this.#drafts].reverse()) {
      if (needed.has(draft)) for (const input of draft.inputs) needed.add(input);
    }
    const kept = this.#drafts.filter((draft) => needed.has(draft));
    const weights = new Map<string, Tensor>();
    for (const draft of kept) {
      for (const [weight, x] of Object.entries(draft.weights)) weights.set(weightName(draft.name, weight), x);
    }
    const nodes = kept.map(({ name, kind, inputs, attributes }) => {
      return { name, kind, inputs: inputs.map((input) => input.name), attributes } as NetworkNode;
    });
    return { nodes, weights };
  }

  #setName(draft: Draft, name: string): void {
    draft.name = name;
    this.#named.set(name, draft);
  }
}

/** Puts the file and the place in front of what a layer or its weights complain about. */
export function inPlace<Result>(file: string, where: string, compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    if (error instanceof FormatError || !(error instanceof DepthwiseError)) throw error;
    throw new FormatError(`${file}: ${where}: ${error.message}`, { cause: error });
  }
}
