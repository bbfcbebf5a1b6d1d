/**
 * Version 2 of a network's description as JSON: that of a quantised network. It is version 1 (json.ts), which networks of real numbers keep, and the
 * type of every input and node:
 *
 *   'float32', or { "type": "int8", "scale": 0.0235, "zeroPoint": -3 }
 *
 * The weights travel beside it with types of their own.
 */
import { type Check, listOf, numberWhere, oneOf, record, show, text, whenUsed } from '../checks.js';
import type { QuantizedType, TensorType } from '../tensor.js';
import { conventions, expectChannels, MOST_NODES, NETWORK_FORMAT, shape } from './json.js';
import type { QuantizedInput, QuantizedNetwork, QuantizedNode } from './quantized-network.js';
import { inferTypes } from './quantized-types.js';
import { checkAttributes } from './shapes.js';

/** Everything of a quantised network but its weights, and the words by which a reader knows it. */
export interface QuantizedNetworkJson extends Omit<QuantizedNetwork, 'weights'> {
  readonly format: typeof NETWORK_FORMAT;
  readonly version: 2;
}

const quantizedType: Check<QuantizedType> = /* @__PURE__ */ whenUsed(() =>
  record<QuantizedType>({
    type: oneOf('int8', 'uint8', 'int32'),
    scale: numberWhere('a number above 0', (value) => value > 0),
    zeroPoint: numberWhere('a whole number', Number.isInteger),
  }),
);

const type: Check<TensorType> = (value, at) =>
  typeof value === 'object' ? quantizedType(value, at) : oneOf('float32', 'float64')(value, at);

const conversionAttributes = /* @__PURE__ */ whenUsed(() => record<object>({}));

const node: Check<QuantizedNode> = (value, at) => {
  const found = record<{
    name: string;
    kind: string;
    inputs: readonly string[];
    attributes: unknown;
    type: TensorType;
  }>({
    name: text,
    kind: text,
    inputs: listOf(text, 1, MOST_NODES),
    attributes: (attributes) => attributes,
    type,
  })(value, at);
  const place = `${at} '${found.name}' (${show(found.kind)})`;
  const isConversion = found.kind === 'quantize' || found.kind === 'dequantize';
  const attributes = isConversion
    ? conversionAttributes(found.attributes, place)
    : checkAttributes(found.kind, found.attributes, place);
  return { ...found, attributes } as QuantizedNode;
};

const networkJson = /* @__PURE__ */ whenUsed(() =>
  record<QuantizedNetworkJson>({
    format: oneOf(NETWORK_FORMAT),
    version: oneOf(2),
    name: text,
    inputs: listOf(record<QuantizedInput>({ name: text, shape, type }), 1, MOST_NODES),
    nodes: listOf(node, 0, MOST_NODES),
    outputs: listOf(text, 1, MOST_NODES),
    conventions,
  }),
);

/** The description, ready for JSON.stringify. Throws a NetworkError for anything that `quantizedFromJson` would not read back. */
export function quantizedToJson({ name, inputs, nodes, outputs, conventions }: QuantizedNetwork): QuantizedNetworkJson {
  return networkJson(
    { format: NETWORK_FORMAT, version: 2, name, inputs, nodes, outputs, conventions },
    `network ${show(name)}`,
  );
}

/** The quantised network that a parsed JSON value describes, without weights. Throws a NetworkError that names the field at fault. */
export function quantizedFromJson(value: unknown): QuantizedNetwork {
  const { name, inputs, nodes, outputs, conventions } = networkJson(value, 'network description');
  expectChannels(conventions);
  const network: QuantizedNetwork = { name, inputs, nodes, outputs, weights: new Map(), conventions };
  inferTypes(network);
  return network;
}
