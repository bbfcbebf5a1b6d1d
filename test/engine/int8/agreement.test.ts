/** The integer kernels against the readable layers in 8-bit integers: no number may differ, on any target, with either rounding. */
import '../../kernels/relaxed.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileQuantized } from '../../../src/engine/int8/engine.js';
import type { Rounding } from '../../../src/layers/int8/index.js';
import { roundings } from '../../../src/layers/int8/index.js';
import type { QuantizedNetwork } from '../../../src/network/quantized-network.js';
import type { AnyTensor, Shape } from '../../../src/tensor.js';
import { traceQuantized } from '../../network/trace-quantized.js';
import { nightly } from '../../nightly.js';
import { anyMobileNet, anySeeded, QuantizedBuilder, type Seeded, singleLayers } from './networks.js';

const RUNS = nightly ? 2_000 : 20;

async function agree(network: QuantizedNetwork, inputs: ReadonlyMap<string, AnyTensor>, rounding: Rounding) {
  const wanted = traceQuantized(network, inputs, { rounding });
  for (const target of ['scalar', 'simd', 'relaxed'] as const) {
    for (const everyTensor of [false, true]) {
      const plan = await compileQuantized(network, { target, rounding, everyTensor });
      const found = plan.run(inputs);
      plan.dispose();
      if (everyTensor) expect([...found.keys()]).toEqual([...wanted.keys()]);
      for (const [name, { data, shape }] of found) {
        const { data: numbers, shape: sizes } = wanted.get(name) as AnyTensor;
        expect(shape).toEqual(sizes);
        const at = data.findIndex((q, i) => q !== numbers[i]);
        if (at >= 0) throw new Error(`${name}[${at}] is ${data[at]} on ${target}, the layers give ${numbers[at]}`);
      }
    }
  }
}

const property = (draw: fc.Arbitrary<(net: QuantizedBuilder) => QuantizedNetwork>) =>
  fc.asyncProperty(
    draw,
    anySeeded,
    fc.constantFrom(...roundings),
    fc.constantFrom(1, 1, 2),
    async (make, seeded: Seeded, rounding, batch) => {
      const net = new QuantizedBuilder(seeded);
      const network = make(net);
      await agree(network, net.pictures(batch), rounding);
    },
  );

describe.each(Object.entries(singleLayers))('%s', (_, draw) => {
  test(`${RUNS} random networks`, { timeout: 3_600_000 }, () => fc.assert(property(draw), { numRuns: RUNS }));
});

/** The layer twice, of the same shapes, with other types and weights: no table of the one may be taken for the other's. */
const twice = (draw: (net: QuantizedBuilder) => QuantizedNetwork) => (net: QuantizedBuilder) => {
  const outputs: string[] = [];
  const part = (prefix: string, factor: number) => ({
    input: (name: string, shape: Shape) => net.input(prefix + name, shape),
    add: (name: string, ...rest: [never, never, never]) => net.add(prefix + name, ...rest),
    anyType: (scale?: number) => net.anyType(scale && scale * factor),
    typeOf: (name: string) => net.typeOf(name),
    shares: () => net.shares(),
    build: (names: readonly string[]) => outputs.push(...names),
  });
  for (const [prefix, factor] of [
    ['one ', 1],
    ['other ', 1.3],
  ] as const)
    draw(part(prefix, factor) as unknown as QuantizedBuilder);
  return net.build(outputs);
};

describe('two in one network', () => {
  test.each(Object.entries(singleLayers))('%s', { timeout: 3_600_000 }, (_, draw) =>
    fc.assert(property(draw.map(twice)), { numRuns: RUNS / 5 }),
  );
});

describe('a small MobileNet', () => {
  test(`${RUNS / 2} random networks`, { timeout: 3_600_000 }, () =>
    fc.assert(property(anyMobileNet), { numRuns: RUNS / 2 }),
  );
});

describe.each(roundings)('maps that run in several blocks of pixels, with one pixel left over, %s', (rounding) => {
  const seeds = [
    { type: 'int8', perChannel: true, seed: 1 },
    { type: 'uint8', perChannel: false, seed: 2 },
  ] as const;
  const draws: Record<string, (net: QuantizedBuilder, x: string) => string[]> = {
    pointwise: (net, x) => [net.add('a', 'pointwiseConv2d', x, { filters: 9, bias: true }, net.anyType())],
    'pointwise before depthwise': (net, x) => {
      const a = net.add('a', 'pointwiseConv2d', x, { filters: 12, bias: true }, net.anyType());
      return [net.add('b', 'depthwiseConv2d', a, { ...square, depthMultiplier: 1 }, net.anyType())];
    },
    'of 3 × 3': (net, x) => [net.add('a', 'conv2d', x, { ...square, filters: 5 }, net.anyType())],
  };
  const square = { kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding: 'same', bias: true } as const;

  test.each(Object.entries(draws))('%s', async (_, draw) => {
    for (const seeded of seeds) {
      const net = new QuantizedBuilder(seeded);
      const network = net.build(draw(net, net.input('x', [1, 37, 37, 200])));
      await agree(network, net.pictures(), rounding);
    }
  });
});
