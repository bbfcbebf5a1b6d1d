/** The memory plan: what lives at the same time never shares a byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lower } from '../../src/engine/lower.js';
import { planMemory } from '../../src/engine/memory-plan.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { Network } from '../../src/network/network.js';
import { align, type Buffer, type Place, placeBuffers } from '../../src/wasm/memory.js';
import { anyDraft, networkOf, withRandomWeights } from './networks.js';

/** Aligned like those of a program. */
const buffer = (bytes: number, first: number, last: number): Buffer => ({
  bytes: align(bytes),
  first,
  last,
  offset: -1,
});

const anyBuffer = fc
  .record({ bytes: fc.nat(5000), first: fc.integer({ min: -1, max: 30 }), length: fc.nat(12) })
  .map(({ bytes, first, length }) => buffer(bytes, first, first + length));

const meet = (a: Buffer, b: Buffer): boolean => a.first <= b.last && b.first <= a.last;

/** Pairs of buffers that live at the same time and share bytes. */
function collisions(buffers: readonly Buffer[]): string[] {
  const found: string[] = [];
  buffers.forEach((a, i) => {
    for (const b of buffers.slice(i + 1)) {
      const share = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      if (meet(a, b) && share) found.push(`${JSON.stringify(a)} and ${JSON.stringify(b)}`);
    }
  });
  return found;
}

/** The most bytes that live at one time: no plan can do with less. */
function liveBytes(buffers: readonly Buffer[]): number {
  const times = buffers.flatMap(({ first, last }) => [first, last]);
  const alive = (time: number) => buffers.filter(({ first, last }) => first <= time && time <= last);
  return Math.max(0, ...times.map((time) => alive(time).reduce((sum, { bytes }) => sum + bytes, 0)));
}

function expectSound(buffers: readonly Buffer[], peak: number): void {
  expect(collisions(buffers)).toEqual([]);
  for (const { offset, bytes } of buffers) {
    expect(offset).toBeGreaterThanOrEqual(0);
    expect(offset % 64).toBe(0);
    expect(offset + bytes).toBeLessThanOrEqual(peak);
  }
}

describe('placeBuffers', () => {
  test('three buffers in turn take the room of two', () => {
    //  step     0   1   2
    //  a 128    █   █
    //  b 64         █   █
    //  c 128            █
    const [a, b, c] = [buffer(128, 0, 1), buffer(64, 1, 2), buffer(128, 2, 2)];
    expect(placeBuffers([a, b, c])).toBe(192);
    expect([a.offset, b.offset, c.offset]).toEqual([0, 128, 0]);
  });

  test('nothing needs nothing', () => {
    expect(placeBuffers([])).toBe(0);
  });

  test('buffers that live at the same time do not overlap; the peak lies between what must live at once and the sum', () => {
    fc.assert(
      fc.property(fc.array(anyBuffer, { maxLength: 40 }), (buffers) => {
        const peak = placeBuffers(buffers);
        expectSound(buffers, peak);
        expect(peak).toBeGreaterThanOrEqual(liveBytes(buffers));
        expect(peak).toBeLessThanOrEqual(buffers.reduce((sum, { bytes }) => sum + bytes, 0));
      }),
    );
  });
});

/** By its definition: largest first, at 0 or behind another one, wherever the bytes are free for the whole life. */
function greedyBySize(buffers: readonly Buffer[]): Map<Buffer, number> {
  const offsets = new Map<Buffer, number>();
  for (const buffer of buffers.toSorted((a, b) => b.bytes - a.bytes)) {
    const others = [...offsets].filter(([other]) => meet(buffer, other));
    const isFree = (offset: number) =>
      others.every(([{ bytes }, at]) => offset + buffer.bytes <= at || at + align(bytes) <= offset);
    const places = [0, ...others.map(([{ bytes }, at]) => at + align(bytes))];
    offsets.set(buffer, Math.min(...places.filter(isFree)));
  }
  return offsets;
}

