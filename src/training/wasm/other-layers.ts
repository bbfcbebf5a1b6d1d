/** Additions, the global average pool, dropout, and what only names a vector anew. */
import { NetworkError } from '../../errors.js';
import { maskOf } from '../../layers/dropoutTraining.js';
import type { NodeOf } from '../../network/index.js';
import type { Lowering, Unit } from './lowering.js';
import type { FeatureMap } from './maps.js';

export function lowerAdd(lowering: Lowering, node: NodeOf<'add'>): Unit {
  const inputs = node.inputs.map((input) => lowering.mapOf(input));
  const y = lowering.define(node.name);
  lowering.step([...inputs, y], ({ kernels, at }) => {
    let [sum, ...others] = inputs.map(({ buffer }) => at(buffer));
    for (const other of others) {
      kernels.addMaps(sum, other, y.buffer.bytes, at(y.buffer));
      sum = at(y.buffer);
    }
  });
  return {
    backward: () => {
      const dy = lowering.gradientOf(node.name);
      const heir = heirOf(lowering, node);
      for (const input of node.inputs) {
        if (input !== heir && lowering.needsGradient(input))
          lowering.addGradient(input, (dx) => copy(lowering, dy, dx));
      }
      if (heir !== undefined) lowering.shareGradient(heir, dy);
    },
  };
}

/**
 * All inputs of an addition have the sum's gradient. One of them may have it in the same memory, since nobody reads the sum's gradient after this;
 * the others get copies, as more may be added to each.
 */
function heirOf(lowering: Lowering, { inputs }: NodeOf<'add'>): string | undefined {
  const once = (input: string) => inputs.indexOf(input) === inputs.lastIndexOf(input);
  return inputs.filter((input) => once(input) && lowering.needsGradient(input) && !lowering.hasGradient(input)).at(-1);
}

function copy(lowering: Lowering, from: FeatureMap, to: FeatureMap): void {
  lowering.step([from, to], ({ memory, at }) => {
    memory.copyWithin(at(to.buffer) / 4, at(from.buffer) / 4, (at(from.buffer) + from.buffer.bytes) / 4);
  });
}

export function lowerGlobalAveragePool(lowering: Lowering, node: NodeOf<'globalAveragePool'>): Unit {
  const [input] = node.inputs;
  const x = lowering.mapOf(input);
  const y = lowering.define(node.name);
  const size = [x.groups, x.images, x.rows * x.columns];
  lowering.step([x, y], ({ kernels, flat }) => kernels.poolForward(...flat(x), ...size, ...flat(y)));
  return {
    backward: () => {
      if (!lowering.needsGradient(input)) return;
      const dy = lowering.gradientOf(node.name);
      lowering.addGradient(input, (dx) =>
        lowering.step([dy, dx], ({ kernels, flat }) => kernels.poolBackward(...flat(dy), ...size, ...flat(dx))),
      );
    },
  };
}

/** The k-th dropout of a network, counted from 0, draws its mask with the step's seed + k. */
export function lowerDropout(lowering: Lowering, node: NodeOf<'dropout'>): Unit {
  const k = lowering.dropouts++;
  if (node.attributes.rate === 0) return lowerSameNumbers(lowering, node);
  const [input] = node.inputs;
  const shape = lowering.shapeOf(input);
  const x = lowering.mapOf(input);
  const y = lowering.define(node.name);
  const masked = (from: FeatureMap, to: FeatureMap) =>
    lowering.step([from, to], ({ memory, at, seed }) => {
      const mask = maskOf(shape, node.attributes, seed + k).data;
      // Channels that do not exist are 0, as in every map.
      memory.fill(0, at(to.buffer) / 4, (at(to.buffer) + to.buffer.bytes) / 4);
      for (let c = 0; c < to.channels; c++) {
        const place = ((c >> 3) * to.group) / 4 + (c & 7);
        const [source, goal] = [at(from.buffer) / 4 + place, at(to.buffer) / 4 + place];
        for (let p = 0; p < to.pixels; p++) memory[goal + p * 8] = memory[source + p * 8] * mask[p * to.channels + c];
      }
    });
  masked(x, y);
  return {
    backward: () => {
      if (!lowering.needsGradient(input)) return;
      const dy = lowering.gradientOf(node.name);
      lowering.addGradient(input, (dx) => masked(dy, dx));
    },
  };
}

/** A map of one pixel is the vector of its channels, in memory too. */
export function lowerReshape(lowering: Lowering, node: NodeOf<'flatten' | 'reshape'>): Unit {
  const [input] = node.inputs;
  const x = lowering.mapOf(input);
  const shape = lowering.mapShapeOf(node.name);
  if (x.rows * x.columns * shape.rows * shape.columns !== 1) {
    throw new NetworkError(
      `${lowering.network.name}: the trainer reshapes maps of one pixel, and '${node.name}' reshapes ${x.rows}×${x.columns} pixels`,
    );
  }
  return lowerSameNumbers(lowering, node);
}

/** A tensor that is its input by another name. */
function lowerSameNumbers(lowering: Lowering, node: NodeOf<'flatten' | 'reshape' | 'dropout'>): Unit {
  const [input] = node.inputs;
  lowering.maps.set(node.name, { ...lowering.mapOf(input), ...lowering.mapShapeOf(node.name) });
  return {
    backward: () => {
      if (!lowering.needsGradient(input)) return;
      const dy = lowering.gradientOf(node.name);
      if (lowering.hasGradient(input)) lowering.addGradient(input, (dx) => copy(lowering, dy, dx));
      else lowering.shareGradient(input, dy);
    },
  };
}
