/** From the file's nodes to those of a network. Only what the outputs need is translated, so that a network can be cut where it is known. */
import { UsageError } from '../../errors.js';
import type { Network } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { similarNames } from '../../network/rewriting/subnetwork.js';
import type { Pair } from '../../padding.js';
import type { QuantizedType, Shape } from '../../tensor.js';
import { type Draft, DraftGraph, inPlace } from '../drafts.js';
import { earlierOutputs } from '../unread-operator.js';
import { Call, type Operands } from './call.js';
import { expanded, expansions } from './expansions.js';
import { folds, GRIDS, typeOfResult } from './folding.js';
import type { Value } from './layout.js';
import { asIs, fileShape, laidOut, liesIn, NHWC } from './layout.js';
import type { Constant, FileInput, FileModel, FileNode } from './model.js';
import { operators } from './operators.js';
import { COMPUTED_TYPES } from './schema.js';
import type { Grid, Marks } from './typed.js';

/** A tensor of the file in the network. */
export interface Placed {
  /** The node, or input, that yields it. */
  readonly node: string;
  /** The file's shape. */
  readonly shape: Shape;
  /** Our axis i is the file's axis order[i]; undefined where our numbers have another order than any of the file's axes give. */
  readonly order: readonly number[] | undefined;
}

export interface Translated extends Pick<Network, 'inputs' | 'nodes' | 'outputs' | 'weights'> {
  /** By the file's names; those that no output needs are left out. */
  readonly tensors: ReadonlyMap<string, Placed>;
  /** Where the first node is that rounds computed numbers to integers. */
  readonly rounding: string | undefined;
  /** What is known of integers. */
  readonly marks: Marks;
  /** Nodes that multiply by a constant, or add one. */
  readonly scalings: ReadonlySet<string>;
  /** The file's types of its tensors that hold integers. */
  readonly integers: ReadonlyMap<string, string>;
}

/** `wanted` are the caller's outputs, in place of the file's own. */
export function translate(file: FileModel, wanted?: readonly string[], resolution?: Pair): Translated {
  if (wanted !== undefined) expectTensors(file, wanted);
  const outputs = wanted ?? file.outputs;
  const model = expanded(file);
  const translator = new Translator(model, outputs, resolution, namesIn(file));
  const nodes = neededNodes(model, outputs);
  for (const node of nodes) translator.add(node);
  const rounding = nodes.find(
    ({ op, inputs }) => op === 'DynamicQuantizeLinear' || (op === 'QuantizeLinear' && translator.value(inputs[0])),
  );
  return { ...translator.finish(), rounding: rounding?.where };
}

/** Names of what the file computes, and of its inputs. */
const namesIn = ({ inputs, nodes }: FileModel): string[] => [
  ...inputs.map(({ name }) => name),
  ...nodes.flatMap((node) => node.outputs),
];

/** Throws for a name that is no tensor of the file. */
function expectTensors(model: FileModel, outputs: readonly string[]): void {
  const names = namesIn(model);
  if (outputs.length === 0)
    throw new UsageError(`${model.file.name}: wanted the names of one or more outputs, found none`);
  for (const output of outputs) {
    if (!names.includes(output)) {
      const similar = similarNames(output, names).join(', ');
      throw new UsageError(`${model.file.name}: no node yields '${output}'; similar names: ${similar}`);
    }
  }
}

/** The nodes that lead to the outputs, in the file's order. */
export function neededNodes({ nodes }: FileModel, outputs: readonly string[]): FileNode[] {
  const needed = new Set(outputs);
  const kept: FileNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.unshift(node);
    for (const input of node.inputs) needed.add(input);
  }
  return kept;
}

