import { expect } from 'vitest';
import type { Network } from '../../src/network/index.js';
import type { Tensor } from '../../src/tensor.js';

/** Same names, shapes, number types and bits, in any order. */
export function expectSameTensors(found: ReadonlyMap<string, Tensor>, wanted: ReadonlyMap<string, Tensor>): void {
  expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [name, { shape, data }] of wanted) {
    const other = found.get(name)!;
    expect([name, other.shape, other.data.constructor]).toEqual([name, shape, data.constructor]);
    const different = data.findIndex((value, index) => !Object.is(value, other.data[index]));
    if (different >= 0) {
      expect.fail(`${name}: number ${different} is ${other.data[different]}, wanted ${data[different]}`);
    }
  }
}

/** Same description and same weights. (Comparing maps of large arrays with toEqual takes seconds.) */
export function expectSameNetwork(
  { weights, ...found }: Network,
  { weights: wantedWeights, ...wanted }: Network,
): void {
  expect(found).toEqual(wanted);
  expectSameTensors(weights, wantedWeights);
}
