/** The conventions of a network of ours, as JSON beside a network in another format, which has no other place for them. */
import { FormatError } from '../errors.js';
import { type Conventions, fromJson, type Network, toJson } from '../network/index.js';

/** The entry's name, in whatever a format has for notes. */
export const CONVENTIONS_KEY = 'depthwise.conventions';

export const conventionsText = ({ conventions }: Network): string => JSON.stringify(conventions);

/** The conventions in such a text, checked as those of any file, for the network that was read from the file beside it. */
export function statedConventions(json: string, network: Network, file: string): Conventions {
  let conventions: Conventions;
  try {
    conventions = JSON.parse(json);
  } catch (error) {
    throw new FormatError(`${file}: the metadata '${CONVENTIONS_KEY}' is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return fromJson({ ...toJson(network), conventions }).conventions;
}
