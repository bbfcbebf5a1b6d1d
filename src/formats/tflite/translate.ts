/**
 * From the file's operators to the nodes and weights of a network.
 *
 * A node has the name of the tensor whose final values it yields, after fused activation and clamp; nodes before it in the same
 * operator add what they are: 'x/linear' is the sum that is not yet clamped, 'x/flatten' the flattened input.
 */
import { DepthwiseError, FormatError } from '../../errors.js';
import { type Network, type NetworkInput, type NetworkNode, weightName } from '../../network/index.js';
import { atNode, layerOf } from '../../network/shapes.js';
import { type Shape, sameShape, type Tensor } from '../../tensor.js';
import { describe, representableRange } from './constants.js';
import { withDilation } from './dilation.js';
import { folded } from './folding.js';
import type { FileModel, FileOperator, FileTensor } from './model.js';
import type { Activation, Step, Translation } from './operands.js';
import { operators } from './operators.js';
import { withSlices } from './splits.js';

export interface Translated extends Pick<Network, 'inputs' | 'nodes' | 'outputs' | 'weights'> {
  readonly tensors: readonly PlacedTensor[];
}

/** A computed tensor of the file, and the node or input of the network that yields it. */
export interface PlacedTensor {
  /** In the list of the file's tensors. */
  readonly index: number;
  readonly name: string;
  /** The schema's name of its number type. */
  readonly type: string;
  readonly node: string;
}

export function translate(model: FileModel): Translated {
  const translator = new Translator(model);
  const operators = withDilation({ ...model, operators: withSlices(model) });
  for (const op of operators) translator.add(op);
  return translator.finish();
}

class Translator {
  readonly #model: FileModel;
  readonly #names: Names;
  readonly #inputs: NetworkInput[];
  readonly #nodes: NetworkNode[] = [];
  readonly #weights = new Map<string, Tensor>();
  /** Name of the node that yields a tensor's values, by the tensor's index. */
  readonly #values = new Map<number, string>();
  /** Constants that a DEQUANTIZE operator passes on: weights stored as float16 or integers. */
  readonly #constants = new Map<number, FileTensor>();
  readonly #shapes = new Map<string, Shape>();

  constructor(model: FileModel) {
    this.#model = model;
    this.#names = new Names(model);
    this.#inputs = model.inputs.map((input) => this.#input(input));
  }

