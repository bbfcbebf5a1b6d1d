/** From a network to kernel calls. */
import type { Network } from '../network/network.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import type { Program } from '../wasm/program.js';
import { chain, depthwise, joinsPointwise, startsChain } from './depthwise.js';
import type { EngineKernelTable } from './kernels.js';
import { Lowering, type LowerOptions, type OperationOf, type PackedMatrix } from './lowering.js';
import { convolution, dense, pointwise } from './matrix-products.js';
import type { Operation } from './operations.js';
import { add, batchNorm, concat, elementwise, globalAveragePool, pad, pool, resize } from './other-layers.js';

export interface PlacedTensor {
  readonly name: string;
  /** Batch 1. */
  readonly shape: Shape;
  readonly place: Place;
}

export interface Lowered {
  readonly program: Program<EngineKernelTable>;
  readonly matrices: readonly PackedMatrix[];
  readonly operations: readonly Operation[];
  readonly inputs: readonly PlacedTensor[];
  readonly outputs: readonly PlacedTensor[];
}

/** Kernel calls for one picture (batch 1) of a network whose weights are all there. */
export function lower(network: Network, options: LowerOptions = {}): Lowered {
  const low = new Lowering(network, options);
  const inputs = network.inputs.map(({ name }) => inputTensor(low, name));
  for (const operation of low.operations) {
    low.serve(operation);
    lowerOperation(low, operation);
  }
  const outputs = low.outputs.map((name) => ({ name, shape: low.shape(name), place: low.nhwc(name) }));
  for (const { place } of outputs) low.program.touch(place);
  const operations = low.operations.map((operation) => ({ ...operation, nodes: low.nodesOf(operation) }));
  return { program: low.program, matrices: low.matrices, operations, inputs, outputs };
}

function inputTensor(low: Lowering, name: string): PlacedTensor {
  const shape = low.shape(name);
  const place = low.program.buffer(sizeOf(shape) * 4);
  low.program.touchAtStart(place);
  low.made(name, { nhwc: place });
  return { name, shape, place };
}

function lowerOperation(low: Lowering, operation: Operation): void {
  switch (operation.node.kind) {
    case 'pointwiseConv2d':
      pointwiseOrChain(low, operation as OperationOf<'pointwiseConv2d'>);
      break;
    case 'depthwiseConv2d':
      if (joinsPointwise(low, operation)) low.waiting.set(operation.output, operation);
      else depthwise(low, operation as OperationOf<'depthwiseConv2d'>);
      break;
    case 'conv2d':
      convolution(low, operation as OperationOf<'conv2d'>);
      break;
    case 'dense':
      dense(low, operation as OperationOf<'dense'>);
      break;
    case 'globalAveragePool':
      globalAveragePool(low, operation);
      break;
    case 'averagePool':
    case 'maxPool':
      pool(low, operation as OperationOf<'averagePool' | 'maxPool'>);
      break;
    case 'add':
      add(low, operation);
      break;
    case 'batchNorm':
      batchNorm(low, operation as OperationOf<'batchNorm'>);
      break;
    case 'concat':
      concat(low, operation as OperationOf<'concat'>);
      break;
    case 'pad':
      pad(low, operation as OperationOf<'pad'>);
      break;
    case 'resizeBilinear':
      resize(low, operation as OperationOf<'resizeBilinear'>);
      break;
    case 'flatten':
    case 'reshape':
    case 'dropout':
      low.made(operation.output, { nhwc: low.nhwc(operation.inputs[0]) });
      break;
    default:
      elementwise(low, operation);
  }
}

function pointwiseOrChain(low: Lowering, operation: OperationOf<'pointwiseConv2d'>): void {
  const waiting = low.waiting.get(operation.inputs[0]);
  if (waiting) chain(low, waiting as OperationOf<'depthwiseConv2d'>, operation);
  else if (startsChain(low, operation)) low.waiting.set(operation.output, operation);
  else pointwise(low, operation);
}
