/**
 * Hand-written checks for values that come from outside: a model file's description, a caller without types. A check returns the
 * value, rebuilt from its known parts only, or throws a NetworkError that says where it stands, what was found and what was wanted.
 */
import { type DepthwiseError, NetworkError } from './errors.js';
import type { ExplicitPadding, Padding, Pair } from './padding.js';

export type Check<Value> = (value: unknown, at: string) => Value;

/** The checks of an object's fields; a field whose value may be undefined may be left out. */
export type Fields<Value> = { readonly [Name in keyof Value]-?: Check<Value[Name]> };

/** Sizes and counts stay below this, so that products of a few of them stay exact. */
const LARGEST = 2 ** 31 - 1;
const LONGEST_TEXT = 1000;
/** Deepest tensor that a description may speak of. */
export const LARGEST_RANK = 8;

function fail(at: string, wanted: string, found: unknown): never {
  throw new NetworkError(`${at}: wanted ${wanted}, found ${show(found)}`);
}

/** A value in a few characters, for an error's text. */
export function show(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return `${value}`;
  if (typeof value === 'string') return value.length > 60 ? `'${value.slice(0, 60)}…'` : `'${value}'`;
  if (Array.isArray(value)) {
    const some = value.slice(0, 6).map((item) => (Array.isArray(item) ? 'a list' : show(item)));
    return `[${some.join(', ')}${value.length > 6 ? `, … ${value.length} in all` : ''}]`;
  }
  return typeof value === 'object'
    ? `an object with ${Object.keys(value).slice(0, 6).join(', ') || 'nothing'}`
    : `a ${typeof value}`;
}

/** For options: throws "target must be one of simd, scalar, found 'avx'" as an error of this class. */
export function expectOneOf(
  Problem: new (message: string) => DepthwiseError,
  what: string,
  choices: readonly unknown[],
  found: unknown,
): void {
  if (!choices.includes(found)) throw new Problem(`${what} must be one of ${choices.join(', ')}, found ${show(found)}`);
}

export function wholeNumber(smallest: number, largest = LARGEST): Check<number> {
  return (value, at) =>
    Number.isInteger(value) && (value as number) >= smallest && (value as number) <= largest
      ? (value as number)
      : fail(at, `a whole number from ${smallest} to ${largest}`, value);
}

export const finite: Check<number> = (value, at) =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(at, 'a finite number', value);

export function numberWhere(wanted: string, holds: (value: number) => boolean): Check<number> {
  return (value, at) => (holds(finite(value, at)) ? (value as number) : fail(at, wanted, value));
}

export const boolean: Check<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : fail(at, 'true or false', value);

/** A name: not empty, not longer than a thousand characters. */
export const text: Check<string> = (value, at) =>
  typeof value === 'string' && value.length > 0 && value.length <= LONGEST_TEXT
    ? value
    : fail(at, `a text of 1 to ${LONGEST_TEXT} characters`, value);

export function oneOf<const Choice extends string | number>(...choices: readonly Choice[]): Check<Choice> {
  return (value, at) =>
    choices.includes(value as Choice) ? (value as Choice) : fail(at, `one of ${choices.map(show).join(', ')}`, value);
}

export function listOf<Item>(item: Check<Item>, shortest: number, longest: number): Check<readonly Item[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length < shortest || value.length > longest) {
      return fail(at, `a list of ${shortest === longest ? longest : `${shortest} to ${longest}`}`, value);
    }
    return Array.from(value, (each, index) => item(each, `${at}[${index}]`));
  };
}

/** Throws for what is no object, and for a field that is none of these: it was meant to say something. */
export function expectFields(
  Problem: new (message: string) => DepthwiseError,
  at: string,
  names: readonly string[],
  value: unknown,
): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem(`${at}: wanted an object, found ${show(value)}`);
  }
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw new Problem(`${at}: there is no field ${show(other)}; wanted ${names.join(', ') || 'none'}`);
  }
}

/** An object with exactly these fields. */
export function record<Value extends object>(fields: Fields<Value>): Check<Value> {
  return (value, at) => {
    expectFields(NetworkError, at, Object.keys(fields), value);
    const checked: Record<string, unknown> = {};
    for (const [name, check] of Object.entries<Check<unknown>>(fields)) {
      const field = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
      const result = check(field, `${at}.${name}`);
      if (result !== undefined) checked[name] = result;
    }
    return checked as Value;
  };
}

/** The field may be left out. */
export function optional<Value>(check: Check<Value>): Check<Value | undefined> {
  return (value, at) => (value === undefined ? undefined : check(value, at));
}

/** A check that is put together when it is needed, so that a page that never needs it can leave it out. */
export function whenUsed<Value>(make: () => Check<Value>): Check<Value> {
  return (value, at) => make()(value, at);
}

export const positive = /* @__PURE__ */ wholeNumber(1);

export const pair: Check<Pair> = (value, at) => listOf(positive, 2, 2)(value, at) as unknown as Pair;

const side = /* @__PURE__ */ wholeNumber(0);
export const explicitPadding: Check<ExplicitPadding> = /* @__PURE__ */ record({
  top: side,
  bottom: side,
  left: side,
  right: side,
});

export const padding: Check<Padding> = (value, at) =>
  typeof value === 'object' ? explicitPadding(value, at) : oneOf('same', 'valid')(value, at);
