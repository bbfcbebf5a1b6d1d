/** Row blocks: every output row is computed once, from input rows that are there when it runs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChainGeometry, pixelsThatFit, planBlocks, rowsPerQuads } from '../../src/engine/blocks.js';
import { lower } from '../../src/engine/lower.js';
import { NetworkBuilder, randomWeights } from '../../src/network/index.js';

const MEBI = 1 << 20;

const geometry: ChainGeometry = {
  height: 56,
  width: 56,
  channels: 144,
  outHeight: 56,
  outWidth: 56,
  kernel: 3,
  stride: 1,
  dilation: 1,
  top: 1,
  expands: true,
  wholeMaps: false,
};

/** Sizes from one row to several blocks; whatever output such a window has, and fewer. */
const anyGeometry: fc.Arbitrary<ChainGeometry> = fc
  .record({
    height: fc.integer({ min: 1, max: 60 }),
    width: fc.integer({ min: 1, max: 60 }),
    channels: fc.integer({ min: 1, max: 1000 }),
    kernel: fc.integer({ min: 1, max: 7 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 4 }),
    top: fc.nat(8),
    bottom: fc.nat(8),
    outWidth: fc.integer({ min: 1, max: 60 }),
    expands: fc.boolean(),
    wholeMaps: fc.boolean(),
  })
  .map(({ bottom, ...sizes }) => {
    const room = sizes.top + sizes.height + bottom - (sizes.kernel - 1) * sizes.dilation;
    return { ...sizes, outHeight: Math.ceil(room / sizes.stride) };
  })
  .filter(({ outHeight }) => outHeight >= 1);

/** Plays the plan: input rows are written into the ring's slots, and each output row looks for the rows of its window. */
function play(chain: ChainGeometry): void {
  const { height, width, outHeight, outWidth, kernel, stride, dilation, top, wholeMaps } = chain;
  const { blocks, ringRows, rowsPerBlock } = planBlocks(chain);
  const slots = new Array<number>(ringRows).fill(-1);
  const computed: number[] = [];
  const quads = rowsPerQuads(width);
  let made = 0;
  let most = 1;
  for (const { from, to, inputRows } of blocks) {
    const touched = Array.from({ length: (to - from) * kernel }, (_, i) => {
      return (from + Math.floor(i / kernel)) * stride + (i % kernel) * dilation - top;
    });
    const wanted = Math.min(Math.ceil((Math.max(...touched) + 1) / quads) * quads, height);
    expect(inputRows, 'no row is made before it is wanted').toBe(Math.max(wanted, made));
    most = Math.max(most, inputRows - Math.max(Math.min(...touched), 0));
    expect(to - from).toBeLessThanOrEqual(rowsPerBlock);
    expect((from * outWidth) % 4, 'a block begins on a whole quad').toBe(0);
    expect((made * width) % 4 === 0 || made === height, 'so do the rows made for it').toBe(true);
    expect(inputRows).toBeLessThanOrEqual(height);
    for (; made < inputRows; made++) slots[made % ringRows] = made;
    for (let row = from; row < to; row++) {
      computed.push(row);
      for (let tap = 0; tap < kernel; tap++) {
        const input = row * stride + tap * dilation - top;
        if (input >= 0 && input < height) expect(slots[input % ringRows], `output row ${row}, tap ${tap}`).toBe(input);
      }
    }
  }
  if (wholeMaps) expect(blocks.length).toBe(1);
  expect(computed).toEqual(Array.from({ length: outHeight }, (_, row) => row));
  expect(ringRows, 'no slot more than rows that live at once').toBe(Math.min(most, height));
}

/** How many blocks a chain on 56 × 56 × 144 runs in, with or without a 1 × 1 convolution before the depthwise one. */
function blocksOf(expands: boolean): number {
  const net = new NetworkBuilder();
  let x = net.input('x', [1, 56, 56, expands ? 24 : 144]);
  if (expands) x = net.add('expand', 'pointwiseConv2d', x, { filters: 144, bias: false });
  x = net.add('depthwise', 'depthwiseConv2d', x, { kernelSize: [3, 3] });
  const y = net.add('project', 'pointwiseConv2d', x, { filters: 24, bias: false });
  const network = randomWeights(net.build('chain', [y], { source: 'other', output: 'features' }), 1);
  return lower(network).program.steps.filter(({ kernel }) => kernel === 'depthwise').length;
}

describe('planBlocks', () => {
  test.each([true, false])('a chain is planned as what it is: expands %s', (expands) => {
    expect(blocksOf(expands)).toBe(planBlocks({ ...geometry, expands }).blocks.length);
    expect(blocksOf(true)).not.toBe(blocksOf(false));
  });

  test('every output row once, and the input rows of its windows in the ring', () => {
    fc.assert(fc.property(anyGeometry, play), { numRuns: 300 });
  });

  test("V2's second block at 224: a few rows at a time", () => {
    play(geometry);
    const { blocks, ringRows, rowsPerBlock } = planBlocks(geometry);
    const bytes = (rowsPerBlock + ringRows) * 56 * 144 * 4;
    expect(blocks.length).toBeGreaterThan(4);
    expect(bytes).toBeLessThanOrEqual(MEBI / 4);
    // The whole expanded tensor would be 1.7 MiB.
    expect(ringRows).toBeLessThan(10);
  });

  test('a small map is one block', () => {
    const small = { ...geometry, height: 7, width: 7, outHeight: 7, outWidth: 7 };
    play(small);
    expect(planBlocks(small).blocks).toEqual([{ from: 0, to: 7, inputRows: 7 }]);
  });

  test('a huge number of channels still runs, in the smallest blocks there are', () => {
    const wide = { ...geometry, channels: 100_000 };
    play(wide);
    expect(planBlocks(wide).rowsPerBlock).toBe(1);
  });

  test('stride 2 with padding after only', () => play({ ...geometry, outHeight: 28, outWidth: 28, stride: 2, top: 0 }));

  test('dilation 4 wants a deep ring', () => {
    const dilated = { ...geometry, dilation: 4, top: 4 };
    play(dilated);
    expect(planBlocks(dilated).ringRows).toBeGreaterThanOrEqual(9);
  });
});

describe('blocks of pixels', () => {
  test('of 512 channels in float32, 128 pixels are 256 kB: seven tiles of twenty', () => {
    expect(pixelsThatFit(512 * 4)).toBe(140);
  });

  test('each is whole tiles, and no larger than the cache but for one tile', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 2_000_000 }), (bytes) => {
        const block = pixelsThatFit(bytes);
        expect(block % 20).toBe(0);
        expect(block).toBeGreaterThan(0);
        expect((block - 20) * bytes).toBeLessThan(256 * 1024);
      }),
    );
  });
});
