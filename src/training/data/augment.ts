/**
 * Augmentation: what is changed about a picture each time it is learnt from. Everything is drawn from a generator that the caller seeds by
 * (seed, epoch, position), so that neither order nor workers matter.
 *
 *   flip      left and right exchanged, for one picture in two
 *   crop      padded by reflection, and a window of the picture's size cut out anywhere: a shift by up to the padding (He et al.,
 *             arXiv:1512.03385, §4.2, who pad by 4; reflection in place of zeros as in Jordan, arXiv:2404.00498)
 *   cut-out   a square set to the mean, its centre anywhere in the picture (DeVries and Taylor, arXiv:1708.04552)
 *   mix-up    λ · picture + (1 − λ) · another, targets likewise, λ ~ Beta(a, a) (Zhang et al., arXiv:1710.09412)
 */
import type { Pair } from '../../padding.js';

export interface Augmentation {
  readonly flip: boolean;
  /** Pixels of padding for `crop`; 0: none. */
  readonly crop: number;
  /** Side of the cut-out square in pixels; 0: none. */
  readonly cutout: number;
  /** Mix-up's a; 0: none. */
  readonly mixup: number;
}

export const NO_AUGMENTATION: Augmentation = { flip: false, crop: 0, cutout: 0, mixup: 0 };

/** One rendering of a picture: output pixel (y, x) shows pixel (top + y, left + x), reflected at the edges, or from the right for flipped. */
export interface View {
  readonly top: number;
  readonly left: number;
  readonly flipped: boolean;
  /** First row and column of the square that is cut out, which may begin outside of the picture. */
  readonly hole?: Pair;
}

/** The whole picture, or its centre where `size` is smaller. */
export function centralView([height, width]: Pair, size: Pair): View {
  return { top: Math.floor((height - size[0]) / 2), left: Math.floor((width - size[1]) / 2), flipped: false };
}

/**
 * Draws how a picture of [height, width] is shown at `size`. A smaller size is a window anywhere within the picture, without any padding.
 * The same numbers are drawn whatever is switched on, so that flips stay the same where only the cut-out changes.
 */
export function drawView(random: () => number, augmentation: Augmentation, [height, width]: Pair, size: Pair): View {
  const { flip, crop, cutout } = augmentation;
  const isWhole = height === size[0] && width === size[1];
  const padding = isWhole ? crop : 0;
  const among = (count: number) => Math.floor(random() * count);
  const flipped = random() < 0.5 && flip;
  const top = among(height - size[0] + 2 * padding + 1) - padding;
  const left = among(width - size[1] + 2 * padding + 1) - padding;
  const centre: Pair = [among(size[0]), among(size[1])];
  if (cutout === 0) return { top, left, flipped };
  const before = Math.floor(cutout / 2);
  return { top, left, flipped, hole: [centre[0] - before, centre[1] - before] };
}

/** Where position `at` lies on an axis that is mirrored at its first and last sample: −1 is 1, and `size` is size − 2. */
export function reflect(at: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const wrapped = ((at % period) + period) % period;
  return wrapped < size ? wrapped : period - wrapped;
}

/** Beta(a, a) for 0 < a ≤ 1 by Jöhnk's method: u^(1/a) / (u^(1/a) + v^(1/a)) where the sum is at most 1. */
export function drawBeta(random: () => number, a: number): number {
  for (;;) {
    const u = random() ** (1 / a);
    const v = random() ** (1 / a);
    const sum = u + v;
    if (sum > 0 && sum <= 1) return u / sum;
  }
}
