import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import { mobilenet } from '../../src/models/index.js';
import {
  foldBatchNorm,
  type Network,
  NetworkBuilder,
  randomWeights,
  run,
  trace,
  withWeights,
} from '../../src/network/index.js';
import { wantedWeights } from '../../src/network/shapes.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { conv, expectWithin, features, largest, signed } from './helpers.js';

const norm = { epsilon: 1e-3, scale: true, center: true };
const kinds = (network: Network) => network.nodes.map(({ name, kind }) => `${name}: ${kind}`);

/** The network with weights of both signs, variances in (0, 2). */
function lively(network: Network, seed: number): Network {
  const weights = new Map<string, Tensor>();
  let next = seed;
  for (const [name, shape] of wantedWeights(network)) {
    const weight = signed(shape, next++);
    weights.set(
      name,
      name.endsWith('movingVariance')
        ? tensor(
            shape,
            weight.data.map((v) => 1.01 + v),
          )
        : weight,
    );
  }
  return withWeights(network, weights);
}

describe('foldBatchNorm by hand', () => {
  test('y = gamma (2x + 1 − 3) / √(3 + 1) + beta, gamma 4, beta 5: 4x + 1', () => {
    const net = new NetworkBuilder();
    const dense = net.add('dense', 'dense', net.input('x', [1, 1]), { units: 1, bias: true });
    net.add('norm', 'batchNorm', dense, { epsilon: 1, scale: true, center: true });
    const one = (value: number) => tensor([1], [value]);
    const network = withWeights(
      net.build('n', ['norm'], features),
      new Map([
        ['dense/kernel', tensor([1, 1], [2])],
        ['dense/bias', one(1)],
        ['norm/gamma', one(4)],
        ['norm/beta', one(5)],
        ['norm/movingMean', one(3)],
        ['norm/movingVariance', one(3)],
      ]),
    );
    const folded = foldBatchNorm(network);
    expect(kinds(folded)).toEqual(['norm: dense']);
    expect(Object.fromEntries(folded.weights)).toEqual({
      'norm/kernel': { shape: [1, 1], data: Float64Array.of(4) },
      'norm/bias': { shape: [1], data: Float64Array.of(1) },
    });
    expect(network.nodes).toHaveLength(2); // the given network stays
    expect(network.weights.size).toBe(6);
  });
});

describe('what is folded', () => {
  test('a convolution that only the batch norm reads', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 4, 4, 2]);
    const a = conv(net, 'a', x, 3);
    const an = net.add('a_norm', 'batchNorm', a, norm);
    const b = conv(net, 'b', an, 3);
    net.add('b_norm', 'batchNorm', b, norm);
    net.add('sum', 'add', [b, 'b_norm'], {}); // b has two readers
    const c = conv(net, 'c', 'sum', 3); // c is an output
    net.add('c_norm', 'batchNorm', c, norm);
    net.add('c_norm_again', 'batchNorm', 'c_norm', norm); // follows no convolution
    const folded = foldBatchNorm(net.build('n', [c, 'c_norm_again'], features));
    expect(kinds(folded)).toEqual([
      'a_norm: conv2d',
      'b: conv2d',
      'b_norm: batchNorm',
      'sum: add',
      'c: conv2d',
      'c_norm: batchNorm',
      'c_norm_again: batchNorm',
    ]);
    expect(folded.nodes[0]).toMatchObject({ inputs: ['x'], attributes: { filters: 3, bias: true } });
  });

  test.each([
    ['mobilenet_v1', 27],
    ['mobilenet_v2', 52],
  ] as const)(
    '%s loses its %i batch norms; a network without weights folds as a description',
    (architecture, norms) => {
      const network = mobilenet(architecture);
      const folded = foldBatchNorm(network);
      expect(network.nodes.length - folded.nodes.length).toBe(norms);
      expect(folded.nodes.filter(({ kind }) => kind === 'batchNorm')).toEqual([]);
      expect(folded.weights.size).toBe(0);
      expect(wantedWeights(folded).size).toBe(2 * norms + 2);
    },
  );

  test('weights that are missing are named', () => {
    const net = new NetworkBuilder();
    net.add('norm', 'batchNorm', conv(net, 'a', net.input('x', [1, 4, 4, 2]), 3), norm);
    const network = randomWeights(net.build('n', ['norm'], features), 1);
    const weights = new Map(network.weights);
    weights.delete('norm/movingVariance');
    expect(() => foldBatchNorm({ ...network, weights })).toThrow(
      new NetworkError("n: weight 'norm/movingVariance' is missing"),
    );
  });
});

