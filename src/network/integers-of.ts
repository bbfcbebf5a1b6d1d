/** Which integers a network of real numbers was made of. Apart from `asRealNumbers`, so that whoever asks does not load it. */
import type { Network } from './network.js';
import type { QuantizedNetwork } from './quantized-network.js';

const sources = /* @__PURE__ */ new WeakMap<Network, QuantizedNetwork>();

/** The quantised network that `asRealNumbers`, or a reader of files, made this one of; undefined where there is none. */
export const integersOf = (network: Network): QuantizedNetwork | undefined => sources.get(network);

/** The network was made of these integers. */
export function rememberIntegers(network: Network, source: QuantizedNetwork): void {
  sources.set(network, source);
}

/** The network, made of another one, whose tensors the same integers stand for. */
export function sameIntegers(source: Network, network: Network): Network {
  const found = sources.get(source);
  if (found !== undefined) sources.set(network, found);
  return network;
}
