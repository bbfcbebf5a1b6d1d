/** Which network a file's weights may belong to, by their shapes alone: a hint in errors. */
import { readTensorFile } from '../formats/files.js';
import { type Architecture, mobilenet } from '../models/index.js';
import { wantedWeights } from '../network/shapes.js';
import type { Shape } from '../tensor.js';

export interface Lookalike {
  /** 'MobileNet V1 0.25' */
  readonly title: string;
  readonly architecture: Architecture;
  readonly alpha: number;
}

const published: readonly Lookalike[] = [
  ...[1, 0.75, 0.5, 0.25].map((alpha) => lookalike('mobilenet_v1', alpha)),
  ...[1.4, 1.3, 1, 0.75, 0.5, 0.35].map((alpha) => lookalike('mobilenet_v2', alpha)),
];

function lookalike(architecture: Architecture, alpha: number): Lookalike {
  return { title: `MobileNet V${architecture.slice(-1)} ${alpha}`, architecture, alpha };
}

/** Part of the weights that must fit: the classifier may be another, and so may what is beside the weights. */
const ENOUGH = 0.8;

/** The published width whose weights the file's are most like; undefined where none is. */
export async function lookalikeOf(path: string): Promise<Lookalike | undefined> {
  const tensors = await readTensorFile(path).catch(() => undefined);
  if (tensors === undefined) return undefined;
  const found = [...tensors.values()].map(({ shape }) => sizesOf(shape));
  const scored = published.map((one) => {
    const wanted = [...wantedWeights(mobilenet(one.architecture, { alpha: one.alpha })).values()].map(sizesOf);
    return { one, score: common(found, wanted) / Math.max(found.length, wanted.length) };
  });
  const best = scored.reduce((most, each) => (each.score > most.score ? each : most));
  return best.score >= ENOUGH ? best.one : undefined;
}

/** A shape in any library's order of axes. */
const sizesOf = (shape: Shape): string =>
  shape
    .filter((size) => size > 1)
    .sort((a, b) => a - b)
    .join(' ');

/** How many items stand in both lists. */
function common(a: readonly string[], b: readonly string[]): number {
  const left = [...b];
  return a.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  }).length;
}
