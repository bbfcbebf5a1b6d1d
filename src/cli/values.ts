/** Readers of flag values. What they throw, commander puts behind the flag's name and the value found. */
import { InvalidArgumentError, Option } from 'commander';
import type { Region } from '../image/index.js';
import type { Pair } from '../padding.js';

/** A number for which the condition holds. */
const numberWhere = (wanted: string, holds: (value: number) => boolean) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && holds(value)) return value;
  throw new InvalidArgumentError(`Wanted a number ${wanted}.`);
};

/** Such as a width multiplier. */
export const positiveNumber = numberWhere('above 0', (value) => value > 0);

/** Such as a momentum. */
export const zeroOrMore = numberWhere('of 0 or more', (value) => value >= 0);

export const part = numberWhere('above 0 and below 1', (value) => value > 0 && value < 1);

export const share = numberWhere('from 0 to 1', (value) => value >= 0 && value <= 1);

export const shareBelowOne = numberWhere('from 0 up to, not including, 1', (value) => value >= 0 && value < 1);

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

/** A whole number of `least` or more, up to `most` where that is stated, written in digits. */
export function wholeNumber(least: number, most?: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > (most ?? Number.MAX_SAFE_INTEGER)) {
      const range = most === undefined ? `of ${least} or more` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`Wanted a whole number ${range}.`);
    }
    return value;
  };
}

/** Of random numbers, which know seeds of 32 bits alone. */
export const seedNumber = wholeNumber(0, 2 ** 32 - 1);

/** '224', a square, or '240x320': height and width, in the order of every shape and of the networks' names. */
export function resolution(text: string): Pair {
  const sides = /^(\d+)(?:x(\d+))?$/.exec(text);
  const height = Number(sides?.[1]);
  const width = Number(sides?.[2] ?? sides?.[1]);
  if (sides === null || !(width >= 1 && height >= 1) || width * height > 2 ** 28) {
    throw new InvalidArgumentError('Wanted a side in pixels, 224, or height x width, 240x320; 16384x16384 at most.');
  }
  return [height, width];
}

/** Words separated by commas, such as labels. */
export const words = (text: string): string[] => text.split(',').map((word) => word.trim());

export const regionOption = (): Option =>
  new Option('--region <x,y,w,h>', 'look at this part of the pictures alone, in pixels').argParser(region);

function region(text: string): Region {
  const sides = /^(\d+),(\d+),(0*[1-9]\d*),(0*[1-9]\d*)$/.exec(text);
  if (sides === null) throw new InvalidArgumentError('Wanted left, top, width and height in pixels: 10,20,300,200.');
  const [left, top, width, height] = sides.slice(1).map(Number);
  return { left, top, width, height };
}

export const fromOption = (): Option =>
  new Option(
    '--from <what>',
    'scores, which are resized to the picture and then compared, or labels, of which each pixel takes the nearest; scores unless given, where the network has them',
  ).choices(['scores', 'labels']);

export const turnOption = (): Option =>
  new Option('--turn <degrees>', 'turn the picture, or its region, clockwise before it is looked at')
    .choices(['0', '90', '180', '270'])
    .default('0');

/** labelSmoothing → --label-smoothing; a picture is no option. */
export const optionWord = (name: string): string =>
  name === 'picture' ? 'a picture' : `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Those of the fields that are there. */
export function given<T extends object, Key extends keyof T>(
  from: T,
  keys: readonly Key[],
): { [Field in Key]?: Exclude<T[Field], undefined> } {
  const found = keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]);
  return Object.fromEntries(found) as { [Field in Key]?: Exclude<T[Field], undefined> };
}
