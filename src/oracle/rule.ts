/** What a rule gets and gives: a layer's inputs as far as they are known, and its output. One rule a kind; the kinds are in `estimate-node.ts`. */
import type { Tensor } from '../tensor.js';
import type { Estimate } from './estimate.js';
import type { Precision } from './precision.js';

export interface RuleInput<Attributes> {
  readonly inputs: readonly Estimate[];
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly attributes: Attributes;
  readonly precision: Precision;
  /** The layer itself, on other tensors: with the node's attributes and no weights unless given. */
  readonly forward: (inputs: readonly Tensor[], weights?: object, attributes?: object) => Tensor;
}

export type Rule<Attributes> = (input: RuleInput<Attributes>) => Estimate;
