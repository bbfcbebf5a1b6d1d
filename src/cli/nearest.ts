/** Names that may have been meant. */
import { editDistance, similarNames } from '../network/rewriting/subnetwork.js';

/** ' (Did you mean keras?)' where one of the names differs by at most three letters, as commander asks for commands and options. */
export function didYouMean(name: string, names: readonly string[]): string {
  const [first] = similarNames(name, names);
  if (first === undefined) return '';
  const distance = editDistance(name.toLowerCase(), first.toLowerCase());
  return distance <= 3 && distance < 0.6 * Math.max(name.length, first.length) ? ` (Did you mean ${first}?)` : '';
}
