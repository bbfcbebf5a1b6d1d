/**
 * Operators that stand for several: the quantised ones, as the plain operator between DequantizeLinear and QuantizeLinear, and those that onnxruntime
 * makes of several when it writes an optimised model.
 */
import type { FileAttribute, FileModel, FileNode } from './model.js';

/** One such operator, while its parts are added. */
class Whole {
  readonly node: FileNode;
  readonly parts: FileNode[] = [];
  readonly #model: FileModel;
  readonly #dynamic: ReadonlySet<string>;

  constructor(model: FileModel, node: FileNode, dynamic: ReadonlySet<string>) {
    this.#model = model;
    this.node = node;
    this.#dynamic = dynamic;
  }

  fail(what: string): never {
    this.#model.file.fail(this.node.where, what);
  }

  get opset(): number {
    return this.#model.opset;
  }

  has(index: number): boolean {
    return Boolean(this.node.inputs[index]);
  }

  input(index: number): string {
    return this.node.inputs[index] || this.fail(`input ${index} is missing`);
  }

  /** The attribute's value; it is then not passed on. */
  take(name: string): FileAttribute['value'] {
    return this.node.attributes.find((attribute) => attribute.name === name)?.value;
  }

  /** All attributes but these. */
  attributesWithout(...names: readonly string[]): FileAttribute[] {
    return this.node.attributes.filter(({ name }) => !names.includes(name));
  }

  /** Adds a part; returns the name of its result. */
  add(op: string, inputs: readonly string[], attributes: readonly FileAttribute[] = [], output = ''): string {
    const name = output || `${this.node.outputs[0]}/${this.parts.length}`;
    this.parts.push({ where: this.node.where, op, inputs, outputs: [name], attributes, within: [] });
    return name;
  }

  constant(value: number, output = ''): string {
    return this.add('Constant', [], [{ name: 'value_float', type: 'FLOAT', value }], output);
  }

  /** The real numbers of an input whose scale and zero point are other inputs; of several scales along an axis. */
  dequantized(of: number, scale: string, zeroPoint: string, axis = 0): string {
    return this.add(
      'DequantizeLinear',
      [this.input(of), scale, zeroPoint],
      [{ name: 'axis', type: 'INT', value: axis }],
    );
  }

  /** Of inputs that follow each other: integers, scale, zero point. */
  operand(first: number, axis = 0): string {
    return this.dequantized(first, this.input(first + 1), this.node.inputs[first + 2] ?? '', axis);
  }

  /** A bias of integers, whose scale is the product of two others. */
  bias(index: number, scales: readonly [number, number]): string[] {
    if (!this.has(index)) return [];
    return [
      this.dequantized(
        index,
        this.add(
          'Mul',
          scales.map((at) => this.input(at)),
        ),
        '',
      ),
    ];
  }

  /** The operator's result, of the scale and zero point in these inputs. */
  quantized(real: string, scale: number): void {
    const parameters = [this.input(scale), this.node.inputs[scale + 1] ?? ''];
    this.add('QuantizeLinear', [real, ...parameters], [], this.node.outputs[0]);
  }

  /**
   * Fails for an input that DynamicQuantizeLinear does not yield: only that one's integers are computed as real numbers of the scale 1.
   */
  expectDynamic(): void {
    if (!this.#dynamic.has(this.input(0))) this.fail(`input 0, '${this.input(0)}', is not of DynamicQuantizeLinear`);
  }
}

/** Real numbers that a runtime rounds by a scale of its own choice. */
const ROUNDED = 'DynamicQuantizeLinear';

type Expand = (whole: Whole) => void;

/** An operator on one tensor. */
const unary =
  (op: string): Expand =>
  (whole) => {
    if (whole.take('channels_last')) whole.fail("attribute 'channels_last' is 1; wanted 0");
    const attributes = whole.attributesWithout('channels_last', 'opset');
    whole.quantized(whole.add(op, [whole.operand(0)], attributes), 3);
  };

const binary =
  (op: string): Expand =>
  (whole) =>
    whole.quantized(whole.add(op, [whole.operand(0), whole.operand(3)]), 6);

const renamed =
  (op: string): Expand =>
  (whole) => {
    whole.parts.push({ ...whole.node, op });
  };

/** What onnxruntime appends to a convolution, by its name, and the attributes that its parameters are. */
const FUSED: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Sigmoid: [],
  Tanh: [],
  LeakyRelu: ['alpha'],
  Clip: ['min', 'max'],
  HardSigmoid: ['alpha', 'beta'],
};

