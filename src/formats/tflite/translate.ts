/**
 * From the file's operators to the nodes and weights of a network, with the type of each tensor.
 *
 * A node has the name of the tensor whose final values it yields, after the fused activation; nodes before it in the same
 * operator add what they are: 'x/linear' is the sum before the activation, 'x/flatten' the flattened input.
 */
import type { NetworkNode } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import {
  isConversion,
  isQuantizedType,
  type QuantizedInput,
  type QuantizedNetwork,
  type QuantizedNode,
  sameType,
} from '../../network/quantized-network.js';
import { expressibleRange } from '../../network/rewriting/as-real-numbers.js';
import { atNode, layerOf } from '../../network/shapes.js';
import type { Pair } from '../../padding.js';
import type { AnyTensor, Shape, TensorType } from '../../tensor.js';
import { inPlace } from '../drafts.js';
import { attributesOf, weightsOf } from '../steps.js';
import { earlierOutputs } from '../unread-operator.js';
import { describe, quantizedType } from './constants.js';
import { withDilation } from './dilation.js';
import { folded } from './folding.js';
import type { FileModel, FileOperator, FileTensor } from './model.js';
import type { Activation, Step, Translation } from './operands.js';
import { operators } from './operators.js';
import { withSlices } from './splits.js';

export interface Translated extends Pick<QuantizedNetwork, 'inputs' | 'nodes' | 'outputs' | 'weights'> {
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
  /** Where the file leaves sizes open, with those that they have here. */
  readonly shape: Shape;
}

/** `resolution` is the height and width of pictures, where the file leaves them open. */
export function translate(model: FileModel, resolution?: Pair): Translated {
  const translator = new Translator(model, resolution);
  const operators = withDilation({ ...model, operators: withSlices(model) });
  for (const op of operators) translator.add(op);
  return translator.finish();
}

class Translator {
  readonly #model: FileModel;
  readonly #resolution: Pair | undefined;
  readonly #names: Names;
  readonly #inputs: QuantizedInput[];
  readonly #nodes: QuantizedNode[] = [];
  readonly #weights = new Map<string, AnyTensor>();
  /** Name of the node that yields a tensor's values, by the tensor's index. */
  readonly #values = new Map<number, string>();
  /** Constants that a DEQUANTIZE operator passes on: weights stored as float16 or integers. */
  readonly #constants = new Map<number, FileTensor>();
  readonly #shapes = new Map<string, Shape>();
  readonly #types = new Map<string, TensorType>();

