/** Additions, the global average pool, dropout, and what only names a vector anew. */
import { NetworkError } from '../../errors.js';
import type { NodeOf } from '../../network/index.js';
import type { Backward, Lowering } from './lowering.js';
import { type FeatureMap, flat } from './maps.js';

export function lowerAdd(lowering: Lowering, node: NodeOf<'add'>): Backward {
  const { place, bytes } = lowering.define(node.name);
  let [sum, ...others] = node.inputs.map((input) => lowering.mapOf(input).place);
  for (const other of others) {
    lowering.program.step('addMaps', sum, other, bytes, place);
    sum = place;
  }
  return () => {
    const dy = lowering.gradientOf(node.name);
    const heir = heirOf(lowering, node);
    for (const input of node.inputs) {
      if (input !== heir && lowering.needsGradient(input)) lowering.addGradient(input, (dx) => copy(lowering, dy, dx));
    }
    if (heir !== undefined) lowering.shareGradient(heir, dy);
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
  lowering.program.step('copyBytes', from.place, from.bytes, to.place);
}

export function lowerGlobalAveragePool(lowering: Lowering, node: NodeOf<'globalAveragePool'>): Backward {
  const [input] = node.inputs;
  const x = lowering.mapOf(input);
  const y = lowering.define(node.name);
  const size = [x.groups, x.images, x.rows * x.columns] as const;
  lowering.program.step('poolForward', ...flat(x), ...size, ...flat(y));
  return () => {
    if (!lowering.needsGradient(input)) return;
    const dy = lowering.gradientOf(node.name);
    lowering.addGradient(input, (dx) => lowering.program.step('poolBackward', ...flat(dy), ...size, ...flat(dx)));
  };
}

/** The k-th dropout of a network, counted from 0, draws its mask with the step's seed + k. */
export function lowerDropout(lowering: Lowering, node: NodeOf<'dropout'>): Backward {
  const k = lowering.dropouts++;
  const { rate } = node.attributes;
  if (rate === 0) return lowerSameNumbers(lowering, node);
  const [input] = node.inputs;
  const masked = (from: FeatureMap, to: FeatureMap) => {
    // Channels that do not exist are 0, as in every map.
    lowering.program.step('zeroBytes', to.place, to.bytes);
    lowering.program.step('dropout', ...flat(from), from.pixels, from.channels, rate, k, ...flat(to));
  };
  masked(lowering.mapOf(input), lowering.define(node.name));
  return () => {
    if (!lowering.needsGradient(input)) return;
    const dy = lowering.gradientOf(node.name);
    lowering.addGradient(input, (dx) => masked(dy, dx));
  };
}

/** A map of one pixel is the vector of its channels, in memory too. */
export function lowerReshape(lowering: Lowering, node: NodeOf<'flatten' | 'reshape'>): Backward {
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
function lowerSameNumbers(lowering: Lowering, node: NodeOf<'flatten' | 'reshape' | 'dropout'>): Backward {
  const [input] = node.inputs;
  lowering.maps.set(node.name, { ...lowering.mapOf(input), ...lowering.mapShapeOf(node.name) });
  return () => {
    const dy = lowering.gradientOf(node.name);
    if (lowering.hasGradient(input)) lowering.addGradient(input, (dx) => copy(lowering, dy, dx));
    else lowering.shareGradient(input, dy);
  };
}