class Translator implements Operands {
  readonly #model: FileModel;
  readonly #outputs: readonly string[];
  readonly #resolution: Pair | undefined;
  readonly #graph = new DraftGraph();
  readonly #values = new Map<string, Value>();
  readonly #constants = new Map<string, Constant>();
  /** Grids of the tensors that hold integers in the file, and here the real numbers that these stand for. */
  readonly #integers = new Map<string, FileGrid>();
  /** What QuantizeLinear has become, and inputs of integers. */
  readonly #grids = new Map<Draft, QuantizedType>();
  /** Of kernels and biases that are integers in the file. */
  readonly #scalings = new Set<Draft>();
  readonly #weightGrids = new Map<Draft, Readonly<Record<string, Grid | undefined>>>();
  readonly #names: ReadonlySet<string>;
  readonly #inputOrders = new Map<string, { readonly order: readonly number[] }>();

  /** `names` are those of the file's tensors. */
  constructor(model: FileModel, outputs: readonly string[], resolution: Pair | undefined, names: readonly string[]) {
    this.#names = new Set(names);
    this.#model = model;
    this.#resolution = resolution;
    this.#outputs = outputs;
    for (const input of model.inputs) {
      this.#values.set(input.name, this.#input(input));
      if (!COMPUTED_TYPES.includes(input.type)) {
        this.#integers.set(input.name, { type: input.type, scale: 0, zeroPoint: 0 });
      }
    }
  }

  value(name: string): Value | undefined {
    return this.#values.get(name);
  }

  constant(name: string): Constant | undefined {
    return this.#constants.get(name) ?? (this.#model.isConstant(name) ? this.#model.constant(name) : undefined);
  }

