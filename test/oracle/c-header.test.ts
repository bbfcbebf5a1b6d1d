import { expect, test } from 'vitest';
import { type Network, NetworkBuilder } from '../../src/network/index.js';
import { cHeader } from '../../src/oracle/c-header.js';
import { precisionOf } from '../../src/oracle/precision.js';
import { tensor } from '../../src/tensor.js';

test('a bundle as C: numbers that float reads back, names that C has, comments that do not end early', () => {
  const net = new NetworkBuilder();
  const scaled = net.add('a/b', 'batchNorm', net.input('in', [1, 7]), { epsilon: 0.5, scale: false, center: false });
  const same = net.add('a-b', 'relu', scaled, {});
  const weights = new Map([['a/b/movingMean', tensor([], [2])]]);
  const network = { ...net.build('net', [same], { source: 'other', output: 'features' }), weights } as Network;
  const row = (...numbers: number[]) => tensor([1, numbers.length], numbers);
  const tensors = (a: number, b: number) =>
    new Map([
      ['a/b', row(a)],
      ['a-b', row(b)],
    ]);
  const golden = {
    network,
    precision: precisionOf('float32'),
    source: { kind: 'noise', detail: 'normal', seed: 1 } as const,
    inputs: new Map([['in', row(1, -0, Number.NaN, Infinity, -Infinity, 1e-9, 0.1)]]),
    outputs: tensors(0.5, 16777216),
    bounds: tensors(8, 9),
  };
  const header = (isolated = {}) => cHeader({ ...golden, ...isolated } as never, '1 net', 'depthwise 1');
  const expected = `/* 1 net: net by depthwise 1, bounds for float32.
   Feature maps are NHWC; kernels HWIO, HWC(M) or IO. Each layer fed with the numbers in this file
   gives its output to within its bound: |yours - output| <= bound. */
#ifndef _1_NET_H
#define _1_NET_H
#include <math.h>

static const float _1_net_in[7] = { /* 1 x 7 */
  1.0f, -0.0f, NAN, INFINITY, -INFINITY, 9.99999972e-10f,
  0.100000001f
};

/* a/b: batchNorm of in; {"epsilon":0.5,"scale":false,"center":false} */
static const float _1_net_a_b_movingMean[1] = { /* a single number */
  2.0f
};
static const float _1_net_a_b_output[1] = { /* 1 x 1 */
  0.5f
};
static const float _1_net_a_b_bound[1] = { /* 1 x 1 */
  8.0f
};

/* a-b: relu of a/b; {} */
static const float _1_net_a_b_output_2[1] = { /* 1 x 1 */
  16777216.0f
};
static const float _1_net_a_b_bound_2[1] = { /* 1 x 1 */
  9.0f
};

#endif
`;
  expect(header()).toBe(expected);
  // Bounds of each layer alone go before those of the whole.
  expect(header({ isolated: tensors(0.25, 0.75) })).toBe(
    expected.replace('  8.0f', '  0.25f').replace('  9.0f', '  0.75f'),
  );
});
