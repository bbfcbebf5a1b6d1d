/** Options that would have no effect: each is refused, for whoever gives one expects something of it. */
import { UsageError } from '../errors.js';
import type { Reader } from '../formats/reader.js';
import type { Network } from '../network/network.js';
import type { LoadOptions } from './model.js';

type Option = keyof LoadOptions;

/** What a caller says about a file, and a network does not need. */
const OF_FILES: readonly Option[] = ['integrity', 'readers', 'fileName', 'architecture', 'resolution', 'outputs'];

/** By what is loaded; where no file is fetched by `load` itself, a cache has no use. `fetch` always has: it serves the addresses of pictures. */
const IDLE: { readonly [source: string]: readonly Option[] | undefined } = {
  'a network': ['cache', ...OF_FILES],
  'a published network': OF_FILES,
};

/** Throws a UsageError for the first option without effect. */
export const refuseIdle = (source: string, options: LoadOptions): void =>
  refuse(IDLE[source] ?? ['cache'], source, options);

/** What only some formats have a use for. An architecture has an error of its own in the readers. */
export function refuseIdleIn(file: string, format: Reader['format'], options: LoadOptions): void {
  if (format !== 'onnx') refuse(['outputs'], `${file} (${format})`, options);
  if (format !== 'hdf5' && format !== 'tfjs' && format !== 'onnx')
    refuse(['resolution'], `${file} (${format})`, options);
}

/** A resolution is for files that leave it open. One that states another would be run at its own. */
export function refuseOtherSize(file: string, { inputs }: Network, { resolution }: LoadOptions): void {
  const other = inputs.find(({ shape }) => resolution && (shape[1] !== resolution[0] || shape[2] !== resolution[1]));
  if (!other) return;
  throw new UsageError(
    `load: ${file} states inputs of [${other.shape.join(', ')}], not ${resolution?.join(' x ')}; readNetwork takes a resolution and gives a network to load`,
  );
}

function refuse(idle: readonly Option[], source: string, options: LoadOptions): void {
  const given = idle.find((option) => options[option] !== undefined && options[option] !== false);
  if (given) throw new UsageError(`load: ${given} has no effect with ${source}`);
}
