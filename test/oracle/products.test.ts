/** Bounds of products and of the activations of MobileNetV3: by hand, and held to float32 arithmetic in two orders. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { hardSigmoid, hardSwish, multiply } from '../../src/layers/index.js';
import type { NetworkNode } from '../../src/network/index.js';
import { estimateNode } from '../../src/oracle/estimate-node.js';
import { precisionOf } from '../../src/oracle/precision.js';
import { tensor } from '../../src/tensor.js';

const u = 2 ** -24;
const float32 = precisionOf('float32');

/** A number and how far a backend's may be from it. */
const known = (value: number, error: number) => ({
  value: tensor([1, 1], Float64Array.of(value)),
  error: tensor([1, 1], Float64Array.of(error)),
});

function boundOf(kind: 'multiply' | 'hardSigmoid' | 'hardSwish', ...inputs: ReturnType<typeof known>[]): number {
  const node = { name: 'y', kind, inputs: inputs.map((_, i) => `x${i}`), attributes: {} } as NetworkNode;
  return estimateNode(node, inputs, {}, float32).error.data[0];
}

test('a product of exact numbers has one rounding; errors of the factors cross', () => {
  expect(boundOf('multiply', known(3, 0), known(-5, 0))).toBeCloseTo(15 * u, 12);
  // |3|·0.1 + 0.2·(|5| + 0.1), and a rounding of (3 + 0.2)·(5 + 0.1)
  expect(boundOf('multiply', known(3, 0.2), known(-5, 0.1))).toBeCloseTo(1.32 + 16.32 * u, 9);
});

test('errors of the input grow by the largest slope, 1/6 and 3/2, and vanish where all clamp to 0', () => {
  expect(boundOf('hardSigmoid', known(1, 0.6))).toBeCloseTo(0.1, 5);
  expect(boundOf('hardSwish', known(1, 0.2))).toBeCloseTo(0.3, 5);
  expect(boundOf('hardSigmoid', known(-9, 0.5))).toBe(0);
  expect(boundOf('hardSwish', known(-9, 0.5))).toBe(0);
});

test('float32 arithmetic stays within the bounds, by relu6(x + 3) / 6 and by x / 6 + 1/2', () => {
  const round = Math.fround;
  const ways = [
    (x: number) => round(Math.min(Math.max(round(x + 3), 0), 6) / 6),
    (x: number) => round(Math.min(Math.max(round(x + 3), 0), 6) * round(1 / 6)),
    (x: number) => Math.min(Math.max(round(round(x * round(1 / 6)) + 0.5), 0), 1),
  ];
  fc.assert(
    fc.property(fc.float({ min: -8, max: 8, noNaN: true }), (x) => {
      const at = tensor([1, 1], Float64Array.of(x));
      for (const gate of ways) {
        const [sigmoid, swish] = [hardSigmoid, hardSwish].map((layer) => layer.forward([at]).data[0]);
        expect(Math.abs(gate(x) - sigmoid)).toBeLessThanOrEqual(boundOf('hardSigmoid', known(x, 0)));
        expect(Math.abs(round(x * gate(x)) - swish)).toBeLessThanOrEqual(boundOf('hardSwish', known(x, 0)));
      }
    }),
  );
});

test('products in float32 stay within the bound', () => {
  const factor = fc.float({ min: -1000, max: 1000, noNaN: true });
  fc.assert(
    fc.property(factor, factor, (a, b) => {
      const exact = multiply.forward([tensor([1, 1], Float64Array.of(a)), tensor([1, 1], Float64Array.of(b))]).data[0];
      expect(Math.abs(Math.fround(a * b) - exact)).toBeLessThanOrEqual(boundOf('multiply', known(a, 0), known(b, 0)));
    }),
  );
});

test('a kind without a rule is refused by name', () => {
  const node = { name: 'y', kind: 'lstm', inputs: [], attributes: {} } as unknown as NetworkNode;
  expect(() => estimateNode(node, [], {}, float32)).toThrow(
    new UsageError("y: there is no error bound for layers of kind 'lstm'"),
  );
});
