/** The options of `load` and of a model's calls: what is none of them, or is of another kind, is refused before anything is done. */
import { TARGETS } from '../engine/targets.js';
import { UsageError } from '../errors.js';
import { found, tagOf } from '../found.js';
import { similarNames } from '../network/rewriting/subnetwork.js';
import type {
  LoadOptions,
  Model,
  ModelClassifyOptions,
  ModelDetectOptions,
  ModelEmbedOptions,
  ModelRunOptions,
  ModelSegmentOptions,
} from './model.js';

/** The values of an option: what an error calls them, whether a value is one, and what to do with one that is none. */
export type Kind = readonly [wanted: string, isOne: (value: unknown) => boolean, advice?: (value: unknown) => string];

/** The options of a call, by name. */
export type OptionKinds = Readonly<Record<string, Kind>>;
type KindsOf<Options> = Readonly<Record<keyof Options, Kind>>;

const isText = (value: unknown): boolean => typeof value === 'string';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

const oneOf = (...values: readonly unknown[]): Kind => [
  `one of ${values.join(', ')}`,
  (value) => values.includes(value),
];

const SWITCH: Kind = ['true or false', isBoolean];
const CALL: Kind = ['a function', isFunction];
const TEXT: Kind = ['a text', isText];
const NAMES: Kind = ["a list of layers' names", isTexts, (value) => (isText(value) ? `wanted ['${value}']` : '')];
const LABELS: Kind = ['a list of labels', isTexts];
const ALL_LABELS: Kind = ['a list of labels', isTexts, () => "parseLabels(text) makes one of a file's text"];
const LIST: Kind = ['a list', Array.isArray];
const OBJECT: Kind = ['an object', isObject];
const SIGNAL: Kind = [
  'an AbortSignal',
  (value) => isFunction((value as Partial<AbortSignal> | null)?.throwIfAborted),
  (value) => (tagOf(value) === 'AbortController' ? 'give its .signal' : ''),
];
const FRACTION: Kind = ['a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1];
const COUNT: Kind = ['a whole number of 1 or more', (value) => Number.isInteger(value) && (value as number) >= 1];
const PIXELS: Kind = ['a whole number of pixels', Number.isInteger, () => 'wanted { left, top, width, height }'];

const RUN: KindsOf<ModelRunOptions> = {
  alpha: oneOf('drop', 'black', 'white'),
  region: OBJECT,
  rotation: oneOf(0, 90, 180, 270),
  mirror: SWITCH,
  scaling: oneOf('exact', 'canvas'),
  signal: SIGNAL,
};

const CLASSIFY: KindsOf<ModelClassifyOptions> = {
  top: COUNT,
  labels: ALL_LABELS,
  labelOffset: oneOf(0, 1),
  background: oneOf('keep', 'before-softmax', 'after-softmax'),
  threshold: FRACTION,
  allow: LABELS,
  deny: LABELS,
  ...RUN,
};

const EMBED: KindsOf<ModelEmbedOptions> = { layer: TEXT, pool: SWITCH, ...RUN };

const CLASSES: Kind = ['a list of labels or numbers of classes', Array.isArray];

const DETECT: KindsOf<ModelDetectOptions> = {
  scoreThreshold: FRACTION,
  iouThreshold: FRACTION,
  maxResults: COUNT,
  nms: oneOf('per-class', 'class-agnostic', 'none', 'as-file'),
  only: CLASSES,
  except: CLASSES,
  labels: ALL_LABELS,
  ...RUN,
};

const SEGMENT: KindsOf<ModelSegmentOptions> = {
  size: oneOf('picture', 'network'),
  labels: ALL_LABELS,
  from: oneOf('scores', 'labels'),
  confidence: SWITCH,
  smooth: ['a number from 0 up to, not including, 1', (value) => typeof value === 'number' && value >= 0 && value < 1],
  previous: OBJECT,
  ...RUN,
};

/** By the names of a model's calls. */
const OF_CALLS = {
  classify: CLASSIFY,
  detect: DETECT,
  segment: SEGMENT,
  embed: EMBED,
  logits: RUN,
  probabilities: RUN,
  trace: RUN,
};
export type Task = keyof typeof OF_CALLS;
const TASKS = Object.keys(OF_CALLS) as Task[];

const CHOICES: readonly unknown[] = ['auto', ...TARGETS];
const TARGET: Kind = [`one of ${CHOICES.join(', ')}`, (value) => [value].flat().every((one) => CHOICES.includes(one))];

const LOAD: KindsOf<LoadOptions> = {
  target: TARGET,
  onProgress: CALL,
  signal: SIGNAL,
  labels: ALL_LABELS,
  preprocessing: ['a preset or the rules themselves', (value) => isText(value) || isObject(value)],
  module: OBJECT,
  rounding: oneOf('single', 'double'),
  asRealNumbers: SWITCH,
  integers: CALL,
  reproducible: SWITCH,
  architecture: OBJECT,
  resolution: ['[height, width]', Array.isArray],
  outputs: NAMES,
  fileName: TEXT,
  readers: LIST,
  tasks: OBJECT,
  cache: ['true, false or a text', (value) => isBoolean(value) || isText(value)],
  integrity: TEXT,
  onFallback: CALL,
  fetch: CALL,
};

/** What a call has in a worker besides. */
export const TRANSFER: OptionKinds = { transfer: SWITCH };

export const checkLoadOptions = (options: unknown): void => checkOptions('load', options, LOAD);

/** Of one of a model's calls; `more` are options that it has in a worker besides. */
export function checkRunOptions(task: Task, options: ModelRunOptions, more: OptionKinds = {}): void {
  checkOptions(task, options, { ...OF_CALLS[task], ...more });
  const { region } = options;
  if (region === undefined) return;
  for (const side of ['left', 'top', 'width', 'height'] as const)
    checkKind(`${task}: region.${side}`, region[side], PIXELS);
}

/** Throws a UsageError for what is no object, for a name that is no option, with the nearest ones, and for a value of another kind. */
export function checkOptions(call: string, options: unknown, kinds: OptionKinds): void {
  if (tagOf(options) !== 'Object') {
    const meant = Object.keys(kinds).find((name) => kinds[name][1](options));
    const advice = meant === undefined ? '' : `; perhaps { ${meant}: … } was meant`;
    throw new UsageError(`${call}: options must be an object, found ${found(options)}${advice}`);
  }
  for (const [name, value] of Object.entries(options as object)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(kinds, name)) {
      const similar = similarNames(name, Object.keys(kinds)).slice(0, 3);
      throw new UsageError(`${call}: there is no option '${name}'; similar options: ${similar.join(', ')}`);
    }
    checkKind(`${call}: ${name}`, value, kinds[name]);
  }
}

/** Throws a UsageError for a value that is none of the kind; of a list, it says which element is none. */
function checkKind(what: string, value: unknown, [wanted, isOne, advice]: Kind): void {
  if (isOne(value)) return;
  const wrong = Array.isArray(value) ? value.find((one) => !isOne([one])) : undefined;
  const hint = advice?.(value) ?? '';
  throw new UsageError(
    `${what} must be ${wanted}, found ${wrong === undefined ? found(value) : `${found(wrong)} in it`}${hint && `; ${hint}`}`,
  );
}

/** Before `options`, `trace` takes names. */
export function checkTrace(input: unknown, names: unknown): void {
  if (Array.isArray(input)) throw new UsageError('trace: wanted one input, found a list');
  if (names !== undefined) checkKind('trace: names', names, NAMES);
}

/** Lets the calls be taken off their model: `const { classify } = model`. */
export function bindCalls(model: Model): void {
  for (const name of [...TASKS, 'report', 'dispose'] as const) {
    Object.defineProperty(model, name, { value: model[name].bind(model), writable: true, configurable: true });
  }
}
