/** Options that would have no effect: each is refused, for whoever gives one expects something of it. */
import { UsageError } from '../errors.js';
import type { Reader } from '../formats/reader.js';
import type { LoadOptions } from './model.js';

type Option = keyof LoadOptions;

/** What a caller says about a file, and a network does not need. */
const OF_FILES: readonly Option[] = ['integrity', 'readers', 'fileName', 'architecture', 'resolution', 'outputs'];

/** By what is loaded. `fetch` serves the addresses of pictures, whatever the model comes from. */
const IDLE = {
  'a network': ['cache', ...OF_FILES],
  'a published network': OF_FILES,
  'a file': ['cache'],
  'a response': ['cache'],
  'bytes in memory': ['cache'],
  'a request that is not a GET': ['cache'],
} satisfies Record<string, readonly Option[]>;

/** Throws a UsageError for the first option without effect. */
export const refuseIdle = (source: keyof typeof IDLE, options: LoadOptions): void =>
  refuse(IDLE[source], source, options);

/** What only some formats have a use for. An architecture has an error of its own in the readers. */
const BY_FORMAT: { readonly [Name in 'resolution' | 'outputs']: readonly Reader['format'][] } = {
  resolution: ['hdf5', 'tfjs'],
  outputs: ['onnx'],
};

/** Throws a UsageError for an option that the file's format has no use for. */
export function refuseIdleIn(file: string, format: Reader['format'], options: LoadOptions): void {
  const idle = (['resolution', 'outputs'] as const).filter((option) => !BY_FORMAT[option].includes(format));
  refuse(idle, `${file}, a file of the format ${format}`, options);
}

function refuse(idle: readonly Option[], source: string, options: LoadOptions): void {
  const given = idle.find((option) => options[option] !== undefined && options[option] !== false);
  if (given !== undefined) throw new UsageError(`load: ${given} has no effect with ${source}`);
}
