/** One operator of the file on its way into the network: its inputs in the layout that it asks for, and the nodes that it becomes. */
import type { AttributesOf, LayerKind } from '../../network/index.js';
import { type Shape, sizeOf, type Tensor } from '../../tensor.js';
import type { Draft, DraftGraph } from '../drafts.js';
import type { Step } from '../steps.js';
import type { Rules } from './attributes.js';
import type { Value } from './layout.js';
import { fileShape, innermost, laidOut, liesIn, NHWC } from './layout.js';
import type { Constant, FileModel, FileNode } from './model.js';

/** What an input's name stands for. */
export interface Operands {
  readonly value: (name: string) => Value | undefined;
  readonly constant: (name: string) => Constant | undefined;
}

export class Call {
  readonly node: FileNode;
  readonly opset: number;
  readonly graph: DraftGraph;
  readonly #model: FileModel;
  readonly #operands: Operands;

  constructor(model: FileModel, node: FileNode, graph: DraftGraph, operands: Operands) {
    this.#model = model;
    this.node = node;
    this.opset = model.opset;
    this.graph = graph;
    this.#operands = operands;
  }

  fail(what: string): never {
    this.#model.file.fail(this.node.where, what);
  }

  /** Counts bytes that are made of the file's: what they may come to is limited by its size. */
  charge(bytes: number): void {
    this.#model.file.charge(bytes, this.node.where);
  }

  has(index: number): boolean {
    return Boolean(this.node.inputs[index]);
  }

  isConstant(index: number): boolean {
    return this.has(index) && this.#operands.constant(this.node.inputs[index]) !== undefined;
  }

  /** An input that the network computes. */
  value(index: number): Value {
    const name = this.node.inputs[index];
    if (!name) this.fail(`input ${index} is missing`);
    const value = this.#operands.value(name);
    if (value !== undefined) return value;
    if (this.isConstant(index)) this.fail(`input ${index}, '${name}', is a constant, wanted a computed tensor`);
    this.fail(`reads '${name}', which no node before it computes`);
  }

  /** An input that the file states. */
  constant(index: number): Constant {
    const name = this.node.inputs[index];
    if (!name) this.fail(`input ${index} is missing`);
    const constant = this.#operands.constant(name);
    if (constant !== undefined) return constant;
    if (this.#operands.value(name) === undefined) this.fail(`reads '${name}', which no node before it computes`);
    this.fail(`input ${index}, '${name}', is computed while the network runs, wanted a constant`);
  }

  /** Numbers of a constant input, or undefined where the input is left out. */
  numbers(index: number): number[] | undefined {
    return this.has(index) ? Array.from(this.constant(index).tensor.data) : undefined;
  }

  scalar(index: number): number | undefined {
    const numbers = this.numbers(index);
    if (numbers !== undefined && numbers.length !== 1)
      this.fail(`input ${index} has ${numbers.length} numbers, wanted one`);
    return numbers?.[0];
  }

  attributes<Values>(rules: Rules<Values>): Values {
    const found = new Map(this.node.attributes.map((attribute) => [attribute.name, attribute]));
    const values: Partial<Values> = {};
    for (const name of found.keys()) {
      if (!Object.hasOwn(rules, name)) {
        const known = Object.keys(rules).join(', ') || 'none';
        this.fail(`attribute '${name}' is not supported; supported are ${known}`);
      }
    }
    for (const name of Object.keys(rules) as (string & keyof Values)[]) {
      const attribute = found.get(name);
      const rule = rules[name];
      if (attribute === undefined) {
        if (!('fallback' in rule)) this.fail(`attribute '${name}' is missing; wanted ${rule.accepts}`);
        values[name] = rule.fallback as Values[typeof name];
        continue;
      }
      const value = rule.read(attribute);
      if (value === undefined) {
        const stated = typeof attribute.value === 'object' ? `[${attribute.value}]` : `${attribute.value}`;
        this.fail(`attribute '${name}' is ${stated} (${attribute.type}); wanted ${rule.accepts}`);
      }
      values[name] = value;
    }
    return values as Values;
  }

  /** The axis counted from the front. */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
      this.fail(`axis ${axis} does not exist in a tensor of ${rank} axes`);
    }
    return axis < 0 ? axis + rank : axis;
  }

  axes(axes: readonly number[], rank: number): number[] {
    const found = axes.map((axis) => this.axis(axis, rank));
    if (new Set(found).size !== found.length) this.fail(`the axes [${axes}] name one twice`);
    return found;
  }

  /** Adds a node and returns it. */
  add<Kind extends LayerKind>(
    kind: Kind,
    inputs: readonly Draft[],
    attributes: AttributesOf<Kind>,
    weights?: Readonly<Record<string, Tensor>>,
  ): Draft {
    return this.graph.add(`${this.node.outputs[0]}/${kind}`, kind, inputs, attributes, weights);
  }

  /** Adds nodes that read a tensor, and returns the last. */
  addSteps(x: Draft, steps: readonly Step[]): Draft {
    return this.graph.addSteps(this.node.outputs[0], steps, [x], (bytes) => this.charge(bytes));
  }

  /** The tensor with its axes in this order, which its numbers have to have. */
  inOrder({ node, layout }: Value, order: readonly number[]): Draft {
    const shape = fileShape(layout);
    if (!liesIn(layout, order)) {
      this.fail(
        `wanted the numbers of its input [${shape}] in the order of its axes [${order}]; there is no layer that moves them there`,
      );
    }
    return this.graph.reshape(
      node,
      order.map((axis) => shape[axis]),
    );
  }

  /** The picture [N, C, H, W] as ours, [N, H, W, C]. */
  picture(index: number): Draft {
    const value = this.value(index);
    const shape = fileShape(value.layout);
    if (shape.length !== 4) {
      this.fail(`input ${index} has the shape [${shape}], wanted a picture [batch, channels, height, width]`);
    }
    return this.inOrder(value, NHWC);
  }

  /** The tensor in a shape whose last axis holds these axes of the file. */
  lastAxis({ node, layout }: Value, axes: readonly number[]): Draft {
    const shape = fileShape(layout);
    const count = innermost(layout, axes);
    if (count === undefined) {
      this.fail(
        `axes [${axes}] of [${shape}]: their numbers do not lie side by side in [batch, height, width, channels]`,
      );
    }
    if (node.shape.at(-1) === count && node.shape.length > 1) return node;
    return this.graph.reshape(node, [layout.batch, sizeOf(node.shape.slice(1)) / count, count]);
  }
}

/** A picture of ours as a value of the file's. */
export function pictureValue(node: Draft): Value {
  const [N, H, W, C] = node.shape;
  return { node, layout: laidOut([N, C, H, W], NHWC) };
}

export const shapeOf = ({ layout }: Value): Shape => fileShape(layout);
