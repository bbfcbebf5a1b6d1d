/** Writes a network's training step: every layer forward, the loss, every layer backward in reverse order. */
import type { Buffer } from '../../engine/memory.js';
import { NetworkError } from '../../errors.js';
import type { NetworkNode } from '../../network/index.js';
import { crossEntropy } from '../step/losses.js';
import { type ClampNode, isClamp, lowerBatchNorm, lowerClamp } from './batch-norm.js';
import { lowerConvolution } from './convolution.js';
import type { Lowering, Unit } from './lowering.js';
import type { FeatureMap } from './maps.js';
import { lowerAdd, lowerDropout, lowerGlobalAveragePool, lowerReshape } from './other-layers.js';
import { lowerMatrixProduct } from './products.js';

/** What goes into a step and comes out of it besides the numbers in memory. */
export interface LoweredStep {
  /** Where the pictures are to be put, NHWC. */
  readonly pictures: Buffer;
  readonly loss: { targets: Float32Array; result: { loss: number; correct: number } };
}

export function lowerStep(lowering: Lowering): LoweredStep {
  const pictures = lowerPictures(lowering);
  const units = lowerForward(lowering);
  const loss = lowerLoss(lowering);
  for (const unit of units.reverse()) unit.backward();
  return { pictures, loss };
}

/** NHWC pictures to groups. */
function lowerPictures(lowering: Lowering): Buffer {
  const [{ name }] = lowering.network.inputs;
  const map = lowering.define(name);
  const pictures = lowering.constant(map.pixels * map.channels * 4);
  lowering.step([map], ({ kernels, at, flat }) => {
    kernels.toGroups(at(pictures), map.pixels, map.channels, ...flat(map));
  });
  return pictures;
}

/** A batch norm takes the activation after it along, a convolution the zeros that a layer before it pads with. */
export function lowerForward(lowering: Lowering): Unit[] {
  const units: Unit[] = [];
  const taken = new Set<NetworkNode>();
  for (const node of lowering.network.nodes) {
    if (taken.has(node)) continue;
    const next = lowering.soleConsumerOf(node.name);
    if (node.kind === 'batchNorm' && isClamp(next)) {
      units.push(lowerBatchNorm(lowering, node, next as ClampNode));
      taken.add(next);
    } else if (node.kind === 'pad' && (next?.kind === 'depthwiseConv2d' || next?.kind === 'conv2d')) {
      units.push(lowerConvolution(lowering, next, node));
      taken.add(next);
    } else {
      units.push(lowerLayer(lowering, node));
    }
  }
  return units;
}

function lowerLayer(lowering: Lowering, node: NetworkNode): Unit {
  switch (node.kind) {
    case 'conv2d':
    case 'depthwiseConv2d':
      return lowerConvolution(lowering, node);
    case 'pointwiseConv2d':
    case 'dense':
      return lowerMatrixProduct(lowering, node);
    case 'batchNorm':
      return lowerBatchNorm(lowering, node);
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

/** The loss and its gradient in TypeScript: there are only as many numbers as pictures times classes. */
function lowerLoss(lowering: Lowering): LoweredStep['loss'] {
  const [output] = lowering.network.outputs;
  const logits = lowering.mapOf(output);
  if (lowering.shapeOf(output).length !== 2) {
    throw new NetworkError(
      `${lowering.network.name}: training wants logits [batch, classes], found [${lowering.shapeOf(output)}]`,
    );
  }
  const gradient = lowering.gradientTarget(output).map;
  const loss = { targets: new Float32Array(), result: { loss: 0, correct: 0 } };
  lowering.step([logits, gradient], ({ memory, at }) => {
    const { images, channels } = logits;
    const rows = new Float32Array(images * channels);
    eachNumber(at(logits.buffer), logits, (inMap, inRows) => {
      rows[inRows] = memory[inMap];
    });
    const { mean, correct, dLogits } = crossEntropy(rows, loss.targets, channels);
    loss.result = { loss: mean, correct };
    memory.fill(0, at(gradient.buffer) / 4, (at(gradient.buffer) + gradient.buffer.bytes) / 4);
    eachNumber(at(gradient.buffer), gradient, (inMap, inRows) => {
      memory[inMap] = dLogits[inRows];
    });
  });
  return loss;
}

/** Positions of a map of one pixel, in the memory and in [images, channels]. */
function eachNumber(address: number, map: FeatureMap, visit: (inMap: number, inRows: number) => void): void {
  for (let n = 0; n < map.images; n++) {
    for (let c = 0; c < map.channels; c++) {
      visit((address + (c >> 3) * map.group + n * 32) / 4 + (c & 7), n * map.channels + c);
    }
  }
}
