/**
 * MobileNet V2, arXiv:1801.04381: inverted residual blocks with linear bottlenecks. A block (Table 1) expands its k channels to t·k by a
 * 1 × 1 convolution, filters them by a 3 × 3 depthwise one and projects them back by a 1 × 1 one. Batch norm follows each, ReLU6 the
 * first two; "linear bottleneck": nothing follows the third. Where stride is 1 and the channels agree, the block's input is added.
 *
 * 52 convolutions with batch norm, 35 ReLU6, 17 linear projections, 10 additions.
 */
import { ArchitectureBuilder } from '../network/architecture-builder.js';
import type { Network } from '../network/index.js';
import { expandedWidth, roundChannels, v2Width } from './channels.js';
import { V2_NAMES } from './node-names.js';
import { checkChannels, checkOption, type MobilenetOptions, settle, standardName } from './options.js';
import { atrousSampling, conventionsOf, UnitBuilder, withoutFirstStrides } from './units.js';

interface Row {
  readonly operator: 'conv2d' | 'bottleneck' | 'conv2d 1x1';
  /** Expansion factor. */
  readonly t?: number;
  /** Output channels. */
  readonly c: number;
  /** Repeats. */
  readonly n: number;
  /** Stride of the first repeat; the others have 1. */
  readonly s: 1 | 2;
}

/**
 * Table 2 of arXiv:1801.04381 up to its average pool, without the input sizes, which follow: 17 bottlenecks, where the text of §4 speaks of 19. (The first arXiv version had
 * a stride in the wrong row.)
 */
export const MOBILENET_V2_TABLE: readonly Row[] = [
  { operator: 'conv2d', c: 32, n: 1, s: 2 },
  { operator: 'bottleneck', t: 1, c: 16, n: 1, s: 1 },
  { operator: 'bottleneck', t: 6, c: 24, n: 2, s: 2 },
  { operator: 'bottleneck', t: 6, c: 32, n: 3, s: 2 },
  { operator: 'bottleneck', t: 6, c: 64, n: 4, s: 2 },
  { operator: 'bottleneck', t: 6, c: 96, n: 3, s: 1 },
  { operator: 'bottleneck', t: 6, c: 160, n: 3, s: 2 },
  { operator: 'bottleneck', t: 6, c: 320, n: 1, s: 1 },
  { operator: 'conv2d 1x1', c: 1280, n: 1, s: 1 },
];

/** torchvision's, and 1 − slim's `dropout_keep_prob`; only training uses it. */
const DROPOUT_RATE = 0.2;

export interface MobilenetV2Options extends MobilenetOptions {
  /** t of every bottleneck but the first, whose t is 1. Default 6. */
  readonly expansionFactor?: number;
  /**
   * Whether α < 1 also narrows the last convolution of 1280 channels. The paper, Keras, torchvision and the published slim checkpoints
   * keep it ("finegrain_classification_mode"); slim's function called plainly narrows it. Default false.
   */
  readonly narrowLast?: boolean;
  /** Channels are rounded to multiples of this (slim's `divisible_by`, torchvision's `round_nearest`). Default 8. */
  readonly channelDivisor?: number;
  /** No layer of the table gets fewer channels (slim's `min_depth`). Default: the divisor. */
  readonly minChannels?: number;
}

/** The network, without weights: [1, height, width, 3] → [1, classes]. Throws a UsageError for options that make none. */
export function mobilenetV2(options: MobilenetV2Options = {}): Network {
  const settings = settle('mobilenetV2', options);
  const { alpha, resolution, smallPictures, conventions, outputStride } = settings;
  const { expansionFactor = 6, channelDivisor = 8, minChannels = channelDivisor, narrowLast = false } = options;
  checkOption(
    'mobilenetV2',
    'expansionFactor',
    'a number above 0',
    expansionFactor,
    expansionFactor > 0 && expansionFactor < Infinity,
  );
  for (const [name, value] of Object.entries({ channelDivisor, minChannels })) {
    checkOption('mobilenetV2', name, 'a whole number of 1 or more', value, Number.isInteger(value) && value >= 1);
  }
  const round = (channels: number) => roundChannels(channels, channelDivisor, minChannels);
  const names = V2_NAMES[conventions];
  const net = new ArchitectureBuilder();
  const units = new UnitBuilder(net, conventions);
  const sample = atrousSampling(outputStride);

  let x = net.input('input', [1, ...resolution, 3]);
  let channels = 3;
  let block = 0;
  for (const { operator, t = 1, c, n, s } of smallPictures
    ? withoutFirstStrides(MOBILENET_V2_TABLE)
    : MOBILENET_V2_TABLE) {
    if (operator === 'conv2d') {
      channels = round(c * alpha);
      x = units.convolution(x, names.stem, channels, sample(s));
    } else if (operator === 'conv2d 1x1') {
      channels = round(narrowLast ? c * alpha : c * Math.max(alpha, 1));
      x = units.pointwise(x, names.last, channels);
    } else {
      for (let repeat = 0; repeat < n; repeat++) {
        const filters = round(v2Width[conventions](c, alpha));
        x = bottleneck(x, channels, filters, t === 1 ? 1 : expansionFactor, repeat === 0 ? s : 1);
        channels = filters;
        block += 1;
      }
    }
  }
  x = units.head(x, names.head, DROPOUT_RATE, settings);

  const variant = standardName('mobilenet_v2', settings);
  return net.build(expansionFactor === 6 ? variant : `${variant}_t${expansionFactor}`, [x], conventionsOf(settings));

  /** Table 1 and Figure 4d. An expansion that changes no number of channels (t = 1) is left out. */
  function bottleneck(input: string, channels: number, filters: number, t: number, stride: 1 | 2): string {
    const expanded = expandedWidth[conventions](channels, t);
    checkChannels('mobilenetV2', 'expansionFactor', t, channels, expanded);
    const wide = expanded === channels ? input : units.pointwise(input, names.expand(block), expanded);
    const filtered = units.depthwise(wide, names.depthwise(block), sample(stride));
    const projected = units.pointwise(filtered, names.project(block), filters);
    // The table's stride decides, not the sampling's: a network made denser by atrous convolution computes the same features.
    const residual = stride === 1 && filters === channels;
    return residual ? net.add(names.add(block), 'add', [input, projected]) : projected;
  }
}