  add(original: FileOperator): void {
    const op = { ...original, inputs: original.inputs.map((input) => input && this.#resolve(input)) };
    if (op.code === 'DEQUANTIZE' && op.inputs[0]?.data !== undefined && op.outputs.length === 1) {
      this.#constants.set(op.outputs[0].index, { ...op.inputs[0], name: op.outputs[0].name });
      return;
    }
    const constant = folded(op);
    if (constant !== undefined) {
      this.#constants.set(constant.index, constant);
      return;
    }
    if (op.code === 'custom operator edgetpu-custom-op') {
      op.fail(
        'holds a network that is compiled for the Edge TPU, which alone can run it; use the .tflite file that it was compiled from',
      );
    }
    if (!Object.hasOwn(operators, op.code)) {
      op.fail(`is not supported; these are: ${Object.keys(operators).join(', ')}`);
    }
    if (op.outputs.length !== 1) op.fail(`wanted one output, found ${op.outputs.length}`);
    const translation = inOperator(op, () => operators[op.code](op));
    const steps = [...translation.steps, ...bounds(op, translation)];
    const value = inOperator(op, () => this.#emit(op, translation.inputs, steps));
    const [output] = op.outputs;
    if (!sameShape(this.#shapes.get(value)!, output.shape)) {
      op.fail(`declares its output [${output.shape}], but its inputs give [${this.#shapes.get(value)}]`);
    }
    this.#values.set(output.index, value);
  }

  finish(): Translated {
    const { file, outputs } = this.#model;
    if (this.#inputs.length === 0 || outputs.length === 0) {
      file.fail('model.subgraphs[0]', `wanted inputs and outputs, found ${this.#inputs.length} and ${outputs.length}`);
    }
    const values = new Map(
      outputs.map((output) => [
        output,
        this.#values.get(output.index) ?? file.fail(describe(output), 'an output that no operator computes'),
      ]),
    );
    const results = this.#outputs(values);
    return {
      inputs: this.#inputs,
      nodes: this.#nodes,
      outputs: results,
      weights: this.#weights,
      tensors: this.#placedTensors(),
    };
  }

  /** Where two outputs are one tensor, as through a reshape to the same shape, a node hands it on under the second name. */
  #outputs(values: ReadonlyMap<FileTensor, string>): string[] {
    const ofValue = new Map<string, FileTensor>();
    for (const [output, value] of values) {
      if (!ofValue.has(value) || this.#names.of(output) === value) ofValue.set(value, output);
    }
    return [...values].map(([output, value]) => (ofValue.get(value) === output ? value : this.#handOn(value, output)));
  }

  /** A node that hands on the value under the output's own name. */
  #handOn(value: string, output: FileTensor): string {
    const name = this.#names.of(output);
    this.#nodes.push({ name, kind: 'dropout', inputs: [value], attributes: { rate: 0 } });
    this.#shapes.set(name, this.#shapes.get(value)!);
    this.#values.set(output.index, name);
    return name;
  }

  #placedTensors(): PlacedTensor[] {
    const { inputs, operators: all } = this.#model;
    return [...inputs, ...all.flatMap((op) => op.outputs)].flatMap(({ index, name, type }) => {
      const node = this.#values.get(index);
      return node === undefined ? [] : [{ index, name, type, node }];
    });
  }

  #input(input: FileTensor): NetworkInput {
    const { file } = this.#model;
    if (input.data !== undefined) file.fail(describe(input), 'an input that is a constant');
    const [, ...sizes] = input.shapeSignature;
    if (input.shape.length < 1 || [...sizes, ...input.shape].some((size) => size < 1)) {
      file.fail(
        describe(input),
        `the input's shape [${input.shapeSignature}] is dynamic; only the batch may be left open, height and width may not`,
      );
    }
    rangeOf(this.#model, input);
    const name = this.#names.of(input);
    this.#values.set(input.index, name);
    this.#shapes.set(name, input.shape);
    return { name, shape: input.shape };
  }

  #resolve(tensor: FileTensor): FileTensor {
    return this.#constants.get(tensor.index) ?? tensor;
  }

  /** Adds the steps as nodes; without any, the operator's value is its input's. */
  #emit(op: FileOperator, inputs: readonly FileTensor[], steps: readonly Step[]): string {
    let sources = inputs.map(
      (input) =>
        this.#values.get(input.index) ?? op.fail(`reads ${describe(input)}, which no operator before it computes`),
    );
    steps.forEach(({ kind, attributes, weights }, index) => {
      const last = index === steps.length - 1;
      const name = last ? this.#names.of(op.outputs[0]) : this.#names.before(op.outputs[0], kind);
      const node = { name, kind, inputs: sources, attributes } as NetworkNode;
      const shapes = sources.map((source) => this.#shapes.get(source)!);
      this.#shapes.set(
        name,
        atNode(node, () => layerOf(node).outputShape(shapes, attributes)),
      );
      this.#nodes.push(node);
      for (const [weight, value] of Object.entries(weights ?? {})) this.#weights.set(weightName(name, weight), value);
      sources = [name];
    });
    return sources[0];
  }
}

/** Least and greatest result of each fused activation. */
const activationRanges: Readonly<Partial<Record<Activation, Range>>> = {
  NONE: { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY },
  RELU: { min: 0, max: Number.POSITIVE_INFINITY },
  RELU6: { min: 0, max: 6 },
  RELU_N1_TO_1: { min: -1, max: 1 },
};

interface Range {
  readonly min: number;
  readonly max: number;
}

/** The activation and the range of the result's integers, as one step; none where nothing can lie outside. */
function bounds(op: FileOperator, { inputs, activation = 'NONE', keepsRange = false }: Translation): Step[] {
  const fused = activationRanges[activation] ?? op.fail(`activation ${activation} is not read`);
  if (op.code === 'ARG_MAX') return [];
  const range = rangeOf(op, op.outputs[0]);
  if (range === undefined) return activationStep(activation, fused);
  const inputRanges = inputs.map((input) => rangeOf(op, input));
  const inside = inputRanges.every((input) => input && input.min >= range.min && input.max <= range.max);
  if (activation === 'NONE' && keepsRange && inside) return [];
  const min = Math.max(fused.min, range.min);
  const max = Math.min(fused.max, range.max);
  if (min > max) op.fail(`its result can only express [${range.min}, ${range.max}], outside of ${activation}'s`);
  return [{ kind: 'clamp', attributes: { min, max } }];
}

function activationStep(activation: Activation, range: Range): Step[] {
  if (activation === 'NONE') return [];
  if (activation === 'RELU') return [{ kind: 'relu', attributes: {} }];
  if (activation === 'RELU6') return [{ kind: 'relu6', attributes: {} }];
  return [{ kind: 'clamp', attributes: range }];
}

/** The range of a computed tensor; undefined for real numbers. Throws for types that hold neither. */
function rangeOf({ file }: { file: FileModel['file'] }, tensor: FileTensor): Range | undefined {
  const range = representableRange(tensor);
  if (range === undefined && tensor.type !== 'FLOAT32') {
    file.fail(describe(tensor), `wanted float32, or uint8 or int8 with a scale, found ${tensor.type} without one`);
  }
  if ((tensor.quantization?.scales.length ?? 0) > 1) {
    file.fail(describe(tensor), 'wanted one scale for a computed tensor, found one for each channel');
  }
  return range;
}

/** Puts the operator in front of what its layer or its weights complain about. */
function inOperator<Result>(op: FileOperator, compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    if (error instanceof FormatError || !(error instanceof DepthwiseError)) throw error;
    throw new FormatError(`${op.file.name}: ${op.where}: ${error.message}`, { cause: error });
  }
}

/** Unique names. Those of the file's tensors come first, so that no derived name takes one of theirs. */
class Names {
  readonly #ofTensor = new Map<number, string>();
  /** Number of the latest copy of each name in use. */
  readonly #uses = new Map<string, number>();

  constructor({ inputs, operators }: FileModel) {
    for (const tensor of [...inputs, ...operators.flatMap(({ outputs }) => outputs)]) {
      if (!this.#ofTensor.has(tensor.index)) this.#ofTensor.set(tensor.index, this.#unique(tensor.name));
    }
  }

  of(tensor: FileTensor): string {
    return this.#ofTensor.get(tensor.index)!;
  }

  /** For a node before the one that yields the tensor. */
  before(tensor: FileTensor, kind: Step['kind']): string {
    const sums: readonly string[] = ['conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'dense', 'add'];
    return this.#unique(`${this.of(tensor)}/${sums.includes(kind) ? 'linear' : kind}`);
  }

  #unique(name: string): string {
    let unique = name;
    while (this.#uses.has(unique)) {
      const copy = this.#uses.get(name)! + 1;
      this.#uses.set(name, copy);
      unique = `${name}_${copy}`;
    }
    this.#uses.set(unique, 1);
    return unique;
  }
}
