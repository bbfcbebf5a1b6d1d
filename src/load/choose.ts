/** Which of a model's predictions the caller wants: MediaPipe's options of the same names, with labels checked. */
import { UsageError } from '../errors.js';
import { found } from '../found.js';
import { similarLabels } from '../network/rewriting/subnetwork.js';
import type { Prediction } from '../tasks/predictions.js';

export interface ChoiceOptions {
  /** How many predictions, best first; 5 unless stated. */
  readonly top?: number;
  /** Only predictions of this probability or more; all unless stated. */
  readonly threshold?: number;
  /** Only these labels. */
  readonly allow?: readonly string[];
  /** None of these labels. */
  readonly deny?: readonly string[];
}

/**
 * The wanted ones of a model's predictions, of which `best` gives the first so many, the best first. Throws a UsageError for labels that the model does
 * not have.
 */
export function chosen(best: (top: number) => Prediction[], options: ChoiceOptions): Prediction[] {
  const { top = 5, threshold = 0, allow, deny } = options;
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new UsageError(`classify: threshold must be a number from 0 to 1, found ${threshold}`);
  }
  const likely = ({ probability }: Prediction) => probability >= threshold;
  if (allow === undefined && deny === undefined) return best(top).filter(likely);
  best(top); // refuses a top that is no count
  const all = best(Number.MAX_SAFE_INTEGER);
  const allowed = labelSet('allow', allow, all);
  const denied = labelSet('deny', deny, all);
  return all
    .filter(({ label }) => (allowed?.has(label) ?? true) && !denied?.has(label))
    .filter(likely)
    .slice(0, top);
}

function labelSet(
  option: string,
  labels: readonly string[] | undefined,
  all: readonly Prediction[],
): ReadonlySet<string> | undefined {
  if (labels === undefined) return undefined;
  if (!Array.isArray(labels))
    throw new UsageError(`classify: ${option} must be a list of labels, found ${found(labels)}`);
  const known = new Set(all.map(({ label }) => label));
  const unknown = labels.find((label) => !known.has(label));
  if (unknown !== undefined) {
    const similar = similarLabels(unknown, [...known]).map((label) => `'${label}'`);
    throw new UsageError(`classify: ${option}: there is no label '${unknown}'; similar labels: ${similar.join(', ')}`);
  }
  return new Set(labels);
}