describe('outputs stay equal', () => {
  const unit = fc.record({
    kind: fc.constantFrom('conv2d' as const, 'depthwiseConv2d' as const, 'pointwiseConv2d' as const, 'dense' as const),
    bias: fc.boolean(),
    scale: fc.boolean(),
    center: fc.boolean(),
    epsilon: fc.constantFrom(1e-3, 1e-5),
    channels: fc.integer({ min: 1, max: 4 }),
    outputs: fc.integer({ min: 1, max: 4 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.constantFrom('same' as const, 'valid' as const),
    seed: fc.nat(1e6),
  });

  type Unit = typeof unit extends fc.Arbitrary<infer Value> ? Value : never;

  function unitNetwork({
    kind,
    bias,
    scale,
    center,
    epsilon,
    channels,
    outputs,
    kernel,
    stride,
    padding,
  }: Unit): Network {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 5, 4, channels]);
    const window = {
      kernelSize: [kernel, kernel],
      strides: [stride, stride],
      dilation: [1, 1],
      padding,
      bias,
    } as const;
    const layer = {
      conv2d: () => net.add('layer', 'conv2d', x, { ...window, filters: outputs }),
      depthwiseConv2d: () => net.add('layer', 'depthwiseConv2d', x, { ...window, depthMultiplier: outputs }),
      pointwiseConv2d: () => net.add('layer', 'pointwiseConv2d', x, { filters: outputs, bias }),
      dense: () => net.add('layer', 'dense', x, { units: outputs, bias }),
    }[kind]();
    net.add('norm', 'batchNorm', layer, { epsilon, scale, center });
    return net.build('unit', ['norm'], features);
  }

  /** The same network on the absolute values of everything: Σ |x||w| and what follows, the size that rounding errors scale with. */
  function magnitudes(network: Network, x: Tensor): Tensor {
    const absolute = new Map(
      [...network.weights].map(([name, { shape, data }]) => [name, tensor(shape, data.map(Math.abs))]),
    );
    for (const [name, { shape, data }] of absolute) {
      const negative = data.map((value) => -value);
      if (name.endsWith('movingMean')) absolute.set(name, tensor(shape, negative));
    }
    return run({ ...network, weights: absolute }, tensor(x.shape, x.data.map(Math.abs))).get('norm')!;
  }

  test('within the rounding of float64, for each kind of layer', () => {
    fc.assert(
      fc.property(unit, (chosen) => {
        const network = lively(unitNetwork(chosen), chosen.seed);
        const x = signed([1, 5, 4, chosen.channels], chosen.seed + 1, Float64Array);
        const wanted = run(network, x).get('norm')!;
        const found = run(foldBatchNorm(network), x).get('norm')!;
        const size = magnitudes(network, x);
        // One rounding a product and a sum on each side, and six more for scale, mean and beta.
        const terms = 2 * chosen.kernel ** 2 * chosen.channels + 8;
        expectWithin('norm', found, wanted, (i) => 2 * terms * 2 ** -53 * size.data[i]);
      }),
      { numRuns: 150 },
    );
  });

  test.each(['mobilenet_v1', 'mobilenet_v2'] as const)(
    '%s in double precision: every tensor that both networks name',
    (architecture) => {
      const options = { alpha: 0.1, resolution: 40, classes: 9, output: 'logits' } as const;
      const network = lively(mobilenet(architecture, options), 5);
      const folded = foldBatchNorm(network);
      const x = signed([1, 40, 40, 3], 6, Float64Array);
      const before = trace(network, x);
      const after = trace(folded, x);
      expect(after.size).toBe(folded.nodes.length + 1);
      // Errors scale with the largest numbers on the way, which ReLU6 then hides: 1e-12 of the largest so far.
      let size = 1;
      for (const [name, wanted] of before) {
        size = Math.max(size, largest(wanted));
        const found = after.get(name);
        if (found !== undefined) expectWithin(name, found, wanted, () => 1e-12 * size);
      }
    },
  );
});
