/**
 * Which integers a network of real numbers was made of. Apart from `asRealNumbers`, so that whoever asks does not load it. A page may carry this package
 * twice, as two scripts or versions: the property is known to both.
 */
import type { Network } from './network.js';
import type { QuantizedNetwork } from './quantized-network.js';

/** Not enumerable: a copy of the network with other nodes or weights has no integers. */
const INTEGERS = /* @__PURE__ */ Symbol.for('depthwise.integers');

/** The quantised network that `asRealNumbers`, or a reader of files, made this one of; undefined where there is none. */
export const integersOf = (network: Network): QuantizedNetwork | undefined =>
  (network as { readonly [INTEGERS]?: QuantizedNetwork })[INTEGERS];

/** The network was made of these integers. */
export function rememberIntegers(network: Network, source: QuantizedNetwork): void {
  Object.defineProperty(network, INTEGERS, { value: source, configurable: true });
}

/** The network, made of another one, whose tensors the same integers stand for. */
export function sameIntegers(source: Network, network: Network): Network {
  const found = integersOf(source);
  if (found !== undefined) rememberIntegers(network, found);
  return network;
}
