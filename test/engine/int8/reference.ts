/** Quantised networks by the readable layers, node by node. */

import { layers } from '../../../src/layers/index.js';
import { integerLayers, type Rounding } from '../../../src/layers/int8/index.js';
import type { QuantizedNetwork } from '../../../src/network/quantized-network.js';
import type { AnyTensor } from '../../../src/tensor.js';

/** Every tensor by name, inputs included. */
export function everyTensorOf(
  network: QuantizedNetwork,
  inputs: ReadonlyMap<string, AnyTensor>,
  rounding: Rounding,
): Map<string, AnyTensor> {
  const tensors = new Map(inputs);
  for (const { name, kind, inputs: names, attributes, type } of network.nodes) {
    const given = names.map((input) => tensors.get(input) as AnyTensor);
    const weights = Object.fromEntries(
      [...network.weights]
        .filter(([weight]) => weight.startsWith(`${name}/`))
        .map(([weight, tensor]) => [weight.slice(name.length + 1), tensor]),
    );
    const inReal = typeof type === 'string' && kind !== 'dequantize';
    const forward = (inReal ? layers[kind as 'relu'].forward : integerLayers[kind as 'relu']) as (
      ...args: unknown[]
    ) => AnyTensor;
    tensors.set(name, forward(given, weights, attributes, type, rounding));
  }
  return tensors;
}
