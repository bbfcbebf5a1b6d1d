/** The kernels on 8-bit integers: the functions of assembly/int8/index.ts. Their layouts stand at the head of each file of `assembly/int8/`. */
import { base64Bytes } from '../../wasm/base64.js';
import type { Kernels, KernelTable } from '../../wasm/kernel-table.js';
import type { WasmTarget } from '../../wasm/web-assembly.js';
import { INT8_KERNELS } from './generated/wasm.js';

const TILE_TARGET = 'i32 lo, i32 hi, writes out, bytes outStride, reads offsets?';

const WINDOW = 'i32 kernelHeight, i32 kernelWidth, i32 strideY, i32 strideX';

export const INT8_KERNEL_TABLE = {
  pointwise: {
    does: '1×1 convolution of quads, into quads or planes',
    operands: [
      'reads x, bytes quadStride, i32 pixels, i32 pairs, reads weights, reads blocks, i32 panels',
      TILE_TARGET,
    ],
  },
  pointwiseBytes: {
    does: '1×1 convolution of quads of bytes, into quads or planes, where `probe` says that the machine multiplies bytes',
    operands: [
      'reads x, bytes quadStride, i32 pixels, i32 steps, reads weights, reads starts, reads places',
      'reads further, reads blocks, i32 panels',
      TILE_TARGET,
    ],
  },
  pointwiseDots: {
    does: 'the same where `probe` says that the machine has exact dot products of four bytes',
    operands: [
      'reads x, bytes quadStride, i32 pixels, i32 steps, reads weights, reads starts, reads places',
      'reads further, reads blocks, i32 panels',
      TILE_TARGET,
    ],
  },
  convolution: {
    does: 'any convolution of a padded picture, into quads or planes',
    operands: [
      'reads x, reads pixels, i32 quads, reads runs, i32 runCount, i32 pairs, reads weights, reads blocks',
      'i32 panels',
      TILE_TARGET,
    ],
  },
  depthwise: {
    does: 'depthwise convolution of planes into quads, some rows of it',
    operands: [
      'reads x, bytes planeStride, i32 planes, reads rows',
      WINDOW,
      'i32 dilationY, i32 dilationX, reads weights, reads blocks, i32 lo, i32 hi, i32 width, i32 first',
      'i32 count, i32 group, writes out, bytes quadStride, scratch scratch, i32 zero, i32 flip',
    ],
  },
  dense: {
    does: 'matrix-vector product',
    operands: ['reads x, i32 pairs, reads weights, i32 offset, reads blocks, i32 panels, i32 lo, i32 hi, writes out'],
  },
  add: {
    does: 'addition of two tensors of different scales',
    operands: ['reads a, reads b, i32 count, reads numbers, i32 lo, i32 hi, writes out'],
  },
  multiply: {
    does: 'product of two tensors of quads, or of a tensor and a number for each channel',
    operands: ['reads a, reads b, i32 quads, i32 vectors, i32 gate, reads block, i32 lo, i32 hi, writes out'],
  },
  lookup: {
    does: "each byte by a table of 256, perhaps its channel's own",
    operands: ['reads x, i32 pixels, i32 channels, reads table, bytes tableStride, writes out'],
  },
  lookupQuads: {
    does: 'the same of quads, by tables of int16',
    operands: ['reads x, i32 quads, i32 pairs, i32 zero, reads table, bytes tableStride, writes out'],
  },
  pool: {
    does: 'maximum or mean over windows',
    operands: [
      'reads x, i32 height, i32 width, i32 channels, i32 unsigned',
      WINDOW,
      'i32 top, i32 left, i32 outHeight, i32 outWidth, i32 average, i32 lo, i32 hi, writes out',
    ],
  },
  sums: {
    does: 'sum over all pixels of quads',
    operands: ['reads x, bytes quadStride, i32 pixels, i32 pairs, writes out'],
  },
  averages: {
    does: 'quotients of sums and a count',
    operands: ['reads x, i32 channels, i32 count, i32 zero, i32 lo, i32 hi, writes out'],
  },
  means: {
    does: 'sums times a multiplier',
    operands: ['reads x, i32 channels, reads numbers, i32 lo, i32 hi, writes out'],
  },
  resizeBilinear: {
    does: 'bilinear resize of bytes by tables of places',
    operands: [
      'reads x, i32 width, i32 channels, i32 unsigned, i32 twice, reads rows, i32 outHeight, reads columns',
      'i32 outWidth, writes out',
    ],
  },
  resizeArgMax: {
    does: 'index of the greatest byte of each pixel of such a resize',
    operands: [
      ...(['reads x', 'i32 height', 'i32 width', 'i32 channels', 'i32 unsigned', 'i32 twice'] as const),
      ...(['reads rows', 'i32 outHeight', 'reads columns', 'i32 outWidth', 'writes out', 'scratch scratch'] as const),
    ],
  },
  argMax: {
    does: 'index of the greatest byte of each row',
    operands: ['reads x, i32 rows, i32 classes, i32 unsigned, writes out'],
  },
  bytesToQuads: {
    does: 'bytes to quads',
    operands: ['reads x, i32 pixels, i32 channels, i32 zero, i32 unsigned, writes out, bytes quadStride'],
  },
  quadsToByteQuads: {
    does: 'quads to quads of bytes, for `pointwiseBytes`',
    operands: ['reads x, bytes quadStride, i32 count, i32 zero, i32 flip, writes out'],
  },
  quadsToBytes: {
    does: 'quads to bytes',
    operands: ['reads x, bytes quadStride, i32 pixels, i32 channels, i32 zero, writes out'],
  },
  quadsToPlanes: {
    does: 'quads to planes',
    operands: ['reads x, bytes quadStride, i32 quads, writes out, bytes planeStride, i32 planes, reads offsets'],
  },
  bytesToPicture: {
    does: 'bytes to a picture with a border of zeros',
    operands: [
      'reads x, i32 height, i32 width, i32 zero, i32 unsigned, writes out, i32 top, i32 bottom, i32 left',
      'i32 right',
    ],
  },
  copyRuns: {
    does: 'copies runs of bytes from and to regular distances: concatenation',
    operands: ['reads from, bytes fromStride, writes to, bytes toStride, bytes bytes, i32 count'],
  },
  repeatBytes: {
    does: 'each byte `times` times in a row',
    operands: ['reads x, i32 count, i32 times, writes out'],
  },
  zeroMargins: {
    does: 'zeros into the margins of planes',
    operands: ['writes out, bytes planeStride, i32 planes, i32 rows, bytes rowBytes, bytes left, bytes right'],
  },
} as const satisfies KernelTable;

export type Int8KernelTable = typeof INT8_KERNEL_TABLE;
export type Int8KernelName = keyof Int8KernelTable;

export type Int8Kernels = Kernels<Int8KernelTable> & {
  /** How this machine multiplies bytes, see assembly/int8/pointwise-bytes.ts. */
  probe(): number;
};

export function int8Bytes(target: WasmTarget): Uint8Array<ArrayBuffer> {
  return base64Bytes(INT8_KERNELS[target]);
}
