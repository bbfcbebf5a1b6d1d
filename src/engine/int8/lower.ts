/** From a quantised network to calls of the integer kernels. */
import type { Rounding } from '../../layers/int8/fixed-point.js';
import { type QuantizedNetwork, typesByName } from '../../network/quantized-network.js';
import { type Shape, sizeOf, type TensorType } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import type { Program } from '../../wasm/program.js';
import { chain, convolution, depthwise, joinsPointwise, matrixProduct, startsChain } from './convolutions.js';
import type { Int8KernelTable } from './kernels.js';
import { lookup } from './lookups.js';
import { IntegerLowering, type Page, type Products } from './lowering.js';
import { type IntegerOperation, type OperationOf, operationsOf } from './operations.js';
import { add, concat, multiply, page, pool, reshape, softmax, wholeMap } from './other-layers.js';
import { argMax, resize } from './resize.js';

export interface PlacedTensor {
  readonly name: string;
  /** Batch 1. */
  readonly shape: Shape;
  readonly type: TensorType;
  readonly place: Place;
}

export interface LoweredIntegers {
  readonly program: Program<Int8KernelTable>;
  readonly operations: readonly IntegerOperation[];
  readonly pages: readonly Page[];
  readonly inputs: readonly PlacedTensor[];
  readonly outputs: readonly PlacedTensor[];
}

/** Kernel calls for one picture. `shapes` are all tensors', of batch 1. With `everyTensor` each of them is an output. */
export function lowerIntegers(
  network: QuantizedNetwork,
  shapes: ReadonlyMap<string, Shape>,
  rounding: Rounding,
  everyTensor: boolean,
  products: Products,
): LoweredIntegers {
  const types = typesByName(network);
  const operations = operationsOf(network, shapes, types, !everyTensor);
  const names = everyTensor ? [...types.keys()] : network.outputs;
  const low = new IntegerLowering(network, operations, names, shapes, types, rounding, products);
  const placed = (name: string, place: Place): PlacedTensor => {
    return { name, shape: low.shape(name), type: types.get(name) as TensorType, place };
  };
  const inputs = network.inputs.map(({ name }) => {
    const place = low.program.buffer(sizeOf(low.shape(name)) * (low.hasBytes(name) ? 1 : 4));
    low.program.touch(place, -1);
    low.made(name, { bytes: place });
    return placed(name, place);
  });
  for (const operation of operations) {
    low.serve(operation);
    lowerOperation(low, operation);
  }
  const outputs = names.map((name) => placed(name, low.bytes(name)));
  for (const { place } of outputs) low.program.touch(place);
  return { program: low.program, operations, pages: low.pages, inputs, outputs };
}

/** Other sizes for the same numbers in the same order. */
const copies: ReadonlySet<string> = new Set(['flatten', 'reshape', 'dropout']);

function lowerOperation(low: IntegerLowering, operation: IntegerOperation): void {
  const { node, inputs, output } = operation;
  if (node.kind === 'argMax' && inputs.every((name) => low.hasBytes(name))) {
    argMax(low, operation);
    return;
  }
  if (![...inputs, output].every((name) => low.hasBytes(name))) {
    if (copies.has(node.kind)) low.made(output, { bytes: low.bytes(inputs[0]) });
    else page(low, operation);
    return;
  }
  switch (node.kind) {
    case 'pointwiseConv2d':
      pointwiseOrChain(low, operation as OperationOf<'pointwiseConv2d'>);
      break;
    case 'dense':
      matrixProduct(low, operation as OperationOf<'dense'>);
      break;
    case 'depthwiseConv2d':
      if (joinsPointwise(low, operation)) low.waiting.set(operation.output, operation);
      else depthwise(low, operation as OperationOf<'depthwiseConv2d'>);
      break;
    case 'conv2d':
      convolution(low, operation as OperationOf<'conv2d'>);
      break;
    case 'globalAveragePool':
      wholeMap(low, operation);
      break;
    case 'averagePool':
    case 'maxPool':
      pool(low, operation as OperationOf<'averagePool' | 'maxPool'>);
      break;
    case 'add':
      add(low, operation);
      break;
    case 'multiply':
      multiply(low, operation);
      break;
    case 'concat':
      concat(low, operation as OperationOf<'concat'>);
      break;
    case 'flatten':
    case 'reshape':
    case 'dropout':
      reshape(low, operation);
      break;
    case 'softmax':
      softmax(low, operation);
      break;
    case 'resizeBilinear':
      resize(low, operation as OperationOf<'resizeBilinear'>);
      break;
    case 'relu':
    case 'relu6':
    case 'clamp':
    case 'sigmoid':
    case 'hardSwish':
    case 'quantize':
      lookup(low, operation);
      break;
    default:
      page(low, operation);
  }
}

function pointwiseOrChain(low: IntegerLowering, operation: OperationOf<'pointwiseConv2d'>): void {
  const waiting = low.waiting.get(operation.inputs[0]);
  if (waiting) chain(low, waiting as OperationOf<'depthwiseConv2d'>, operation);
  else if (startsChain(low, operation)) low.waiting.set(operation.output, operation);
  else matrixProduct(low, operation);
}
