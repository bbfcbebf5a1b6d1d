/**
 * MobileNet V1, arXiv:1704.04861: a 3 × 3 convolution, 13 depthwise separable convolutions, pooling and a classifier. Batch norm and
 * ReLU6 follow every convolution (27 times), no convolution but the classifier has a bias.
 */
import { ArchitectureBuilder } from '../network/architecture-builder.js';
import type { Network } from '../network/index.js';
import { v1Width } from './channels.js';
import { V1_NAMES } from './node-names.js';
import { checkChannels, checkChoice, type MobilenetOptions, settle, standardName } from './options.js';
import { atrousSampling, conventionsOf, UnitBuilder, withoutFirstStrides } from './units.js';

interface Row {
  readonly type: 'Conv' | 'Conv dw';
  /** Stride. */
  readonly s: 1 | 2;
  /** [D_K, D_K, M, N]; a depthwise filter has no N. */
  readonly filter: readonly number[];
}

/** "5 ×" in Table 1. */
const FIVE_TIMES: readonly Row[] = [
  { type: 'Conv dw', s: 1, filter: [3, 3, 512] },
  { type: 'Conv', s: 1, filter: [1, 1, 512, 512] },
];

/**
 * Table 1 of arXiv:1704.04861 up to its average pool, without the input sizes, which follow. The paper prints the last Conv dw as s2; its sizes, its Mult-Adds and its
 * authors' code all say s1 (tensorflow/models#1997).
 */
export const MOBILENET_V1_TABLE: readonly Row[] = [
  { type: 'Conv', s: 2, filter: [3, 3, 3, 32] },
  { type: 'Conv dw', s: 1, filter: [3, 3, 32] },
  { type: 'Conv', s: 1, filter: [1, 1, 32, 64] },
  { type: 'Conv dw', s: 2, filter: [3, 3, 64] },
  { type: 'Conv', s: 1, filter: [1, 1, 64, 128] },
  { type: 'Conv dw', s: 1, filter: [3, 3, 128] },
  { type: 'Conv', s: 1, filter: [1, 1, 128, 128] },
  { type: 'Conv dw', s: 2, filter: [3, 3, 128] },
  { type: 'Conv', s: 1, filter: [1, 1, 128, 256] },
  { type: 'Conv dw', s: 1, filter: [3, 3, 256] },
  { type: 'Conv', s: 1, filter: [1, 1, 256, 256] },
  { type: 'Conv dw', s: 2, filter: [3, 3, 256] },
  { type: 'Conv', s: 1, filter: [1, 1, 256, 512] },
  ...FIVE_TIMES,
  ...FIVE_TIMES,
  ...FIVE_TIMES,
  ...FIVE_TIMES,
  ...FIVE_TIMES,
  { type: 'Conv dw', s: 2, filter: [3, 3, 512] },
  { type: 'Conv', s: 1, filter: [1, 1, 512, 1024] },
  { type: 'Conv dw', s: 1, filter: [3, 3, 1024] },
  { type: 'Conv', s: 1, filter: [1, 1, 1024, 1024] },
];

/** "Shallow MobileNet" of Table 5: "the 5 layers of separable filters with feature size 14 × 14 × 512 are removed". */
const SHALLOW: readonly Row[] = MOBILENET_V1_TABLE.filter((row) => !FIVE_TIMES.includes(row));

/** "Conv MobileNet" of Table 4: each depthwise and 1 × 1 pair is one full 3 × 3 convolution, with the stride of the former. */
function fullConvolutions(table: readonly Row[]): Row[] {
  return table.flatMap((row, index) => {
    if (row.type === 'Conv dw') return [];
    if (index === 0) return [row];
    const [, , M, N] = row.filter;
    return [{ type: 'Conv', s: table[index - 1].s, filter: [3, 3, M, N] }];
  });
}

/** Keras' `dropout`, slim's 1 − `dropout_keep_prob`; only training uses it. */
const DROPOUT_RATE = 0.001;

export interface MobilenetV1Options extends MobilenetOptions {
  /** 'separable', or 'full' for the paper's comparison with standard convolutions (4,866 million multiply-adds). Default 'separable'. */
  readonly convolutions?: 'separable' | 'full';
  /** Without the five separable convolutions of 14 × 14 × 512 (307 million multiply-adds). Default false. */
  readonly shallow?: boolean;
}

/** The network, without weights: [1, height, width, 3] → [1, classes]. Throws a UsageError for options that make none. */
export function mobilenetV1(options: MobilenetV1Options = {}): Network {
  const { convolutions = 'separable', shallow = false } = options;
  checkChoice('mobilenetV1', 'convolutions', ['separable', 'full'], convolutions);
  const settings = settle('mobilenetV1', options);
  const { alpha, resolution, smallPictures, conventions, outputStride } = settings;
  const width = (N: number) => checkChannels('mobilenetV1', 'alpha', alpha, N, v1Width[conventions](N, alpha));
  const names = V1_NAMES[conventions];
  const net = new ArchitectureBuilder();
  const units = new UnitBuilder(net, conventions);
  const sample = atrousSampling(outputStride);
  const paper = shallow ? SHALLOW : MOBILENET_V1_TABLE;
  const separable = smallPictures ? withoutFirstStrides(paper) : paper;
  const table = convolutions === 'full' ? fullConvolutions(separable) : separable;

  let x = net.input('input', [1, ...resolution, 3]);
  let block = 0;
  for (const { type, s, filter } of table) {
    const [DK, , , N] = filter;
    if (type === 'Conv dw') {
      x = units.depthwise(x, names.depthwise(block), sample(s));
    } else if (DK === 1) {
      x = units.pointwise(x, names.pointwise(block), width(N));
      block += 1;
    } else {
      x = units.convolution(x, names.convolution(block), width(N), sample(s));
      block += 1;
    }
  }
  x = units.head(x, names.head, DROPOUT_RATE, settings);

  const variant = `mobilenet_v1${shallow ? '_shallow' : ''}${convolutions === 'full' ? '_full' : ''}`;
  return net.build(standardName(variant, settings), [x], conventionsOf(settings));
}
