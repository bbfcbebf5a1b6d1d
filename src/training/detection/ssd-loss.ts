/**
 * SSD's loss of one picture (arXiv:1512.02325 §2.2), with the sigmoid of object_detection's configurations in place of the softmax. For anchors i, codes
 * c_i with targets g_i, logits z_i of slots s (slot 0 is background) with targets t_i, 1 for the slot of the anchor's object and 0 for others:
 *
 *   box    = Σ_i matched Σ_k huber(c_ik − g_ik),    huber(d) = d² / 2 for |d| ≤ 1, |d| − ½ beyond ("smooth L1")
 *   class  = Σ_i chosen Σ_s ln(1 + e^z_is) − t_is · z_is
 *
 * Chosen are all matched anchors and, of the others, those about which the network errs most: three times as many as matched ones ("hard negatives"), or
 * else thousands of easy ones would drown the few objects. Both sums are divided by the matched anchors of the whole batch.
 */
import { ShapeError } from '../../errors.js';
import type { FloatArray } from '../../tensor.js';
import { BACKGROUND, encodeBox, matchAnchors, type Target } from './matching.js';

export interface SsdSpec {
  /** Centre y, centre x, height, width of each, one after the other. */
  readonly anchors: readonly number[];
  readonly scales: readonly [number, number, number, number];
  /** Scores a box: one more than there are classes. */
  readonly slots: number;
}

/** What one picture's anchors are to say. */
export interface Wanted {
  /** Slot for each anchor; 0 is background. */
  readonly slots: Int32Array;
  /** [N, 4]; only of matched anchors. */
  readonly codes: Float32Array;
  /** Anchors that are to find an object. */
  readonly matched: number;
}

export function wantedOf({ anchors, scales }: SsdSpec, targets: readonly Target[]): Wanted {
  const matches = matchAnchors(anchors, targets);
  const slots = new Int32Array(matches.length);
  const codes = new Float32Array(anchors.length);
  let matched = 0;
  matches.forEach((target, anchor) => {
    if (target === BACKGROUND) return;
    matched++;
    slots[anchor] = targets[target].classIndex + 1;
    codes.set(encodeBox(targets[target].box, anchors.slice(anchor * 4, anchor * 4 + 4), scales), anchor * 4);
  });
  return { slots, codes, matched };
}

export interface SsdLoss {
  /** Sums over the picture, not divided yet. */
  readonly box: number;
  readonly classes: number;
  readonly dCodes: Float32Array;
  readonly dLogits: Float32Array;
}

/** Negatives for each matched anchor. */
const NEGATIVES = 3;

/** Negatives of a picture without objects, that it may teach something too. */
const LEAST_NEGATIVES = 3;

/** Codes [N, 4] and logits [N, slots] of one picture. Gradients are of the sums. */
export function ssdLoss(codes: FloatArray, logits: FloatArray, { slots: S }: SsdSpec, wanted: Wanted): SsdLoss {
  const N = wanted.slots.length;
  if (codes.length !== N * 4 || logits.length !== N * S) {
    throw new ShapeError(
      `ssdLoss: ${N} anchors and ${S} slots want ${N * 4} codes and ${N * S} logits, found ${codes.length} and ${logits.length}`,
    );
  }
  const dCodes = new Float32Array(codes.length);
  const dLogits = new Float32Array(logits.length);
  let box = 0;
  let classes = 0;
  const surprise = new Float64Array(N);
  for (let anchor = 0; anchor < N; anchor++) {
    for (let slot = 0; slot < S; slot++) {
      const z = logits[anchor * S + slot];
      surprise[anchor] += softplus(z) - (slot === wanted.slots[anchor] ? z : 0);
    }
  }
  for (const anchor of chosen(surprise, wanted)) {
    classes += surprise[anchor];
    for (let slot = 0; slot < S; slot++) {
      const at = anchor * S + slot;
      dLogits[at] = 1 / (1 + Math.exp(-logits[at])) - (slot === wanted.slots[anchor] ? 1 : 0);
    }
    if (wanted.slots[anchor] === 0) continue;
    for (let at = anchor * 4; at < anchor * 4 + 4; at++) {
      const d = codes[at] - wanted.codes[at];
      box += Math.abs(d) <= 1 ? (d * d) / 2 : Math.abs(d) - 0.5;
      dCodes[at] = Math.min(Math.max(d, -1), 1);
    }
  }
  return { box, classes, dCodes, dLogits };
}

/** ln(1 + e^z), without overflow. */
const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** The matched anchors and the hardest negatives. */
function chosen(surprise: Float64Array, { slots, matched }: Wanted): number[] {
  const positives: number[] = [];
  const negatives: number[] = [];
  for (const [anchor, slot] of slots.entries()) (slot === 0 ? negatives : positives).push(anchor);
  negatives.sort((a, b) => surprise[b] - surprise[a] || a - b);
  return [...positives, ...negatives.slice(0, Math.max(NEGATIVES * matched, LEAST_NEGATIVES))];
}
