/**
 * Gradients by finite differences in float64, the witness of every `backward`. The loss is L = Σ r · y with random r, so that ∂L/∂y = r. One
 * number after the other is moved by ±h, and of two central differences Richardson's mixture is taken:
 *
 *   D(h) = (L(+h) − L(−h)) / 2h = L′ + a·h² + O(h⁴),   L′ ≈ (4·D(h/2) − D(h)) / 3
 *
 * How far the mixture may be wrong:
 * - truncation: |D(h) − D(h/2)| is ¾·|a|·h², many times the O(h⁴) that the mixture leaves, whatever the function is;
 * - rounding: 2⁻⁴⁴, some 500 roundings of float64, of the numbers that L adds up, divided by h.
 *
 * With h = 2⁻¹² both are some 10⁻⁸ of a slope of 1, where one product more or less in a formula is a difference of the order of 1. Functions
 * with a kink must be given numbers that are further than h away from it.
 */
import { expect } from 'vitest';
import type { Gradients } from '../../src/layers/index.js';
import { coordinateOf, sizeOf, type Tensor, toFloat64 } from '../../src/tensor.js';
import { randomTensor } from './support.js';

const h = 2 ** -12;
const ROUNDINGS = 2 ** -44;

export type NamedTensors = Readonly<Record<string, Tensor>>;

/** A layer with its attributes filled in. */
export interface Differentiable {
  readonly forward: (inputs: readonly Tensor[], weights: NamedTensors) => Tensor;
  readonly backward: (outputGradient: Tensor, inputs: readonly Tensor[], weights: NamedTensors) => Gradients;
}

/** Every number of every gradient against the slope of the loss. */
export function expectSlopes(
  { forward, backward }: Differentiable,
  inputs: readonly Tensor[],
  weights: NamedTensors = {},
): void {
  const exactInputs = inputs.map(toFloat64);
  const exactWeights = Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, toFloat64(w)]));
  const y = forward(exactInputs, exactWeights);
  const r = toFloat64(randomTensor(y.shape, sizeOf(y.shape)));
  const gradients = backward(r, exactInputs, exactWeights);

  expect(gradients.inputs.length).toBe(inputs.length);
  expect(Object.keys(gradients.weights)).toEqual(Object.keys(weights).filter((name) => !name.startsWith('moving')));

  const loss = () => sumOver(forward(exactInputs, exactWeights), (value, i) => value * r.data[i]);
  const magnitude = sumOver(y, (value, i) => (1 + Math.abs(value)) * Math.abs(r.data[i]));
  exactInputs.forEach((x, i) => {
    expectSlopesOf(`input ${i}`, x, gradients.inputs[i], loss, magnitude);
  });
  for (const [name, gradient] of Object.entries(gradients.weights)) {
    expectSlopesOf(name, exactWeights[name], gradient, loss, magnitude);
  }
}

function sumOver({ data }: Tensor, term: (value: number, index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += term(data[i], i);
  return sum;
}

/** The slopes of `loss` at each number of `x`, which it must read anew, against `gradient`. `magnitude` is Σ|…| of what the loss adds up. */
export function expectSlopesOf(
  name: string,
  x: Tensor,
  gradient: Tensor,
  loss: () => number,
  magnitude: number,
  indices: Iterable<number> = x.data.keys(),
): void {
  expect(gradient.shape).toEqual(x.shape);
  for (const i of indices) {
    const at = x.data[i];
    const difference = (step: number): number => {
      x.data[i] = at + step;
      const above = loss();
      x.data[i] = at - step;
      const below = loss();
      x.data[i] = at;
      return (above - below) / (2 * step);
    };
    const [coarse, fine] = [difference(h), difference(h / 2)];
    const slope = (4 * fine - coarse) / 3;
    const bound = Math.abs(coarse - fine) + (ROUNDINGS * magnitude) / h;
    if (Math.abs(gradient.data[i] - slope) <= bound) continue;
    expect.fail(`${name}[${coordinateOf(x.shape, i)}]: ∂L is ${gradient.data[i]}, the slope ${slope} ± ${bound}`);
  }
}
