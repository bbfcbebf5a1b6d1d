/**
 * A network's description as JSON: nodes, inputs, outputs and conventions. The weights travel beside it, e.g. in the .safetensors file
 * whose metadata it is. `fromJson` trusts nothing: what it returns has only known fields, known kinds and shapes that fit.
 */

import {
  boolean,
  type Check,
  finite,
  LARGEST_RANK,
  listOf,
  numberWhere,
  oneOf,
  optional,
  pair,
  positive,
  record,
  show,
  text,
  whenUsed,
} from '../checks.js';
import { NetworkError } from '../errors.js';
import type { Shape } from '../tensor.js';
import {
  type Conventions,
  type CropRule,
  type DetectionConventions,
  type Preprocessing,
  resizeRules,
} from './conventions.js';
import type { Network, NetworkInput, NetworkNode } from './network.js';
import { checkAttributes, inferShapes } from './shapes.js';

export const NETWORK_FORMAT = 'depthwise-network';

/** Everything of a network but its weights, and the words by which a reader knows it. */
export interface NetworkJson extends Omit<Network, 'weights'> {
  readonly format: typeof NETWORK_FORMAT;
  readonly version: 1;
}

export const MOST_NODES = 10_000;
const MOST_LABELS = 100_000;

export const shape: Check<Shape> = /* @__PURE__ */ whenUsed(() => listOf(positive, 1, LARGEST_RANK));

const input: Check<NetworkInput> = /* @__PURE__ */ whenUsed(() => record<NetworkInput>({ name: text, shape }));

const node: Check<NetworkNode> = (value, at) => {
  const found = record<{ name: string; kind: string; inputs: readonly string[]; attributes: unknown }>({
    name: text,
    kind: text,
    inputs: listOf(text, 1, MOST_NODES),
    attributes: (attributes) => attributes,
  })(value, at);
  const attributes = checkAttributes(found.kind, found.attributes, `${at} '${found.name}' (${show(found.kind)})`);
  return { ...found, attributes } as NetworkNode;
};

const cropKinds = () => ({
  stretch: record<{ kind: 'stretch' }>({ kind: oneOf('stretch') }),
  central: record<{ kind: 'central'; fraction: number }>({
    kind: oneOf('central'),
    fraction: numberWhere('a fraction above 0, at most 1', (value) => value > 0 && value <= 1),
  }),
  'shorter-side': record<{ kind: 'shorter-side'; side: number }>({ kind: oneOf('shorter-side'), side: positive }),
  pad: record<{ kind: 'pad'; value: number; enlarge?: boolean }>({
    kind: oneOf('pad'),
    value: numberWhere('from 0 to 255', (value) => value >= 0 && value <= 255),
    enlarge: optional(boolean),
  }),
});

const crop: Check<CropRule> = (value, at) => {
  const kind = typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : undefined;
  return cropKinds()[oneOf('stretch', 'central', 'shorter-side', 'pad')(kind, `${at}.kind`)](value, at);
};

const perChannel = /* @__PURE__ */ whenUsed(() => listOf(finite, 1, 3));

const preprocessing: Check<Preprocessing> = /* @__PURE__ */ whenUsed(
  () =>
    record({
      crop,
      resize: oneOf(...resizeRules),
      size: pair,
      channels: oneOf('rgb', 'bgr', 'grey'),
      scale: finite,
      mean: perChannel,
      deviation: listOf(
        numberWhere('a number other than 0', (value) => value !== 0),
        1,
        3,
      ),
      assumed: optional(listOf(oneOf('crop', 'resize', 'scale'), 1, 3)),
    }) as Check<Preprocessing>,
);

const MOST_ANCHORS = 1_000_000;

const whole = /* @__PURE__ */ numberWhere(
  'a whole number of 1 or more',
  (value) => Number.isInteger(value) && value >= 1,
);

const detection: Check<DetectionConventions> = /* @__PURE__ */ whenUsed(() =>
  record<DetectionConventions>({
    codes: text,
    scores: text,
    scoresAre: optional(oneOf('logits')),
    background: oneOf('slot 0', 'none'),
    anchors: listOf(finite, 4, 4 * MOST_ANCHORS),
    scales: listOf(
      numberWhere('a number above 0', (value) => value > 0),
      4,
      4,
    ) as Check<DetectionConventions['scales']>,
    suppression: record<DetectionConventions['suppression']>({
      kind: oneOf('per-class', 'class-agnostic'),
      scoreThreshold: finite,
      iouThreshold: numberWhere('a number above 0, at most 1', (value) => value > 0 && value <= 1),
      maxPerClass: whole,
      maxResults: whole,
      classesPerBox: whole,
    }),
  }),
);

export const conventions: Check<Conventions> = /* @__PURE__ */ whenUsed(
  () =>
    record({
      source: oneOf('slim', 'keras', 'torchvision', 'tflite', 'other'),
      output: oneOf('logits', 'probabilities', 'features'),
      labelOffset: optional(oneOf(0, 1)),
      assumed: optional(listOf(oneOf('labelOffset', 'anchors'), 1, 2)),
      labels: optional(listOf(label, 1, MOST_LABELS)),
      preprocessing: optional(preprocessing),
      scalesInput: optional(boolean),
      inRealNumbers: optional(text),
      detection: optional(detection),
    }) as Check<Conventions>,
);

/** Label lists may hold an empty line. */
function label(value: unknown, at: string): string {
  return value === '' ? '' : text(value, at);
}

const networkJson = /* @__PURE__ */ whenUsed(() =>
  record<NetworkJson>({
    format: oneOf(NETWORK_FORMAT),
    version: oneOf(1),
    name: text,
    inputs: listOf(input, 1, MOST_NODES),
    nodes: listOf(node, 0, MOST_NODES),
    outputs: listOf(text, 1, MOST_NODES),
    conventions,
  }),
);

/** The description, ready for JSON.stringify. Throws a NetworkError for anything that `fromJson` would not read back. */
export function toJson({ name, inputs, nodes, outputs, conventions }: Network): NetworkJson {
  return networkJson(
    { format: NETWORK_FORMAT, version: 1, name, inputs, nodes, outputs, conventions },
    `network ${show(name)}`,
  );
}

/** The network that a parsed JSON value describes, without weights. Throws a NetworkError that names the field at fault. */
export function fromJson(value: unknown): Network {
  const { name, inputs, nodes, outputs, conventions } = networkJson(value, 'network description');
  const network: Network = { name, inputs, nodes, outputs, weights: new Map(), conventions };
  expectChannels(conventions);
  inferShapes(network);
  return network;
}

export function expectChannels({ preprocessing }: Conventions): void {
  const channels = preprocessing?.channels === 'grey' ? 1 : 3;
  if (preprocessing && (preprocessing.mean.length !== channels || preprocessing.deviation.length !== channels)) {
    throw new NetworkError(
      `network description.conventions.preprocessing: '${preprocessing.channels}' wants ${channels} means and deviations, found ${preprocessing.mean.length} and ${preprocessing.deviation.length}`,
    );
  }
}
