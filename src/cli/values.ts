/** Readers of flag values. What they throw, commander puts behind the flag's name and the value found. */
import { InvalidArgumentError } from 'commander';
import type { Pair } from '../padding.js';

/** A number above 0, such as a width multiplier. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('Wanted a number above 0.');
  }
  return value;
}

/** A number of 0 or more, such as a momentum. */
export function zeroOrMore(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('Wanted a number of 0 or more.');
  }
  return value;
}

/** A number above 0 and below 1. */
export function part(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('Wanted a number above 0 and below 1.');
  return value;
}

/** Some of the given words, separated by commas: 'onnx,tflite'. */
export function listOf<Word extends string>(words: readonly Word[]): (text: string) => readonly Word[] {
  return (text) => {
    const found = text.split(',').map((word) => word.trim());
    const strange = found.find((word) => !(words as readonly string[]).includes(word));
    if (strange !== undefined) {
      throw new InvalidArgumentError(`Wanted some of ${words.join(', ')}, separated by commas; found '${strange}'.`);
    }
    return found as Word[];
  };
}

/** A whole number of `least` or more, written in digits. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`Wanted a whole number of ${least} or more.`);
    }
    return value;
  };
}

/** '224', a square, or '240x320': height and width, in the order of every shape and of the networks' names. */
export function resolution(text: string): Pair {
  const sides = /^(\d+)(?:x(\d+))?$/.exec(text);
  const height = Number(sides?.[1]);
  const width = Number(sides?.[2] ?? sides?.[1]);
  if (sides === null || !(width >= 1 && height >= 1) || width * height > 2 ** 28) {
    throw new InvalidArgumentError('Wanted a side in pixels, 224, or height x width, 240x320.');
  }
  return [height, width];
}
