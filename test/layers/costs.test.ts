/** The papers' closed expressions against the layers' own counts, and against numbers that the papers and their tables print. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conv2d, cost, costs, depthwiseConv2d, pointwiseConv2d } from '../../src/layers/index.js';

const same = { dilation: [1, 1], padding: 'same', bias: false } as const;
const small = (max: number) => fc.integer({ min: 1, max });

test('a standard convolution costs D_K · D_K · M · N · D_F · D_F, at any stride when D_F is the output', () => {
  fc.assert(
    fc.property(small(7), small(40), small(40), small(20), small(3), (DK, M, N, DF, stride) => {
      const attributes = { ...same, filters: N, kernelSize: [DK, DK], strides: [stride, stride] } as const;
      const counted = cost(conv2d, [[1, DF * stride, DF * stride, M]], attributes).multiplyAdds;
      expect(counted).toBe(costs.standardCost(DK, M, N, DF));
    }),
  );
});

test('a depthwise and a pointwise convolution together cost eq. 5', () => {
  fc.assert(
    fc.property(small(7), small(40), small(40), small(20), (DK, M, N, DF) => {
      const depthwise = { ...same, kernelSize: [DK, DK], strides: [1, 1], depthMultiplier: 1 } as const;
      const first = cost(depthwiseConv2d, [[1, DF, DF, M]], depthwise).multiplyAdds;
      const second = cost(pointwiseConv2d, [[1, DF, DF, M]], { filters: N, bias: false }).multiplyAdds;
      expect(first).toBe(costs.depthwiseCost(DK, M, DF));
      expect(second).toBe(costs.pointwiseCost(M, N, DF));
      expect(first + second).toBe(costs.separableCost(DK, M, N, DF));
    }),
  );
});

test('an inverted residual of stride 1 costs the sum of its three layers', () => {
  fc.assert(
    fc.property(small(14), small(14), small(30), small(30), small(6), small(5), (h, w, d1, d2, t, k) => {
      const depthwise = { ...same, kernelSize: [k, k], strides: [1, 1], depthMultiplier: 1 } as const;
      const layers = [
        cost(pointwiseConv2d, [[1, h, w, d1]], { filters: t * d1, bias: false }),
        cost(depthwiseConv2d, [[1, h, w, t * d1]], depthwise),
        cost(pointwiseConv2d, [[1, h, w, t * d1]], { filters: d2, bias: false }),
      ];
      const counted = layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
      expect(counted).toBe(costs.invertedResidualCost(h, w, d1, d2, t, k));
    }),
  );
});

describe('printed numbers', () => {
  test('Table 3 of arXiv:1704.04861: a layer of 14 × 14 × 512, by each of its reductions', () => {
    const millions = (multiplyAdds: number) => Number((multiplyAdds / 1e6).toFixed(1));
    expect(millions(costs.standardCost(3, 512, 512, 14))).toBeCloseTo(462, 0);
    expect(millions(costs.separableCost(3, 512, 512, 14))).toBe(52.3);
    expect(millions(costs.scaledSeparableCost(3, 512, 512, 14, 0.75, 1))).toBe(29.6);
    expect(millions(costs.scaledSeparableCost(3, 512, 512, 14, 0.75, 0.714))).toBeCloseTo(15.1, 1);
  });

  test('§3.1: 3 × 3 separable convolutions cost between 8 and 9 times less', () => {
    for (const N of [128, 256, 512, 1024]) {
      const less = 1 / costs.separableRatio(3, N);
      expect(less).toBeGreaterThan(8);
      expect(less).toBeLessThan(9);
    }
  });

  test('rows of MobileNet V2’s layer table: block 2 at 56 × 56, 24 channels', () => {
    expect(costs.invertedResidualCost(56, 56, 24, 24, 6, 3)).toBe(10_838_016 + 4_064_256 + 10_838_016);
  });
});

test('the ratio of eq. 5 to eq. 2 is 1/N + 1/D_K²', () => {
  fc.assert(
    fc.property(small(7), small(1024), small(1024), small(112), (DK, M, N, DF) => {
      const ratio = costs.separableCost(DK, M, N, DF) / costs.standardCost(DK, M, N, DF);
      expect(ratio / costs.separableRatio(DK, N)).toBeCloseTo(1, 12);
    }),
  );
});

test('α acts about squared, ρ exactly squared', () => {
  expect(costs.scaledSeparableCost(3, 512, 512, 14, 1, 1)).toBe(costs.separableCost(3, 512, 512, 14));
  expect(costs.scaledSeparableCost(3, 512, 512, 14, 1, 0.5)).toBe(costs.separableCost(3, 512, 512, 7));
  expect(costs.scaledSeparableCost(3, 512, 1024, 14, 0.5, 1)).toBe(costs.separableCost(3, 256, 512, 14));
});
