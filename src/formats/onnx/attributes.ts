/** What an operator's attributes may say: each rule reads one, and says in words what it accepts, for errors and for the documentation. */
import type { Constant, FileAttribute } from './model.js';

export interface Rule<Value> {
  /** e.g. "one of 'NOTSET', 'VALID'". */
  readonly accepts: string;
  /** The attribute's value, or undefined for one that this rule does not accept. */
  readonly read: (found: FileAttribute) => Value | undefined;
  /** Stands for an attribute that is left out; a rule without one wants the attribute. */
  readonly fallback?: Value;
}

export type Rules<Values> = { readonly [Name in keyof Values]: Rule<Values[Name]> };

/** The values that such rules read. */
export type Stated<Table> = { readonly [Name in keyof Table]: Table[Name] extends Rule<infer Value> ? Value : never };

const numbers = ({ type, value }: FileAttribute): readonly number[] | undefined =>
  type === 'INTS' || type === 'FLOATS' ? (value as readonly number[]) : undefined;

const number = ({ type, value }: FileAttribute, wanted: 'INT' | 'FLOAT'): number | undefined =>
  type === wanted ? (value as number) : undefined;

/** A rule that also has a fallback. */
export function or<Value>(fallback: Value, rule: Rule<Value>): Rule<Value> {
  return { ...rule, fallback };
}

export const float: Rule<number> = { accepts: 'a number', read: (found) => number(found, 'FLOAT') };

export const int: Rule<number> = { accepts: 'a whole number', read: (found) => number(found, 'INT') };

export const flag: Rule<boolean> = {
  accepts: '0 or 1',
  read: (found) => {
    const value = number(found, 'INT');
    return value === 0 || value === 1 ? value === 1 : undefined;
  },
};

/** Only this value; others mean something that no layer computes. */
export function only(value: number): Rule<number> {
  return {
    accepts: `${value}`,
    read: (found) => (found.value === value && found.type !== 'STRING' ? value : undefined),
    fallback: value,
  };
}

/** Any value: the attribute matters in training alone, or to other modes of the operator. */
export const ignored: Rule<undefined | null> = {
  accepts: 'anything (not used)',
  read: () => null,
  fallback: undefined,
};

export function word<const Choice extends string>(...choices: readonly Choice[]): Rule<Choice> {
  return {
    accepts: choices.map((choice) => `'${choice}'`).join(', '),
    read: ({ type, value }) => (type === 'STRING' ? choices.find((choice) => choice === value) : undefined),
  };
}

/** Whole numbers, as many as said. */
export function ints(count?: number, smallest = Number.NEGATIVE_INFINITY): Rule<readonly number[]> {
  const bound = smallest > Number.NEGATIVE_INFINITY ? ` of ${smallest} or more` : '';
  return {
    accepts: `${count ?? 'any number of'} whole numbers${bound}`,
    read: (found) => {
      const list = found.type === 'INTS' ? numbers(found) : undefined;
      const fits = list !== undefined && (count === undefined || list.length === count);
      return fits && list.every((item) => item >= smallest) ? list : undefined;
    },
  };
}

export const floats: Rule<readonly number[]> = {
  accepts: 'any number of numbers',
  read: (found) => (found.type === 'FLOATS' ? numbers(found) : undefined),
};

export const constantTensor: Rule<Constant> = {
  accepts: 'a tensor',
  read: ({ type, value }) => (type === 'TENSOR' ? (value as Constant) : undefined),
};

/** May be left out, and is then undefined. */
export function optional<Value>(rule: Rule<Value>): Rule<Value | undefined> {
  return { ...rule, fallback: undefined };
}
