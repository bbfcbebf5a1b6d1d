/** The conventions of a network of ours beside a network in another format, which has no other place for them. */
import { type Conventions, fromJson, type Network, toJson } from '../network/index.js';
import { parseJson } from './json.js';

/** The entry's name, in whatever a format has for notes. */
export const CONVENTIONS_KEY = 'depthwise.conventions';
/** Key of the network's name in the metadata of formats that have no place for one. */
export const NAME_KEY = 'depthwise.name';

export const conventionsText = ({ conventions }: Pick<Network, 'conventions'>): string => JSON.stringify(conventions);

/** The conventions in such a text, for the network that was read from the file beside it. */
export function statedConventions(json: string, network: Network, file: string): Conventions {
  return checkedConventions(parseJson(json, `${file}: the metadata '${CONVENTIONS_KEY}'`), network);
}

/** Checks them as those of any file. */
export function checkedConventions(conventions: unknown, network: Network): Conventions {
  return fromJson({ ...toJson(network), conventions }).conventions;
}
