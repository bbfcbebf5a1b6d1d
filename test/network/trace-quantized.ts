import type { QuantizedNetwork } from '../../src/network/index.js';
import {
  type QuantizedNetworkInputs,
  type RunQuantizedOptions,
  runQuantized,
} from '../../src/network/run-quantized.js';
import type { AnyTensor } from '../../src/tensor.js';

/** Every tensor of a quantised network, by name, in the order of the nodes; inputs included. */
export function traceQuantized(
  network: QuantizedNetwork,
  inputs: QuantizedNetworkInputs,
  options?: RunQuantizedOptions,
): Map<string, AnyTensor> {
  const outputs = [...network.inputs, ...network.nodes].map(({ name }) => name);
  return runQuantized({ ...network, outputs }, inputs, options);
}
