/** Whether a model brings pictures to its range itself, by Rescaling, Normalization or sums and products with constants. */
import { readersOf } from '../network/graph.js';
import type { Conventions, Network, Preprocessing } from '../network/index.js';
import { weightName } from '../network/network.js';
import { scaleAndShift } from './affine.js';

/** Kinds that leave a picture's range as it is. */
const PASSING = ['dropout', 'resizeBilinear', 'pad'];

/** Ranges of inputs after scaling, largest less smallest: [-1, 1] is 2 wide, [0, 1] 1, a normalised one some 5. */
const [NARROWEST, WIDEST] = [0.5, 10];

/**
 * The network with the preprocessing that its own scaling implies. One that makes a narrow range of 0…255 is fed with the bytes; one
 * that makes it of 0…1, with byte / 255. Where neither is so, or nothing scales, nothing is said. `scalings` are the nodes that scale.
 */
export function withOwnScaling(network: Network, scalings: ReadonlySet<string>): Network {
  const scale = scaleOfInput(network, scalings);
  if (scale === undefined) return network;
  const fits = (largest: number) => scale.every((s) => NARROWEST <= s * largest && s * largest <= WIDEST);
  return fits(255) || fits(1) ? withInput(network, fits(255) ? 1 : 1 / 255) : network;
}

/** The network of one picture, which is given bytes · scale − mean. Others stay as they are. */
export function withInput(network: Network, scale: number, mean = 0): Network {
  const [input, ...others] = network.inputs;
  const [, height, width, channels] = input.shape;
  if (others.length > 0 || input.shape.length !== 4 || (channels !== 1 && channels !== 3)) return network;
  const preprocessing: Preprocessing = {
    crop: { kind: 'stretch' },
    resize: 'half-pixel',
    size: [height, width],
    channels: channels === 3 ? 'rgb' : 'grey',
    scale,
    mean: Array.from({ length: channels }, () => mean),
    deviation: Array.from({ length: channels }, () => 1),
    assumed: ['crop', 'resize'],
  };
  const conventions: Conventions = { ...network.conventions, preprocessing, scalesInput: true };
  return { ...network, conventions };
}

/** What the nodes before the first other layer multiply each channel of the input by; undefined where none of them scales. */
function scaleOfInput({ inputs: [{ name }], nodes, weights }: Network, scalings: ReadonlySet<string>) {
  const readers = readersOf(nodes, ({ inputs }) => inputs);
  let at = name;
  let product: number[] | undefined;
  for (;;) {
    const [node, ...others] = readers.get(at) ?? [];
    if (node === undefined || others.length > 0) return product;
    if (node.kind === 'batchNorm' && scalings.has(node.name)) {
      const { scale } = scaleAndShift(node, (weight) => weights.get(weightName(node.name, weight)));
      product = Array.from(scale.data, (factor, c) => Math.abs(factor * (product?.[c] ?? 1)));
    } else if (!PASSING.includes(node.kind)) return product;
    at = node.name;
  }
}
