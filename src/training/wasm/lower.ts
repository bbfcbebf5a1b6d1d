/** Writes a network's training step: every layer forward, the loss, every layer backward in reverse order. */
import { NetworkError } from '../../errors.js';
import type { NetworkNode } from '../../network/index.js';
import type { Place } from '../../wasm/memory.js';
import { type ClampNode, isClamp, lowerBatchNorm, lowerClamp } from './batch-norm.js';
import { lowerConvolution } from './convolution.js';
import type { Backward, Lowering } from './lowering.js';
import { flat } from './maps.js';
import { lowerAdd, lowerDropout, lowerGlobalAveragePool, lowerReshape } from './other-layers.js';
import { lowerMatrixProduct } from './products.js';

/** Some of the network's nodes that run as one, whose forward steps are written. */
export interface Unit {
  readonly nodes: readonly string[];
  readonly backward: Backward;
}

/** The result is where the pictures are to be put, NHWC. */
export function lowerStep(lowering: Lowering): Place {
  const pictures = lowerInput(lowering, lowering.network.inputs[0].name);
  const units = lowerForward(lowering);
  lowering.begin('loss');
  lowerLoss(lowering);
  lowerBackward(lowering, units);
  return pictures;
}

/** The units in the order of their forward steps. */
export function lowerBackward(lowering: Lowering, units: readonly Unit[]): void {
  for (const { nodes, backward } of [...units].reverse()) {
    lowering.begin('backward', nodes);
    backward();
  }
}

/** An input to groups. The result is where it is to be put, NHWC. */
export function lowerInput(lowering: Lowering, name: string): Place {
  lowering.begin('forward', [name]);
  const map = lowering.define(name);
  const place = lowering.program.constant(map.pixels * map.channels * 4);
  lowering.program.step('toGroups', place, map.pixels, map.channels, ...flat(map));
  lowering.quantize(name);
  return place;
}

/** A batch norm takes the activation after it along, a convolution the zeros that a layer before it pads with. */
export function lowerForward(lowering: Lowering): Unit[] {
  const units: Unit[] = [];
  const taken = new Set<NetworkNode>();
  for (const node of lowering.network.nodes) {
    if (taken.has(node)) continue;
    const next = lowering.soleConsumerOf(node.name);
    const joined = joinedWith(node, next);
    const nodes = joined ? [node, joined] : [node];
    if (joined) taken.add(joined);
    const names = nodes.map(({ name }) => name);
    lowering.begin('forward', names);
    units.push({ nodes: names, backward: lowerUnit(lowering, node, joined) });
    lowering.quantize((joined ?? node).name);
  }
  return units;
}

const joinedWith = (node: NetworkNode, next: NetworkNode | undefined): NetworkNode | undefined =>
  (node.kind === 'batchNorm' && isClamp(next)) ||
  (node.kind === 'pad' && (next?.kind === 'depthwiseConv2d' || next?.kind === 'conv2d'))
    ? next
    : undefined;

function lowerUnit(lowering: Lowering, node: NetworkNode, next: NetworkNode | undefined): Backward {
  if (node.kind === 'batchNorm') return lowerBatchNorm(lowering, node, next as ClampNode | undefined);
  if (node.kind === 'pad' && (next?.kind === 'depthwiseConv2d' || next?.kind === 'conv2d')) {
    return lowerConvolution(lowering, next, node);
  }
  return lowerLayer(lowering, node);
}

function lowerLayer(lowering: Lowering, node: NetworkNode): Backward {
  switch (node.kind) {
    case 'conv2d':
    case 'depthwiseConv2d':
      return lowerConvolution(lowering, node);
    case 'pointwiseConv2d':
    case 'dense':
      return lowerMatrixProduct(lowering, node);
    case 'relu':
    case 'relu6':
    case 'clamp':
      return lowerClamp(lowering, node);
    case 'add':
      return lowerAdd(lowering, node);
    case 'globalAveragePool':
      return lowerGlobalAveragePool(lowering, node);
    case 'dropout':
      return lowerDropout(lowering, node);
    case 'flatten':
    case 'reshape':
      return lowerReshape(lowering, node);
    default:
      throw new NetworkError(
        `${lowering.network.name}: the trainer has no kernels for layers of kind '${node.kind}', found '${node.name}'`,
      );
  }
}

function lowerLoss(lowering: Lowering): void {
  const [output] = lowering.network.outputs;
  const logits = lowering.mapOf(output);
  if (lowering.shapeOf(output).length !== 2) {
    throw new NetworkError(
      `${lowering.network.name}: training wants logits [batch, classes], found [${lowering.shapeOf(output)}]`,
    );
  }
  const { map } = lowering.gradientTarget(output);
  lowering.program.step('zeroBytes', map.place, map.bytes);
  lowering.program.step('crossEntropy', ...flat(logits), logits.images, logits.channels, ...flat(map));
}
