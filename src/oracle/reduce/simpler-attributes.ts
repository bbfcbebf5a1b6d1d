/** A problem with one attribute made plain, so that what is left in the end is part of the fault. */
import type { NetworkNode } from '../../network/index.js';
import type { Segment } from '../segment.js';
import { changed, orNone } from './smaller-tensors.js';

type Attributes = Readonly<Record<string, unknown>>;

const isOne = (pair: unknown): boolean => Array.isArray(pair) && pair.every((each) => each === 1);

/** The plain form of each attribute, and where it is so already. */
const plain: readonly { readonly name: string; readonly value: unknown; readonly is: (value: unknown) => boolean }[] = [
  { name: 'strides', value: [1, 1], is: isOne },
  { name: 'dilation', value: [1, 1], is: isOne },
  { name: 'padding', value: 'valid', is: (value) => value === 'valid' },
  { name: 'bias', value: false, is: (value) => value === false },
];

export function* simplifications(problem: Segment): Generator<Segment> {
  for (const { name, attributes } of problem.network.nodes) {
    for (const each of plain) {
      const its = attributes as Attributes | undefined;
      // A pad layer has no plain padding: without, it would be another layer.
      if (its?.[each.name] === undefined || each.is(its[each.name]) || 'value' in its) continue;
      const isIt = (node: NetworkNode): boolean => node.name === name;
      const simpler = orNone(() =>
        changed(problem, {
          attributes: (node) => (isIt(node) ? { [each.name]: each.value } : {}),
          weight: (node, weight, x) => (isIt(node) && each.name === 'bias' && weight === 'bias' ? undefined : x),
        }),
      );
      if (simpler) yield simpler;
    }
  }
}
