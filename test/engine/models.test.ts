/** The papers' networks: every layer of a trace on the engine by itself, and the whole of what a plan computes. */
import '../kernels/relaxed.js';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import type { Network } from '../../src/network/network.js';
import { expectWithin, isolatedBoundsOf } from './bounds.js';
import { randomInputs, withRandomWeights } from './networks.js';
import { wholeNetworkBounds } from './whole.js';

const models: readonly Network[] = [
  mobilenetV1({ alpha: 0.25, resolution: [65, 47], conventions: 'keras' }),
  mobilenetV1({ alpha: 0.5, resolution: 64, conventions: 'slim' }),
  mobilenetV1({ alpha: 0.3, resolution: 50, conventions: 'torchvision' }),
  mobilenetV1({ alpha: 0.29, resolution: 49, conventions: 'slim', outputStride: 8 }),
  mobilenetV1({ alpha: 0.25, resolution: 64, conventions: 'keras', outputStride: 16, head: 'features' }),
  mobilenetV1({ alpha: 0.25, resolution: 33, convolutions: 'full', shallow: true, output: 'logits' }),
  mobilenetV2({ alpha: 0.35, resolution: [47, 65], conventions: 'keras' }),
  mobilenetV2({ alpha: 0.5, resolution: 64, conventions: 'torchvision' }),
  mobilenetV2({ alpha: 0.35, resolution: 65, conventions: 'slim', outputStride: 8 }),
  mobilenetV2({ alpha: 0.35, resolution: 96, conventions: 'slim', head: 'pooled' }),
  mobilenetV2({ alpha: 0.37, resolution: 48, conventions: 'keras', channelDivisor: 1, expansionFactor: 5 }),
  mobilenetV2({ alpha: 0.5, resolution: 64, conventions: 'torchvision', outputStride: 16, head: 'features' }),
];

describe.each(models.map((network) => [named(network), network] as const))('%s', (_, architecture) => {
  const network = withRandomWeights(architecture, 3);
  const inputs = randomInputs(network, 1, 4);

  test.each(['scalar', 'simd', 'relaxed'] as const)('on %s', async (target) => {
    const plan = await compile(network, { target });
    const trace = (await compile(network, { target, everyTensor: true })).run(inputs);
    expect([...trace.keys()]).toEqual(['input', ...network.nodes.map(({ name }) => name)]);
    if (target === 'simd') expectWithin('isolated', trace, isolatedBoundsOf(network, trace));
    expectWithin('whole', plan.run(inputs), wholeNetworkBounds(network, inputs));
    plan.dispose();
  });
});

/** The name, and what it does not tell. */
function named({ name, conventions, inputs, nodes }: Network): string {
  return `${name} of ${conventions.source}, ${inputs[0].shape.slice(1, 3).join('×')}, ending in ${nodes.at(-1)!.name}`;
}
