/**
 * TensorFlow's functions and Keras 3's operations as layers: `x / 127.5 - 1` in a model becomes a TFOpLambda 'math.truediv' and a
 * 'math.subtract' in Keras 2, a TrueDivide and a Subtract in Keras 3, whose constants stand in the layer's call.
 */

import { finite, listOf, oneOf, show, text } from '../../checks.js';
import { NetworkError } from '../../errors.js';
import { type Affine, type Arithmetic, arithmetic as formulas } from '../affine.js';
import { affine, gelu, geluByTanh, type Step } from '../steps.js';
import type { KerasCall } from './calls.js';
import { activationSteps, numbers } from './layers.js';
import { type FlatLayer, isTensor } from './nested.js';

export interface KerasOperation {
  readonly steps: readonly Step[];
  readonly inputs: readonly FlatLayer[];
  /** Whether it is a sum or product with constants. */
  readonly scales: boolean;
}

/** Names of one operation are those of TensorFlow's function, of Python's operator and of Keras 3's class. */
const OPERATIONS: Readonly<Record<string, Arithmetic>> = {
  add: 'add',
  bias_add: 'add',
  Add: 'add',
  subtract: 'subtract',
  sub: 'subtract',
  Subtract: 'subtract',
  multiply: 'multiply',
  mul: 'multiply',
  Multiply: 'multiply',
  truediv: 'divide',
  divide: 'divide',
  Divide: 'divide',
  TrueDivide: 'divide',
};

const KERAS_3 = ['Add', 'Subtract', 'Multiply', 'Divide', 'TrueDivide'];

/** Undefined for a layer that is no operation: Keras' own Add of results of layers among them. */
export function operationOf(
  className: string,
  title: string,
  config: object,
  call: KerasCall,
): KerasOperation | undefined {
  if (className === 'TFOpLambda') {
    const name = text((config as { function?: unknown }).function, `${title}.function`);
    return functionOf(name, name.slice(name.lastIndexOf('.') + 1), title, call);
  }
  if (!KERAS_3.includes(className) || call.args.every(isTensor)) return undefined;
  return arithmetic(OPERATIONS[className], className, title, call);
}

function functionOf(name: string, short: string, title: string, call: KerasCall): KerasOperation {
  if (Object.hasOwn(OPERATIONS, short)) return arithmetic(OPERATIONS[short], name, title, call);
  const inputs = call.args.filter(isTensor);
  if (inputs.length !== 1) throw new NetworkError(`${title}: ${name} wants one tensor, found ${inputs.length}`);
  switch (short) {
    case 'identity':
    case 'stop_gradient':
      return { steps: [], inputs, scales: false };
    case 'cast':
      oneOf('float32')(call.kwargs.dtype as string, `${title}.dtype`);
      return { steps: [], inputs, scales: false };
    case 'negative':
      return { steps: [affine('', [-1], [0])], inputs, scales: true };
    case 'relu':
    case 'relu6':
    case 'sigmoid':
    case 'softmax':
    case 'tanh':
    case 'silu':
    case 'swish':
    case 'elu':
    case 'selu':
      if (short === 'softmax') oneOf(-1)((call.kwargs.axis ?? -1) as number, `${title}.axis`);
      return { steps: activationSteps[short], inputs, scales: false };
    case 'gelu':
      return { steps: call.kwargs.approximate === true ? geluByTanh() : gelu(), inputs, scales: false };
    case 'reduce_mean': {
      const axis = listOf(finite, 2, 2)(call.kwargs.axis, `${title}.axis`);
      if (`${axis}` !== '1,2') throw new NetworkError(`${title}: ${name} of axes ${show(axis)}; wanted [1, 2]`);
      const keepDims = call.kwargs.keepdims === true;
      return { steps: [{ kind: 'globalAveragePool', attributes: { keepDims } }], inputs, scales: false };
    }
    default:
      throw new NetworkError(
        `${title}: the function ${name} is not supported; supported are sums, differences, products and quotients with constants, relu, relu6, sigmoid, softmax, tanh, swish, elu, selu, gelu, cast, reduce_mean`,
      );
  }
}

/** With a constant, a batch norm that multiplies and adds; the sum of two tensors is an addition. */
function arithmetic(operation: Arithmetic, name: string, title: string, { args, kwargs }: KerasCall): KerasOperation {
  const operands = [...args, kwargs.y, kwargs.x2, kwargs.value, kwargs.bias].filter((value) => value !== undefined);
  const tensors = operands.filter(isTensor);
  if (operands.length !== 2) {
    throw new NetworkError(
      `${title}: ${name} wants two operands, found ${operands.length}; a constant must stand in inbound_nodes`,
    );
  }
  if (tensors.length === 2 && (operation === 'add' || operation === 'multiply')) {
    return { steps: [{ kind: operation, attributes: {} }], inputs: tensors, scales: false };
  }
  if (tensors.length !== 1) {
    throw new NetworkError(
      `${title}: ${name} of ${tensors.length} tensors is not supported; wanted one and a constant`,
    );
  }
  const reversed = !isTensor(operands[0]);
  const constant = numbers(operands[reversed ? 0 : 1], `${title}: its constant`);
  const formula: Affine | undefined = formulas[operation](reversed);
  if (formula === undefined) throw new NetworkError(`${title}: ${name} of a constant by a tensor is not supported`);
  if (operation === 'divide' && constant.includes(0)) throw new NetworkError(`${title}: ${name} by 0`);
  const { scale = () => 1, shift = () => 0 } = formula;
  const steps = [affine('', constant.map(scale), constant.map(shift))];
  return { steps, inputs: tensors, scales: true };
}
