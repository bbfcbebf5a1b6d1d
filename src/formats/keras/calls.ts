/**
 * What a Keras layer is called with, as the files write it:
 *
 *   Keras 2    [[["conv1", 0, 0, {}], …]], of one tensor also [["conv1", 0, 0, { "y": 127.5 }]]
 *   Keras 3    [{ "args": [tensor or constant, …], "kwargs": {} }], where a tensor states its keras_history
 *
 * ["conv1", 0, 0] is a tensor's history: its layer, which of the layer's calls made it, and which of that call's results it is.
 */

import { listOf, show, text, wholeNumber } from '../../checks.js';
import { NetworkError } from '../../errors.js';

/** Most layers of a model, and most tensors of a call. */
export const MOST_LAYERS = 10_000;

/** Lists in lists in a call's arguments: Keras writes two at most. */
const DEEPEST = 4;

/** A result of a layer. */
export class History {
  readonly layer: string;
  readonly call: number;
  readonly result: number;
  /** Where the file says so. */
  readonly at: string;

  constructor(layer: string, call: number, result: number, at: string) {
    this.layer = layer;
    this.call = call;
    this.result = result;
    this.at = at;
  }
}

/** Tensors are a History each; all else is as the file has it. */
export interface KerasCall {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** The JSON object's fields. */
export function object(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NetworkError(`${at}: wanted an object, found ${show(value)}`);
  }
  return value as Fields;
}

const anything = <Value>(value: Value): Value => value;
const many = listOf<unknown>(anything, 0, MOST_LAYERS);

/** The only call of a layer. `noun` says what is called: a layer, a model. */
export function onlyCall(inbound: unknown, at: string, noun: string): KerasCall {
  const calls = many(inbound, at);
  if (calls.length !== 1) {
    throw new NetworkError(`${at}: a ${noun} must be used exactly once; this one is used ${calls.length} times`);
  }
  const where = `${at}[0]`;
  return Array.isArray(calls[0]) ? keras2Call(calls[0], where) : keras3Call(object(calls[0], where), where);
}

function keras2Call(call: readonly unknown[], at: string): KerasCall {
  const single = typeof call[0] === 'string';
  const items = single ? [call] : call;
  let kwargs: Fields = {};
  const args = items.map((item, index) => {
    const where = single ? at : `${at}[${index}]`;
    const [layer, , value, given] = listOf<unknown>(anything, 3, 4)(item, where);
    if (given !== undefined) kwargs = { ...kwargs, ...object(given, where) };
    return layer === '_CONSTANT_VALUE' ? value : historyOf(item, where);
  });
  return { args, kwargs: withHistories(kwargs, at, isHistory, historyOf) };
}

function keras3Call({ args, kwargs }: Fields, at: string): KerasCall {
  const tensor = (value: unknown, where: string) =>
    historyOf(object((value as Fields).config, `${where}.config`).keras_history, `${where}.config.keras_history`);
  const isTensor = (value: unknown) => (value as Fields | null)?.class_name === '__keras_tensor__';
  const read = (value: unknown, where: string, depth = 0): unknown[] => {
    if (isTensor(value)) return [tensor(value, where)];
    if (!Array.isArray(value)) return [value];
    if (depth > DEEPEST) throw new NetworkError(`${where}: lists nested deeper than ${DEEPEST}`);
    return value.flatMap((item, index) => read(item, `${where}[${index}]`, depth + 1));
  };
  return {
    args: listOf<unknown>(
      anything,
      0,
      MOST_LAYERS,
    )(args, `${at}.args`).flatMap((item, index) => read(item, `${at}.args[${index}]`)),
    kwargs: withHistories(object(kwargs ?? {}, `${at}.kwargs`), `${at}.kwargs`, isTensor, tensor),
  };
}

function withHistories(
  kwargs: Fields,
  at: string,
  isTensor: (value: unknown) => boolean,
  tensor: (value: unknown, at: string) => History,
): Fields {
  return Object.fromEntries(
    Object.entries(kwargs).map(([name, value]) => [name, isTensor(value) ? tensor(value, `${at}.${name}`) : value]),
  );
}

const isHistory = (value: unknown): boolean =>
  Array.isArray(value) && value.length >= 3 && typeof value[0] === 'string' && Number.isInteger(value[1]);

function historyOf(history: unknown, at: string): History {
  const [layer, call, result] = listOf<unknown>(anything, 3, 4)(history, at);
  const index = wholeNumber(0);
  return new History(text(layer, at), index(call, at), index(result, at), at);
}

/** Of the inputs or outputs of a model: [[name, 0, 0], …], [name, 0, 0] where there is one, or an object of them by name. */
export function histories(list: unknown, at: string): History[] {
  if (typeof list === 'object' && list !== null && !Array.isArray(list)) {
    return Object.entries(list).map(([name, history]) => historyOf(history, `${at}.${name}`));
  }
  const items = listOf<unknown>(anything, 1, MOST_LAYERS)(list, at);
  return typeof items[0] === 'string'
    ? [historyOf(items, at)]
    : items.map((history, index) => historyOf(history, `${at}[${index}]`));
}