  constructor(model: FileModel, resolution: Pair | undefined) {
    this.#model = model;
    this.#resolution = resolution;
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
      const before = op.inputs.filter((input) => input && this.#values.has(input.index));
      const cut = before.length > 0 ? `; ${earlierOutputs(before.map((input) => input!.name))}` : '';
      op.fail(`is not supported; these are: ${Object.keys(operators).join(', ')}${cut}`);
    }
    if (op.outputs.length !== 1) op.fail(`wanted one output, found ${op.outputs.length}`);
    const value = inPlace(op.file.name, op.where, () => this.#emit(op, operators[op.code](op)));
    const [output] = op.outputs;
    const shape = this.#shapes.get(value)!;
    if (!isDeclared(shape, output)) op.fail(`declares its output [${output.shape}], but its inputs give [${shape}]`);
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
    const type = this.#types.get(value)!;
    this.#nodes.push({ name, kind: 'dropout', inputs: [value], attributes: { rate: 0 }, type });
    this.#shapes.set(name, this.#shapes.get(value)!);
    this.#values.set(output.index, name);
    return name;
  }

  #placedTensors(): PlacedTensor[] {
    const { inputs, operators: all } = this.#model;
    return [...inputs, ...all.flatMap((op) => op.outputs)].flatMap(({ index, name, type }) => {
      const node = this.#values.get(index);
      return node === undefined ? [] : [{ index, name, type, node, shape: this.#shapes.get(node)! }];
    });
  }

  #input(input: FileTensor): QuantizedInput {
    const { file } = this.#model;
    if (input.data !== undefined) file.fail(describe(input), 'an input that is a constant');
    const { shape, shapeSignature: signature } = input;
    const open = (axis: number): number | undefined =>
      shape.length === 4 && (axis === 1 || axis === 2) ? this.#resolution?.[axis - 1] : undefined;
    const filled = shape.map((size, axis) => (axis > 0 && signature[axis] < 1 ? (open(axis) ?? -1) : size));
    if (filled.length < 1 || filled.some((size) => size < 1)) {
      const wayOut = shape.length === 4 ? 'say the resolution' : 'wanted sizes; only the batch may be left open';
      file.fail(describe(input), `the input's shape [${signature}] is dynamic; ${wayOut}`);
    }
    const type = typeOf(this.#model, input);
    const name = this.#names.of(input);
    this.#values.set(input.index, name);
    this.#shapes.set(name, filled);
    this.#types.set(name, type);
    return { name, shape: filled, type };
  }

  /** The tensor with its numbers, where they are known, and the shape that it has here. */
  #resolve(tensor: FileTensor): FileTensor {
    const value = this.#values.get(tensor.index);
    if (value === undefined) return this.#constants.get(tensor.index) ?? tensor;
    return { ...tensor, shape: this.#shapes.get(value)! };
  }

  /** Adds the operator's steps as nodes; without any, its value is its input's. */
  #emit(op: FileOperator, { inputs, steps, activation = 'NONE', real = false }: Translation): string {
    const values = inputs.map(
      (input) =>
        this.#values.get(input.index) ?? op.fail(`reads ${describe(input)}, which no operator before it computes`),
    );
    const type = this.#resultType(op, inputs, values);
    const inReal = real && isQuantizedType(type);
    const given = inReal ? values.map((value) => this.#asReal(op, value)) : values;
    const all = [...steps, ...activationSteps(op, activation, type), ...(inReal ? conversion('float32', type) : [])];
    if (all.length === 0) all.push(...conversion(this.#types.get(given[0])!, type));
    const results: string[] = [];
    for (const [index, step] of all.entries()) {
      const { kind, reads = [index - 1] } = step;
      const read = reads.flatMap((from) => (from === -1 ? given : results[from]));
      const last = index === all.length - 1;
      const name = last ? this.#names.of(op.outputs[0]) : this.#names.before(op.outputs[0], kind);
      const between = inReal ? 'float32' : type;
      const ownType = kind === 'flatten' ? this.#types.get(read[0])! : last ? type : between;
      const attributes = attributesOf(step, this.#shapes.get(read[0])!);
      this.#add({ name, kind, inputs: read, attributes, type: ownType } as QuantizedNode);
      const weights = weightsOf(step, this.#shapes.get(read[0])!, this.#shapes.get(name)!.at(-1)!, op.charge);
      for (const [weight, value] of Object.entries(weights)) this.#weights.set(weightName(name, weight), value);
      results.push(name);
    }
    return results.at(-1) ?? given[0];
  }

  /** The real numbers that a tensor's integers stand for. */
  #asReal(op: FileOperator, value: string): string {
    if (!isQuantizedType(this.#types.get(value)!)) return value;
    const name = this.#names.before(op.outputs[0], 'dequantize');
    this.#add({ name, kind: 'dequantize', inputs: [value], attributes: {}, type: 'float32' });
    return name;
  }

  #add(node: QuantizedNode): void {
    this.#shapes.set(node.name, this.#shapeOf(node));
    this.#types.set(node.name, node.type);
    this.#nodes.push(node);
  }

  #shapeOf(node: QuantizedNode): Shape {
    const shapes = node.inputs.map((input) => this.#shapes.get(input)!);
    if (isConversion(node)) return shapes[0];
    return atNode(node as NetworkNode, () => layerOf(node).outputShape(shapes, node.attributes));
  }

  /** Indices are int32 in a network of integers, and real numbers in one of real numbers, whatever type the file has them in. */
  #resultType(op: FileOperator, inputs: readonly FileTensor[], sources: readonly string[]): TensorType {
    if (op.code === 'ARG_MAX') {
      return isQuantizedType(this.#types.get(sources[0])!) ? { type: 'int32', scale: 1, zeroPoint: 0 } : 'float32';
    }
    const [source] = sources.map((name) => this.#types.get(name)!);
    if (op.code === 'RESHAPE' && isIndices(source) && op.outputs[0].type === 'INT32') return source;
    const type = typeOf(op, op.outputs[0]);
    if (isQuantizedType(type)) for (const input of inputs) typeOf(op, input);
    return type;
  }
}

/** Whether the file declares this shape: of sizes that it leaves open, which are −1 in the signature, it declares nothing. */
const isDeclared = (shape: Shape, { shape: stated, shapeSignature: signature }: FileTensor): boolean =>
  shape.length === stated.length && shape.every((size, axis) => size === stated[axis] || signature[axis] === -1);

/** The layer of each fused activation. */
const activations: Readonly<Partial<Record<Activation, readonly Step[]>>> = {
  NONE: [],
  RELU: [{ kind: 'relu', attributes: {} }],
  RELU6: [{ kind: 'relu6', attributes: {} }],
  RELU_N1_TO_1: [{ kind: 'clamp', attributes: { min: -1, max: 1 } }],
};

/** The numbers between which an activation's results lie. */
const activationRanges: Readonly<Partial<Record<Activation, { readonly min: number; readonly max: number }>>> = {
  RELU: { min: 0, max: Infinity },
  RELU6: { min: 0, max: 6 },
  RELU_N1_TO_1: { min: -1, max: 1 },
};

function activationSteps(op: FileOperator, activation: Activation, type: TensorType): readonly Step[] {
  const range = expressibleRange(type);
  const fused = activationRanges[activation];
  if (range && fused && (range.max < fused.min || range.min > fused.max)) {
    op.fail(`its result can only express [${range.min}, ${range.max}], outside of ${activation}'s`);
  }
  return activations[activation] ?? op.fail(`activation ${activation} is not read`);
}

const isIndices = (type: TensorType): boolean => isQuantizedType(type) && type.type === 'int32';

/** From one representation of the same real numbers to another. */
function conversion(from: TensorType, to: TensorType): Step[] {
  if (sameType(from, to)) return [];
  return [{ kind: isQuantizedType(to) ? 'quantize' : 'dequantize', attributes: {} }];
}

/** The type of a computed tensor. Throws for types that hold neither real numbers nor integers of 8 bits with one scale. */
function typeOf({ file }: { file: FileModel['file'] }, tensor: FileTensor): TensorType {
  const type = tensor.type === 'FLOAT32' ? 'float32' : quantizedType(tensor);
  if (tensor.type === 'INT16' && tensor.quantization) {
    file.fail(describe(tensor), 'is of int16: activations of 16 bits with weights of 8 (16x8) are not read');
  }
  if (type === undefined) {
    return file.fail(
      describe(tensor),
      `wanted float32, or uint8 or int8 with a scale, found ${tensor.type} without one`,
    );
  }
  if ((tensor.quantization?.scales.length ?? 0) > 1) {
    file.fail(describe(tensor), 'wanted one scale for a computed tensor, found one for each channel');
  }
  return type;
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