export const expansions: Readonly<Record<string, Expand>> = {
  QLinearConv(whole) {
    if (whole.take('channels_last')) whole.fail("attribute 'channels_last' is 1; wanted 0");
    const operands = [whole.operand(0), whole.operand(3), ...whole.bias(8, [1, 4])];
    whole.quantized(whole.add('Conv', operands, whole.attributesWithout('channels_last')), 6);
  },
  QLinearMatMul: (whole) => whole.quantized(whole.add('MatMul', [whole.operand(0), whole.operand(3, -1)]), 6),
  DynamicQuantizeLinear(whole) {
    const [y, scale, zeroPoint] = whole.node.outputs;
    whole.add(ROUNDED, [whole.input(0)], [], y);
    if (scale) whole.constant(1, scale);
    if (zeroPoint) whole.constant(0, zeroPoint);
  },
  MatMulInteger(whole) {
    whole.expectDynamic();
    const matrix = whole.dequantized(1, whole.constant(1), whole.node.inputs[3] ?? '', -1);
    whole.add('MatMul', [whole.input(0), matrix], [], whole.node.outputs[0]);
  },
  ConvInteger(whole) {
    whole.expectDynamic();
    const kernel = whole.dequantized(1, whole.constant(1), whole.node.inputs[3] ?? '');
    whole.add('Conv', [whole.input(0), kernel], whole.node.attributes, whole.node.outputs[0]);
  },
  'com.microsoft.QLinearConv': (whole) => expansions.QLinearConv(whole),
  'com.microsoft.QLinearAdd': binary('Add'),
  'com.microsoft.QLinearMul': binary('Mul'),
  'com.microsoft.QLinearSigmoid': unary('Sigmoid'),
  'com.microsoft.QLinearLeakyRelu': unary('LeakyRelu'),
  'com.microsoft.QLinearAveragePool': unary('AveragePool'),
  'com.microsoft.QLinearGlobalAveragePool': unary('GlobalAveragePool'),
  'com.microsoft.QLinearSoftmax'(whole) {
    const opset = whole.take('opset');
    if (typeof opset === 'number' && opset < 13 !== whole.opset < 13) {
      whole.fail(
        `attribute 'opset' is ${opset}, and the file's operator set ${whole.opset}; wanted the same rule of both`,
      );
    }
    unary('Softmax')(whole);
  },
  'com.microsoft.QLinearConcat'(whole) {
    const { length } = whole.node.inputs;
    if (length < 5 || length % 3 !== 2) whole.fail(`has ${length} inputs; wanted a scale, a zero point and threes`);
    const operands = Array.from({ length: (length - 2) / 3 }, (_, index) => whole.operand(2 + 3 * index));
    whole.quantized(whole.add('Concat', operands, whole.node.attributes), 0);
  },
  'com.microsoft.QGemm'(whole) {
    if ((whole.take('alpha') ?? 1) !== 1) whole.fail(`attribute 'alpha' is ${whole.take('alpha')}; wanted 1`);
    const operands = [whole.operand(0), whole.operand(3, whole.take('transB') ? 0 : 1), ...whole.bias(6, [1, 4])];
    const attributes = whole.attributesWithout('alpha');
    if (whole.has(7)) whole.quantized(whole.add('Gemm', operands, attributes), 7);
    else whole.add('Gemm', operands, attributes, whole.node.outputs[0]);
  },
  'com.microsoft.DynamicQuantizeMatMul'(whole) {
    const matrix = whole.dequantized(1, whole.input(2), whole.node.inputs[3] ?? '', -1);
    withBias(whole, whole.add(ROUNDED, [whole.input(0)]), matrix, 4);
  },
  'com.microsoft.MatMulIntegerToFloat'(whole) {
    const matrix = whole.dequantized(1, whole.input(3), whole.node.inputs[5] ?? '', -1);
    withBias(whole, whole.input(0), matrix, 6);
  },
  'com.microsoft.QuantizeLinear': renamed('QuantizeLinear'),
  'com.microsoft.DequantizeLinear': renamed('DequantizeLinear'),
  'com.microsoft.FusedConv'(whole) {
    const name = whole.take('activation');
    const [output] = whole.node.outputs;
    if (typeof name !== 'string' || !Object.hasOwn(FUSED, name)) {
      return whole.fail(`attribute 'activation' is ${name}; wanted ${Object.keys(FUSED).join(', ')}`);
    }
    const parameters = (whole.take('activation_params') ?? []) as readonly number[];
    const attributes = whole.attributesWithout('activation', 'activation_params');
    const linear = whole.add('Conv', whole.node.inputs.slice(0, 3), attributes);
    const sum = whole.has(3) ? whole.add('Add', [linear, whole.input(3)]) : linear;
    const stated = FUSED[name].map((key, at): FileAttribute => ({ name: key, type: 'FLOAT', value: parameters[at] }));
    whole.add(name, [sum], stated, output);
  },
};

function withBias(whole: Whole, x: string, matrix: string, bias: number): void {
  const [output] = whole.node.outputs;
  if (!whole.has(bias)) whole.add('MatMul', [x, matrix], [], output);
  else whole.add('Add', [whole.add('MatMul', [x, matrix]), whole.input(bias)], [], output);
}

/** The model with the parts of such operators in their place. */
export function expanded(model: FileModel): FileModel {
  const dynamic = new Set(
    model.nodes.filter(({ op }) => op === 'DynamicQuantizeLinear').map(({ outputs }) => outputs[0]),
  );
  const nodes = model.nodes.flatMap((node) => {
    if (!Object.hasOwn(expansions, node.op)) return [node];
    const whole = new Whole(model, node, dynamic);
    expansions[node.op](whole);
    return whole.parts;
  });
  return { ...model, nodes };
}