  add(node: FileNode): void {
    const { file } = this.#model;
    const call = new Call(this.#model, node, this.#graph, this);
    const [output] = node.outputs;
    if (this.value(output) !== undefined || this.#isConstant(output))
      file.fail(node.where, `'${output}' is computed twice`);
    if (this.#folds(node)) {
      const { attributes, compute } = folds[node.op];
      const results = [compute(call, call.attributes(attributes) as never)].flat();
      for (const [index, constant] of results.entries()) this.#constants.set(node.outputs[index], constant);
      return;
    }
    if (node.op === 'Loop' && this.#resizes(node)) return;
    if (!Object.hasOwn(operators, node.op)) {
      const before = node.inputs.filter((name) => this.#values.has(name));
      const cut = before.length > 0 ? `; ${earlierOutputs(before)}` : '';
      file.fail(
        node.where,
        `the operator is not supported; these are: ${[...Object.keys(operators), ...Object.keys(expansions)].join(', ')}${cut}`,
      );
    }
    const grid = this.#gridOf(node, call);
    const { attributes, translate: toLayers } = operators[node.op];
    const before = this.#graph.length;
    const results = [inPlace(file.name, node.where, () => toLayers(call, call.attributes(attributes) as never))].flat();
    for (const [index, value] of results.entries()) {
      const name = node.outputs[index];
      if (!name) continue;
      const isDequantized = node.op === 'DequantizeLinear' && value.node.name === node.inputs[0];
      if (this.#graph.length > before || (isDequantized && this.#names.has(name))) this.#graph.rename(value.node, name);
      this.#values.set(name, value);
      if (grid === undefined) continue;
      if (node.op !== 'DequantizeLinear') this.#integers.set(name, grid);
      const type = GRIDS[grid.type];
      // What DequantizeLinear reads is an input, or a layer that gives integers on.
      const isBrought = node.op === 'QuantizeLinear' || value.node.kind === undefined;
      if (type && isBrought) this.#grids.set(value.node, { ...grid, type });
    }
    if (/^(Add|Sub|Mul|Div)$/.test(node.op)) this.#scalings.add(results[0].node);
    if (/^(Conv|Gemm|MatMul)$/.test(node.op)) {
      const [kernel, bias] = [1, 2].map((index) => (call.isConstant(index) ? call.constant(index).grid : undefined));
      this.#weightGrids.set(results[0].node, { kernel, bias });
    }
  }

  /**
   * Whether it is the loop by which TensorFlow's exporter resizes one picture after the other ("Preprocessor/map"): the input alone goes into it.
   * Then it gives the input on, which has the right size here.
   */
  #resizes({ inputs, outputs, within }: FileNode): boolean {
    const read = inputs.flatMap((name) => this.#values.get(name) ?? []);
    if (read.length !== 1 || read[0].node.kind !== undefined) return false;
    if (!within.some((op) => /^(Resize|Upsample)$/.test(op)) || within.some((op) => /^(Conv|MatMul|Gemm)$/.test(op)))
      return false;
    for (const name of outputs) this.#values.set(name, read[0]);
    return true;
  }

  /** The grid of the integers that a node yields or, of DequantizeLinear, reads; undefined where all are real numbers. */
  #gridOf({ op, where, inputs }: FileNode, call: Call): FileGrid | undefined {
    const { file } = this.#model;
    if (op === 'QuantizeLinear') return fileGrid(call, typeOfResult(call));
    const read = inputs.filter((name) => this.#integers.has(name));
    if (read.length === 0) return undefined;
    const [first, ...others] = read.map((name) => this.#integers.get(name)!);
    if (op === 'DequantizeLinear') {
      const own = fileGrid(call, first.type);
      if (first.scale === 0 || isSameGrid(own, first)) return own;
      return file.fail(where, `reads integers of ${shownGrid(first)} as those of ${shownGrid(own)}`);
    }
    const isInput = first.scale === 0;
    if (isInput && op === 'Cast') return undefined;
    if (!COPIES.test(op)) {
      const wanted = isInput ? '; wanted Cast or DequantizeLinear' : ' of QuantizeLinear; wanted DequantizeLinear';
      file.fail(where, `computes with the integers '${read[0]}'${wanted} before it`);
    }
    const other = others.find((grid) => !isSameGrid(grid, first));
    if (other) file.fail(where, `joins integers of ${shownGrid(first)} and of ${shownGrid(other)}`);
    return first;
  }

  finish(): Omit<Translated, 'rounding'> {
    const drafts = this.#graph.outputs(new Map(this.#outputs.map((name) => [name, this.#output(name)])));
    for (const [index, name] of [...new Set(this.#outputs)].entries()) this.#graph.rename(drafts[index], name);
    const { nodes, weights } = this.#graph.finish(drafts);
    const kept = new Set([...this.#graph.inputs, ...nodes].map(({ name }) => name));
    return {
      inputs: this.#graph.inputs,
      nodes,
      outputs: drafts.map(({ name }) => name),
      weights,
      tensors: new Map(
        [...this.#values]
          .filter(([name, { node }]) => this.#names.has(name) && kept.has(node.name))
          .map(([name, value]) => [name, { ...placed(value), ...this.#inputOrders.get(name) }]),
      ),
      marks: {
        grids: new Map([...this.#grids].map(([{ name }, grid]) => [name, grid])),
        weights: new Map(
          [...this.#weightGrids].flatMap(([{ name }, weights]) =>
            Object.entries(weights).flatMap(([weight, grid]) => (grid ? [[weightName(name, weight), grid]] : [])),
          ),
        ),
      },
      scalings: new Set([...this.#scalings].map(({ name }) => name)),
      integers: new Map([...this.#integers].map(([name, { type }]) => [name, type])),
    };
  }

  /** Computed while the file is read: what reads nothing but constants, and the shape of anything. */
  #folds({ op, inputs }: FileNode): boolean {
    const constant = inputs.every((name) => name === '' || this.#isConstant(name));
    return (op === 'Shape' || constant) && Object.hasOwn(folds, op);
  }

  #isConstant(name: string): boolean {
    return this.#constants.has(name) || this.#model.isConstant(name);
  }

  #input({ name, shape: stated }: FileInput): Value {
    const { file } = this.#model;
    const rank = stated.length;
    const picture = isPicture(this.#model, name, rank);
    const order = picture ? [...NHWC] : asIs(rank);
    const shape = stated.map((size, axis) => size ?? (axis === 0 ? 1 : this.#openSize(rank, order.indexOf(axis))));
    const open = shape.indexOf(undefined);
    if (rank === 0 || open >= 0) {
      const shown = stated.map((size) => size ?? '?').join(', ');
      const isSide = rank === 4 && [1, 2].includes(order.indexOf(open));
      file.fail(
        `input '${name}'`,
        `its shape is [${shown}]; ${isSide ? 'say the resolution, [height, width]' : 'wanted a batch, which may be open, and sizes, which may not'}`,
      );
    }
    return this.#placedInput(name, shape as number[], order);
  }

  /** Height or width, which are axes 1 and 2 of ours, where the file leaves them open and the caller says them. */
  #openSize(rank: number, ours: number): number | undefined {
    return rank === 4 ? this.#resolution?.[ours - 1] : undefined;
  }

  #placedInput(name: string, shape: Shape, order: readonly number[]): Value {
    this.#inputOrders.set(name, { order });
    const node = this.#graph.input(
      name,
      order.map((axis) => shape[axis]),
    );
    return { node, layout: laidOut(shape, order) };
  }

  /** The node of an output, in the file's shape, or as [batch, height, width, channels] where that is the order of its numbers. */
  #output(name: string): Draft {
    const { file } = this.#model;
    const value = this.#values.get(name) ?? file.fail(`output '${name}'`, 'no node that is read computes it');
    const { shape, ...found } = placed(value);
    const order =
      found.order ??
      file.fail(
        `output '${name}'`,
        `the numbers of [${shape}] do not lie in the order of its axes; there is no layer that moves them there`,
      );
    const node = this.#graph.reshape(
      value.node,
      order.map((axis) => shape[axis]),
    );
    this.#values.set(name, { ...value, node });
    return node;
  }
}

/** A type of integers as the file calls it, with its scale; 0 for an input, of which DequantizeLinear says it. */
interface FileGrid {
  readonly type: string;
  readonly scale: number;
  readonly zeroPoint: number;
}

const fileGrid = (call: Call, type: string): FileGrid => ({
  type,
  scale: call.scalar(1) ?? call.fail('has no scale'),
  zeroPoint: call.scalar(2) ?? 0,
});

const isSameGrid = (a: FileGrid, b: FileGrid): boolean =>
  a.type === b.type && a.scale === b.scale && a.zeroPoint === b.zeroPoint;

const shownGrid = ({ type, scale, zeroPoint }: FileGrid): string =>
  `${type} (${Number(scale.toPrecision(6))}, ${zeroPoint})`;

function placed({ node, layout }: Value): Placed {
  const rank = layout.axes.length;
  const candidates = [...(rank === 4 ? [NHWC] : []), asIs(rank)];
  return { node: node.name, shape: fileShape(layout), order: candidates.find((order) => liesIn(layout, order)) };
}

/** Operators that give each integer on as it is, or the greatest of several. */
const COPIES =
  /^(MaxPool|GlobalMaxPool|Identity|Dropout|Reshape|Flatten|Squeeze|Unsqueeze|Transpose|Slice|Split|Concat)$/;

/** Operators through which an input is followed to the first that says what its axes are. */
const TRANSPARENT =
  /^(DynamicQuantizeLinear|QuantizeLinear|DequantizeLinear|Add|Sub|Mul|Div|Sum|Cast|Identity|Clip|Relu|LeakyRelu|Elu|Selu|Gelu|Swish|HardSwish|Sigmoid|HardSigmoid|Tanh|Dropout|Pad|Slice|Split)$/;
const PICTURES =
  /^(Conv|BatchNormalization|PRelu|AveragePool|MaxPool|GlobalAveragePool|GlobalMaxPool|Resize|Upsample)$/;

/** True for [N, C, H, W]; files from TensorFlow begin with [N, H, W, C] and a transposition, and those inputs stay as they are. */
function isPicture(model: FileModel, input: string, rank: number): boolean {
  if (rank !== 4) return false;
  const same = new Set([input]);
  let padded = false;
  for (const { op, inputs, outputs } of model.nodes) {
    if (!inputs.some((name) => same.has(name))) continue;
    if (PICTURES.test(op)) return true;
    if (op === 'Transpose') return false;
    if (op === 'Pad') padded = true;
    if (TRANSPARENT.test(op)) for (const output of outputs) same.add(output);
  }
  return padded;
}
