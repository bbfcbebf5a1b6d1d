/** Random layers by themselves: sizes, channels, strides, dilation, padding and batch drawn from a seed. */
import { UsageError } from '../errors.js';
import type { AttributesOf, LayerKind } from '../network/index.js';
import type { Padding, Pair } from '../padding.js';
import { uniformRandom } from '../random.js';
import type { Shape } from '../tensor.js';
import { layer, type SingleLayer, vectorChannels } from './single-layers.js';

/** What a layer is drawn from. */
class Draw {
  readonly #uniform: () => number;

  constructor(seed: number) {
    this.#uniform = uniformRandom(seed);
  }

  /** From `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#uniform() * (most - least + 1));
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.whole(0, items.length - 1)];
  }

  yes(): boolean {
    return this.#uniform() < 0.5;
  }

  between(least: number, most: number): number {
    return Math.fround(least + this.#uniform() * (most - least));
  }

  /** As often around the width of a vector as a small number. */
  channels(): number {
    return this.yes() ? this.of(vectorChannels) : this.whole(1, 12);
  }

  /** Large enough for every window below. */
  map(channels = this.channels()): Shape {
    return [this.whole(1, 2), this.whole(9, 14), this.whole(9, 14), channels];
  }

  row(): Shape {
    return [this.whole(1, 2), this.channels()];
  }

  pair(least: number, most: number): Pair {
    return this.yes() ? this.square(this.whole(least, most)) : [this.whole(least, most), this.whole(least, most)];
  }

  square = (side: number): Pair => [side, side];

  /** Around a window; every row and column of padding is less than the window spans. */
  padding([rows, columns]: Pair): Padding {
    if (this.yes()) return this.of(['same', 'valid'] as const);
    const [below, beside] = [rows - 1, columns - 1];
    return {
      top: this.whole(0, below),
      bottom: this.whole(0, below),
      left: this.whole(0, beside),
      right: this.whole(0, beside),
    };
  }

  window() {
    const kernelSize = this.pair(1, 5);
    const dilation = this.yes() ? this.square(1) : this.pair(1, 2);
    const strides = this.pair(1, 3);
    return { kernelSize, strides, dilation, padding: this.padding(kernelSize) };
  }

  pool() {
    const poolSize = this.pair(1, 4);
    return { poolSize, strides: this.pair(1, 3), padding: this.padding(poolSize) };
  }
}

type Attributes<Kind extends LayerKind> = AttributesOf<Kind>;
type Drafts = {
  readonly [Kind in LayerKind]?: (draw: Draw) => { inputs: readonly Shape[]; attributes: Attributes<Kind> };
};

const drafts: Drafts = {
  conv2d: (draw) => ({
    inputs: [draw.map()],
    attributes: { filters: draw.channels(), bias: draw.yes(), ...draw.window() },
  }),
  depthwiseConv2d: (draw) => ({
    inputs: [draw.map()],
    attributes: { depthMultiplier: draw.of([1, 1, 2, 3]), bias: draw.yes(), ...draw.window() },
  }),
  pointwiseConv2d: (draw) => ({
    inputs: [draw.map()],
    attributes: { filters: draw.channels(), bias: draw.yes() },
  }),
  dense: (draw) => ({ inputs: [draw.row()], attributes: { units: draw.channels(), bias: draw.yes() } }),
  batchNorm: (draw) => ({
    inputs: [draw.map()],
    attributes: { epsilon: draw.of([1e-5, 1e-3]), scale: draw.yes(), center: draw.yes() },
  }),
  relu: (draw) => ({ inputs: [draw.map()], attributes: {} }),
  relu6: (draw) => ({ inputs: [draw.map()], attributes: {} }),
  clamp: (draw) => ({ inputs: [draw.map()], attributes: { min: draw.between(-2, 0), max: draw.between(0, 2) } }),
  sigmoid: (draw) => ({ inputs: [draw.map()], attributes: {} }),
  softmax: (draw) => ({ inputs: [draw.row()], attributes: {} }),
  add: (draw) => {
    const x = draw.map();
    return { inputs: draw.yes() ? [x, x] : [x, x, x], attributes: {} };
  },
  concat: (draw) => {
    const [N, H, W, C] = draw.map();
    return {
      inputs: [
        [N, H, W, C],
        [N, H, W, draw.channels()],
      ],
      attributes: { axis: -1 },
    };
  },
  pad: (draw) => {
    const side = (): number => draw.whole(0, 3);
    const padding = { top: side(), bottom: side(), left: side(), right: side() };
    return { inputs: [draw.map()], attributes: { padding, value: draw.of([0, 0.5]) } };
  },
  averagePool: (draw) => ({ inputs: [draw.map()], attributes: { ...draw.pool(), includePadding: draw.yes() } }),
  maxPool: (draw) => ({ inputs: [draw.map()], attributes: draw.pool() }),
  globalAveragePool: (draw) => ({ inputs: [draw.map()], attributes: { keepDims: draw.yes() } }),
  flatten: (draw) => ({ inputs: [draw.map()], attributes: {} }),
  resizeBilinear: (draw) => ({
    inputs: [draw.map()],
    attributes: {
      size: draw.pair(1, 20),
      rule: draw.of(['tf1-legacy', 'tf1-align-corners', 'half-pixel'] as const),
    },
  }),
  argMax: (draw) => ({ inputs: [draw.map()], attributes: {} }),
  multiply: (draw) => {
    const [N, H, W, C] = draw.map();
    const gate: Shape = draw.yes() ? [N, 1, 1, C] : [N, H, W, C];
    return { inputs: [[N, H, W, C], gate], attributes: {} };
  },
  hardSigmoid: (draw) => ({ inputs: [draw.map()], attributes: {} }),
  hardSwish: (draw) => ({ inputs: [draw.map()], attributes: {} }),
};

/** The kinds of which there are random layers. */
export const randomKinds = Object.keys(drafts) as readonly LayerKind[];

/** One of the given kinds, or of all. Throws a UsageError for a kind that is never drawn. */
export function randomLayer(seed: number, kinds: readonly LayerKind[] = randomKinds): SingleLayer {
  const draw = new Draw(seed);
  const kind = draw.of(kinds);
  const draft = drafts[kind];
  if (draft === undefined) {
    throw new UsageError(`there are no random layers of kind '${kind}'; wanted some of ${randomKinds.join(', ')}`);
  }
  const { inputs, attributes } = draft(draw);
  return layer(kind, inputs, attributes as never);
}