describe('the greedy rule by size', () => {
  /** Few sizes and long lives too: many are placed at the same offset, and many live at once. */
  const anyLife = fc
    .record({
      bytes: fc.constantFrom(0, 64, 128, 192, 1024),
      first: fc.integer({ min: -1, max: 99 }),
      length: fc.nat(99),
    })
    .map(({ bytes, first, length }) => buffer(bytes, first, first + length));
  const anyLives = fc.oneof(
    fc.array(anyBuffer, { maxLength: 150 }),
    fc.array(anyLife, { maxLength: 150 }),
    fc.tuple(fc.array(anyBuffer, { maxLength: 100 }), fc.array(anyLife, { maxLength: 20 })).map((both) => both.flat()),
  );

  test('each buffer at the lowest place that is free', () => {
    fc.assert(
      fc.property(anyLives, (buffers) => {
        const wanted = greedyBySize(buffers);
        placeBuffers(buffers);
        for (const found of buffers) expect(found.offset).toBe(wanted.get(found));
      }),
    );
  });

  /** How often lives and offsets are looked at. */
  function looks(lives: readonly (readonly [first: number, last: number])[]): number {
    let count = 0;
    const looked = (value: number): number => {
      count++;
      return value;
    };
    class Watched {
      #offset = -1;
      readonly bytes: number;
      readonly #life: readonly [number, number];
      constructor(life: readonly [number, number], bytes: number) {
        this.#life = life;
        this.bytes = bytes;
      }
      get first() {
        return looked(this.#life[0]);
      }
      get last() {
        return looked(this.#life[1]);
      }
      get offset() {
        return looked(this.#offset);
      }
      set offset(value) {
        this.#offset = value;
      }
    }
    placeBuffers(lives.map((life, index) => new Watched(life, 64 * ((index * 7919) % 1000))));
    return count;
  }

  test.each([
    ['in a row', 0],
    ['in a row, and one that lives from the first to the last', 1],
  ])('looks at few others for each of many %s', (_, long) => {
    const row = (count: number) =>
      Array.from({ length: count }, (_, index) => [index, index < long ? count : index + 1] as const);
    // Twice as many, and a level of the tree more.
    expect(looks(row(16_384))).toBeLessThan(2.5 * looks(row(8192)));
    expect(looks(row(8192))).toBeLessThan(8192 * 100);
  });

  test('looks once at each pair of those that live at the same time', () => {
    const wide = Array.from({ length: 2000 }, (_, index) => [index, 2000] as const);
    expect(looks(wide)).toBeLessThan(4 * 2000 ** 2);
  });
});

/** Steps may touch a buffer only while it lives, and only inside it. */
function expectLifetimes(network: Network, everyTensor: boolean): void {
  const { program, inputs, outputs } = lower(network, { everyTensor });
  const peak = program.layOut();
  expectSound(program.buffers, peak);
  program.steps.forEach(({ args }, step) => {
    for (const arg of args) {
      if (typeof arg === 'number') continue;
      expect(arg.buffer.first).toBeLessThanOrEqual(step);
      expect(arg.buffer.last).toBeGreaterThanOrEqual(step);
      expect(arg.byte).toBeGreaterThanOrEqual(0);
      expect(arg.byte).toBeLessThan(Math.max(arg.buffer.bytes, 1));
    }
  });
  for (const { kernel, args } of program.steps) {
    if (kernel !== 'depthwise') continue;
    // Four neighbours are summed at once: the windows of up to three columns too many reach beyond the last plane.
    const [x, planeStride, planes, , , , , strideX] = args as [Place, ...number[]];
    expect(x.buffer.bytes).toBeGreaterThanOrEqual(planes * planeStride + 3 * strideX * 16);
  }
  for (const { place } of inputs) expect(place.buffer.first).toBe(-1);
  for (const { place } of outputs) expect(place.buffer.last).toBe(program.steps.length);
}

describe('plans', () => {
  test('of random networks: every step finds its operands alive', () => {
    fc.assert(
      fc.property(anyDraft, fc.boolean(), (draft, everyTensor) => expectLifetimes(networkOf(draft), everyTensor)),
    );
  });

  test('of a chain whose strides differ: a ring has the columns that three windows too many reach', () => {
    const net = new NetworkBuilder();
    const window = { kernelSize: [3, 3], dilation: [1, 1], padding: 'same', depthMultiplier: 1, bias: false } as const;
    let x = net.input('x', [1, 40, 40, 8]);
    x = net.add('expand', 'pointwiseConv2d', x, { filters: 256, bias: false });
    x = net.add('depthwise', 'depthwiseConv2d', x, { ...window, strides: [1, 3] });
    x = net.add('project', 'pointwiseConv2d', x, { filters: 8, bias: false });
    const network = withRandomWeights(net.build('chain', [x], { source: 'other', output: 'features' }), 1);
    expect(lower(network).program.steps.filter(({ kernel }) => kernel === 'depthwise').length).toBeGreaterThan(1);
    expectLifetimes(network, false);
  });

  test('of random networks: the memory that is planned is the memory that is taken', () => {
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const network = networkOf(draft);
        const bytesOf = (wholeMaps: boolean) => lower(network, { wholeMaps }).program.layOut();
        expect(planMemory(network)).toEqual({
          weightBytes: lower(network).program.constants.bytes,
          activationBytes: bytesOf(false),
          wholeMapsActivationBytes: bytesOf(true),
        });
      }),
    );
  });

  test.each([mobilenetV1({ alpha: 0.5 }), mobilenetV2({ alpha: 0.5, outputStride: 16 })])('of $name', (network) => {
    expectLifetimes(withRandomWeights(network, 1), false);
  });
});

test('whole maps of an inverted residual: its expanded tensor and what the depthwise convolution makes of it, at the same time', () => {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 56, 56, 24]);
  net.add('expand', 'pointwiseConv2d', x, { filters: 144, bias: false });
  const window = { kernelSize: [3, 3], strides: [1, 1], dilation: [1, 1], padding: 'same' } as const;
  net.add('depthwise', 'depthwiseConv2d', 'expand', { ...window, depthMultiplier: 1, bias: false });
  net.add('project', 'pointwiseConv2d', 'depthwise', { filters: 24, bias: false });
  const { activationBytes, wholeMapsActivationBytes } = planMemory(
    net.build('chain', ['project'], { source: 'other', output: 'features' }),
  );
  const expanded = 56 * 56 * 144 * 4;
  // A margin of a pixel around each channel's map comes to it.
  expect(wholeMapsActivationBytes).toBeGreaterThan(2 * expanded);
  expect(wholeMapsActivationBytes).toBeLessThan(2.2 * expanded);
  expect(activationBytes).toBeLessThan(expanded);
});
