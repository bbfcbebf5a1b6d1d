/** The conventions of a network of ours, as JSON beside a network in another format, which has no other place for them. */
import { type Conventions, fromJson, type Network, toJson } from '../network/index.js';
import { parseJson } from './json.js';

/** The entry's name, in whatever a format has for notes. */
export const CONVENTIONS_KEY = 'depthwise.conventions';

export const conventionsText = ({ conventions }: Network): string => JSON.stringify(conventions);

/** The conventions in such a text, checked as those of any file, for the network that was read from the file beside it. */
export function statedConventions(json: string, network: Network, file: string): Conventions {
  const conventions = parseJson(json, `${file}: the metadata '${CONVENTIONS_KEY}'`);
  return fromJson({ ...toJson(network), conventions }).conventions;
}
