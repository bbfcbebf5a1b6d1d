/** From a network to kernel calls. */
import type { LayerKind, Network } from '../network/network.js';
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
    (LOWERINGS[operation.node.kind] ?? elementwise)(low, operation as never);
  }
  const outputs = low.outputs.map((name) => ({ name, shape: low.shape(name), place: low.nhwc(name) }));
  for (const { place } of outputs) low.program.touch(place);
  const operations = low.operations.map((operation) => ({ ...operation, nodes: low.nodesOf(operation) }));
  return { program: low.program, matrices: low.matrices, operations, inputs, outputs };
}

function inputTensor(low: Lowering, name: string): PlacedTensor {
  const shape = low.shape(name);
  const place = low.program.buffer(sizeOf(shape) * 4);
  low.program.touch(place, -1);
  low.made(name, { nhwc: place });
  return { name, shape, place };
}

/** What has no entry treats each number by itself. */
const LOWERINGS: { readonly [Kind in LayerKind]?: (low: Lowering, operation: OperationOf<Kind>) => void } = {
  pointwiseConv2d: pointwiseOrChain,
  depthwiseConv2d: depthwiseOrWait,
  conv2d: convolution,
  dense,
  globalAveragePool,
  averagePool: pool,
  maxPool: pool,
  add,
  batchNorm,
  concat,
  pad,
  resizeBilinear: resize,
  flatten: sameNumbers,
  reshape: sameNumbers,
  dropout: sameNumbers,
};

function sameNumbers(low: Lowering, { inputs: [input], output }: Operation): void {
  low.made(output, { nhwc: low.nhwc(input) });
}

function depthwiseOrWait(low: Lowering, operation: OperationOf<'depthwiseConv2d'>): void {
  if (joinsPointwise(low, operation)) low.waiting.set(operation.output, operation);
  else depthwise(low, operation);
}

function pointwiseOrChain(low: Lowering, operation: OperationOf<'pointwiseConv2d'>): void {
  const waiting = low.waiting.get(operation.inputs[0]);
  if (waiting) chain(low, waiting as OperationOf<'depthwiseConv2d'>, operation);
  else if (startsChain(low, operation)) low.waiting.set(operation.output, operation);
  else pointwise(low, operation);
}
