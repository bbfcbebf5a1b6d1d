/** The engine's kernels: the functions of assembly/index.ts. Layouts stand at the head of each file of `assembly/`. */
import type { Kernels, KernelTable } from '../wasm/kernel-table.js';

/** The operands that `pointwise` and `convolution` have in common, see assembly/tile.ts. */
const TILE_TARGET = 'f32 lo, f32 hi, writes out, bytes outStride, reads offsets?, reads residual?, f32 lo2, f32 hi2';

const WINDOW = 'i32 kernelHeight, i32 kernelWidth, i32 strideY, i32 strideX';

export const ENGINE_KERNELS = {
  pointwise: {
    does: '1×1 convolution of quads, into quads or planes; clamp, residual addition, second clamp',
    operands: [
      'reads x, bytes quadStride, i32 pixels, i32 channels, reads weights, reads bias, i32 panels',
      TILE_TARGET,
    ],
    split: {
      along: 'panels',
      advance: { weights: '32 channels', bias: '32', out: 'offsets ? 2 outStride : 128', residual: '128' },
    },
  },
  convolution: {
    does: 'any convolution of a padded NHWC picture, into quads or planes; clamp, residual addition, second clamp',
    operands: [
      'reads x, reads pixels, i32 quads, reads runs, i32 runCount, i32 runLength, reads weights, reads bias',
      'i32 panels',
      TILE_TARGET,
    ],
    split: {
      along: 'panels',
      advance: { weights: '32 runCount runLength', bias: '32', out: 'offsets ? 2 outStride : 128', residual: '128' },
    },
  },
  depthwise: {
    does: 'depthwise convolution of planes into quads, some rows of it; clamp',
    operands: [
      'reads x, bytes planeStride, i32 planes, reads rows, i32 kernelHeight, i32 kernelWidth, i32 strideY',
      'i32 strideX, i32 dilationY, i32 dilationX, reads weights, reads bias, f32 lo, f32 hi, i32 width',
      'i32 first, i32 count, i32 group, writes out, bytes quadStride, scratch scratch',
    ],
    split: {
      along: 'planes',
      advance: { x: 'planeStride', weights: '16 kernelHeight kernelWidth', bias: '16', out: '64' },
    },
  },
  dense: {
    does: 'matrix-vector product; clamp',
    operands: ['reads x, i32 channels, reads weights, reads bias, i32 panels, f32 lo, f32 hi, writes out'],
    split: { along: 'panels', advance: { weights: '64 channels', bias: '64', out: '64' } },
  },
  addAll: {
    does: 'out = min(max(a + b, lo), hi), or of `a` alone',
    operands: ['reads a, reads b?, i32 count, f32 lo, f32 hi, writes out'],
    split: { along: 'count', by: 4, advance: { a: '16', b: '16', out: '16' } },
  },
  multiply: {
    does: 'out = x · factor, the same factors for every row',
    operands: ['reads x, i32 rows, i32 length, reads factor, writes out'],
    split: { along: 'rows', advance: { x: '4 length', out: '4 length' } },
  },
  hard: {
    does: 'out = g = min(max(x / 6 + 1/2, 0), 1), or x · g where `swish` is 1',
    operands: ['reads x, i32 count, i32 swish, writes out'],
    split: { along: 'count', advance: { x: '4', out: '4' } },
  },
  affine: {
    does: 'batch norm that no convolution took in: out = x · scale + shift, by channel',
    operands: ['reads x, i32 pixels, i32 channels, reads scale, reads shift, writes out'],
    split: { along: 'pixels', advance: { x: '4 channels', out: '4 channels' } },
  },
  sigmoid: {
    does: 'out = 1 / (1 + e^−x), in float64, rounded once',
    operands: ['reads x, i32 count, writes out'],
    split: { along: 'count', advance: { x: '4', out: '4' } },
  },
  softmax: {
    does: 'softmax of each row',
    operands: ['reads x, i32 rows, i32 length, writes out'],
    split: { along: 'rows', advance: { x: '4 length', out: '4 length' } },
  },
  argMax: {
    does: 'index of the largest number of each row, as float32',
    operands: ['reads x, i32 rows, i32 length, writes out'],
    split: { along: 'rows', advance: { x: '4 length', out: '4' } },
  },
  pool: {
    does: 'maximum or mean over windows of an NHWC picture',
    operands: [
      'reads x, i32 height, i32 width, i32 channels',
      WINDOW,
      'i32 top, i32 left, i32 outHeight, i32 outWidth, i32 average, i32 divisor, writes out',
    ],
    split: { along: 'outHeight', advance: { top: '-1 strideY', out: '4 channels outWidth' } },
  },
  globalAveragePool: {
    does: 'mean over all pixels of quads',
    operands: ['reads x, bytes quadStride, i32 pixels, i32 channels, writes out'],
    split: { along: 'channels', advance: { x: '16', out: '4' } },
  },
  resizeBilinear: {
    does: 'bilinear resizing of an NHWC picture by tables of neighbours and shares',
    operands: ['reads x, i32 channels, reads rows, i32 outHeight, reads columns, i32 outWidth, writes out'],
    split: { along: 'outHeight', advance: { rows: '12', out: '4 channels outWidth' } },
  },
  packPanels: {
    does: 'rows of a matrix into panels of `width` columns, maybe times a float64 factor for each column',
    operands: ['reads x, i32 rows, i32 columns, i32 width, reads scale?, writes out, bytes panelStride'],
    split: { along: 'rows', advance: { x: '4 columns', out: '4 width' } },
  },
  nhwcToQuads: {
    does: 'NHWC to quads',
    operands: ['reads x, i32 pixels, i32 channels, writes out, bytes quadStride'],
    split: { along: 'pixels', by: 4, advance: { x: '16 channels', out: 'quadStride' } },
  },
  quadsToNhwc: {
    does: 'quads to NHWC',
    operands: ['reads x, bytes quadStride, i32 pixels, i32 channels, writes out'],
    split: { along: 'pixels', by: 4, advance: { x: 'quadStride', out: '16 channels' } },
  },
  nhwcToPlanes: {
    does: 'NHWC to planes',
    operands: ['reads x, i32 pixels, i32 channels, writes out, bytes planeStride, i32 planes, reads offsets'],
    split: { along: 'pixels', advance: { x: '4 channels', offsets: '4' } },
  },
  copyRuns: {
    does: 'copies runs of bytes from and to regular distances: concatenation',
    operands: ['reads from, bytes fromStride, writes to, bytes toStride, bytes bytes, i32 count'],
    split: { along: 'count', advance: { from: 'fromStride', to: 'toStride' } },
  },
  repeatChannels: {
    does: 'each number `times` times in a row: the input of a depthwise layer with a depth multiplier',
    operands: ['reads x, i32 count, i32 times, writes out'],
    split: { along: 'count', advance: { x: '4', out: '4 times' } },
  },
  padPicture: {
    does: 'a picture with a border of one value',
    operands: [
      'reads x, i32 height, bytes rowBytes, writes out, i32 top, i32 bottom, bytes left, bytes right, f32 value',
    ],
  },
  zeroMargins: {
    does: 'zeros into the margins of planes',
    operands: ['writes out, bytes planeStride, i32 planes, i32 rows, bytes rowBytes, bytes left, bytes right'],
    split: { along: 'planes', advance: { out: 'planeStride' } },
  },
} as const satisfies KernelTable;

export type EngineKernelTable = typeof ENGINE_KERNELS;
export type EngineKernels = Kernels<EngineKernelTable>;
