/** One node of a TensorFlow graph on its way into the network: its attributes, and its inputs, computed or constant. */
import { FormatError } from '../../errors.js';
import type { AttributesOf, LayerKind } from '../../network/index.js';
import type { Padding, Pair } from '../../padding.js';
import type { Tensor } from '../../tensor.js';
import type { Draft, DraftGraph } from '../drafts.js';
import type { Charge, Step } from '../steps.js';

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Names of nodes. */
  readonly inputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Of a node with several results, each of which is a node here: which of them it is, and of how many. */
  readonly part?: number;
  readonly results?: number;
}

/** Attributes that say what a graph is trained or run with, or what the types say already. */
const WITHOUT_MEANING =
  /^(T|U|N|Tidx|Tshape|Tpaddings|Tdim|Index|dtype|_.*|num_args|use_cudnn_on_gpu|num_host_args|output_type|leakyrelu_alpha|TArgs|host_args)$/;

/** What the nodes of a graph have in common. */
export interface GraphContext {
  readonly file: string;
  readonly graph: DraftGraph;
  /** What the nodes so far compute, by their names. */
  readonly values: ReadonlyMap<string, Draft>;
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly charge: Charge;
}

export class GraphCall {
  readonly node: GraphNode;
  readonly charge: Charge;
  readonly #context: GraphContext;
  readonly #read = new Set<string>();

  constructor(node: GraphNode, context: GraphContext) {
    this.node = node;
    this.charge = context.charge;
    this.#context = context;
  }

  get where(): string {
    return `node '${this.node.name}' (${this.node.op})`;
  }

  fail(what: string): never {
    throw new FormatError(`${this.#context.file}: ${this.where}: ${what}`);
  }

  value(index: number): Draft {
    const name = this.node.inputs[index] ?? this.fail(`input ${index} is missing`);
    const value = this.#context.values.get(name);
    if (value !== undefined) return value;
    this.fail(
      `reads '${name}', ${this.#context.constants.has(name) ? 'a constant' : 'which no node before it computes'}; wanted a computed tensor`,
    );
  }

  isConstant(index: number): boolean {
    return this.#context.constants.has(this.node.inputs[index] ?? '');
  }

  constant(index: number): Tensor {
    const name = this.node.inputs[index] ?? this.fail(`input ${index} is missing`);
    return this.#context.constants.get(name) ?? this.fail(`reads '${name}', which is no constant; wanted one`);
  }

  numbers(index: number): number[] {
    return Array.from(this.constant(index).data);
  }

  /** Adds a node, and returns it. */
  add<Kind extends LayerKind>(
    kind: Kind,
    inputs: readonly Draft[],
    attributes: AttributesOf<Kind>,
    weights?: Readonly<Record<string, Tensor>>,
  ): Draft {
    return this.#context.graph.add(`${this.node.name}/${kind}`, kind, inputs, attributes, weights);
  }

  /** Adds nodes that read a tensor, and returns the last. */
  addSteps(x: Draft, steps: readonly Step[]): Draft {
    return this.#context.graph.addSteps(this.node.name, steps, [x], this.charge);
  }

  int(name: string, fallback: number): number {
    const value = this.#attribute(name, 'i');
    if (value === undefined) return fallback;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : this.fail(`attribute '${name}' is no whole number`);
  }

  float(name: string, fallback: number): number {
    const value = this.#attribute(name, 'f') ?? fallback;
    return typeof value === 'number' ? value : this.fail(`attribute '${name}' is no number`);
  }

  bool(name: string, fallback: boolean): boolean {
    const value = this.#attribute(name, 'b') ?? fallback;
    return typeof value === 'boolean' ? value : this.fail(`attribute '${name}' is neither true nor false`);
  }

  text(name: string, fallback: string): string {
    const value = this.#attribute(name, 's');
    return value === undefined ? fallback : this.#decoded(value, name);
  }

  type(name: string): unknown {
    return this.#attribute(name, 'type');
  }

  ints(name: string): number[] {
    return this.#list(name, 'i').map((item) => {
      const number = Number(item);
      return Number.isSafeInteger(number) ? number : this.fail(`attribute '${name}' holds ${item}, no whole number`);
    });
  }

  texts(name: string): string[] {
    return this.#list(name, 's').map((item) => this.#decoded(item, name));
  }

  /** Only this value. */
  only(name: string, found: unknown, wanted: unknown): void {
    if (found !== wanted) this.fail(`attribute '${name}' is ${found}; wanted ${wanted}`);
  }

  /** Strides, dilation and padding of a window over [batch, height, width, channels]. */
  window(): { strides: Pair; padding: Padding } {
    this.only('data_format', this.text('data_format', 'NHWC'), 'NHWC');
    this.only('filter_format', this.text('filter_format', 'HWIO'), 'HWIO');
    const padding = this.text('padding', '');
    const sides = this.ints('explicit_paddings');
    const strides = this.pair('strides');
    if (padding === 'SAME') return { strides, padding: 'same' };
    if (padding === 'VALID') return { strides, padding: 'valid' };
    const [, , top, bottom, left, right] = sides;
    if (padding !== 'EXPLICIT' || sides.length !== 8) {
      this.fail(`attribute 'padding' is '${padding}'; wanted SAME, VALID, or EXPLICIT with eight explicit_paddings`);
    }
    return { strides, padding: { top, bottom, left, right } };
  }

  /** [height, width] of a list for all four axes. */
  pair(name: string): Pair {
    const list = this.ints(name);
    if (list.length === 0) return [1, 1];
    const [batch, height, width, channels] = list;
    if (list.length !== 4 || batch !== 1 || channels !== 1) {
      this.fail(`attribute '${name}' is [${list}]; wanted [1, height, width, 1]`);
    }
    return [height, width];
  }

  /** Throws for an attribute that nothing has asked for. */
  expectNothingElse(): void {
    for (const name of this.node.attributes.keys()) {
      if (!this.#read.has(name) && !WITHOUT_MEANING.test(name)) this.fail(`attribute '${name}' is not supported`);
    }
  }

  #attribute(name: string, field: string): unknown {
    this.#read.add(name);
    return this.node.attributes.get(name)?.[field];
  }

  #list(name: string, field: string): readonly unknown[] {
    const list = this.#attribute(name, 'list') as Readonly<Record<string, unknown>> | undefined;
    const items = list?.[field] ?? [];
    return Array.isArray(items) ? items : this.fail(`attribute '${name}' is no list`);
  }

  /** Texts stand in base64; some converters write them as lists of bytes. */
  #decoded(value: unknown, name: string): string {
    if (Array.isArray(value)) return String.fromCharCode(...value.slice(0, 64).map(Number));
    try {
      return atob(`${value}`);
    } catch {
      return this.fail(`attribute '${name}' is no text in base64`);
    }
  }
}
