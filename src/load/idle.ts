/** Options that would have no effect: each is refused, for whoever gives one expects something of it. */
import { UsageError } from '../errors.js';
import type { LoadOptions } from './model.js';

type Option = keyof LoadOptions;

/** What a caller says about a file, and a network does not need. */
const OF_FILES: readonly Option[] = ['integrity', 'readers', 'fileName', 'architecture'];

/** By what is loaded; where no file is fetched by `load` itself, a cache has no use. `fetch` always has: it serves the addresses of pictures. */
const IDLE: { readonly [source: string]: readonly Option[] | undefined } = {
  'a network': ['cache', ...OF_FILES],
  'a published network': OF_FILES,
};

/** Throws a UsageError for the first option without effect. */
export const refuseIdle = (source: string, options: LoadOptions): void =>
  refuse(IDLE[source] ?? ['cache'], source, options);

function refuse(idle: readonly Option[], source: string, options: LoadOptions): void {
  const given = idle.find((option) => options[option] !== undefined && options[option] !== false);
  if (given) throw new UsageError(`load: ${given} has no effect with ${source}`);
}
