/**
 * In which pieces a layer runs, so that a second-level cache holds what is read again and again: rows for a depthwise convolution and the pointwise
 * ones around it, pixels for other matrix products.
 */
import { roundUp } from './layouts.js';

export interface Block {
  /** Output rows [from, to). */
  readonly from: number;
  readonly to: number;
  /** Rows of the depthwise input that must exist before the block runs: [0, inputRows). */
  readonly inputRows: number;
}

export interface BlockPlan {
  readonly rowsPerBlock: number;
  readonly blocks: readonly Block[];
  /** Rows of the depthwise input that exist at the same time. */
  readonly ringRows: number;
}

export interface ChainGeometry {
  /** Depthwise input [height][width][channels] and output. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly top: number;
  /** Whether the input rows are made block by block too. */
  readonly expands: boolean;
  /** One block, whatever it occupies. */
  readonly wholeMaps: boolean;
}

/** What a block may occupy: half of a common second-level cache (512 kB), the rest being weights, input and output. */
const BLOCK_BYTES = 256 * 1024;

/** Cuts the output into the largest blocks of rows that fit, or the smallest there are. */
export function planBlocks(geometry: ChainGeometry): BlockPlan {
  if (geometry.wholeMaps) return withRows(geometry, geometry.outHeight);
  const step = rowsPerQuads(geometry.outWidth);
  let best = withRows(geometry, Math.min(step, geometry.outHeight));
  for (let rows = step * 2; rows < geometry.outHeight + step; rows += step) {
    const plan = withRows(geometry, Math.min(rows, geometry.outHeight));
    if (bytesOf(geometry, plan) > BLOCK_BYTES) break;
    best = plan;
  }
  return best;
}

/** Five quads, the tiles of the relaxed target: see assembly/pointwise.ts. */
const PIXELS_OF_TILES = 20;

/** Pixels that fit, in whole tiles, where all panels of weights pass by them. */
export const pixelsThatFit = (bytesOfPixel: number): number => roundUp(BLOCK_BYTES / bytesOfPixel, PIXELS_OF_TILES);

/** Blocks begin on whole quads: the fewest rows whose pixels are a multiple of 4. */
export function rowsPerQuads(width: number): number {
  return width % 4 === 0 ? 1 : width % 2 === 0 ? 2 : 4;
}

function withRows(geometry: ChainGeometry, rowsPerBlock: number): BlockPlan {
  const { outHeight, height, kernel, stride, dilation, top } = geometry;
  const blocks: Block[] = [];
  let ringRows = 0;
  let made = 0;
  for (let from = 0; from < outHeight; from += rowsPerBlock) {
    const to = Math.min(from + rowsPerBlock, outHeight);
    const lastTouched = (to - 1) * stride + (kernel - 1) * dilation - top;
    const wanted = Math.min(Math.max(lastTouched + 1, 0), height);
    made = Math.max(made, Math.min(roundUp(wanted, rowsPerQuads(geometry.width)), height));
    blocks.push({ from, to, inputRows: made });
    ringRows = Math.max(ringRows, made - Math.max(from * stride - top, 0));
  }
  return { rowsPerBlock, blocks, ringRows: Math.max(Math.min(ringRows, height), 1) };
}

function bytesOf({ width, outWidth, channels, expands }: ChainGeometry, { rowsPerBlock, ringRows }: BlockPlan): number {
  return (rowsPerBlock * outWidth + (expands ? ringRows * width : 0)) * channels * 4;
}
