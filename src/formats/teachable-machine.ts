/**
 * Teachable Machine's exports for the web: a TensorFlow.js model and, beside it, metadata.json, which names the classes and says how their pictures
 * were seen (teachablemachine-community, libraries/image/src/custom-mobilenet.ts: `Metadata`, and `capture`, which divides by 127).
 */

import { listOf, text } from '../checks.js';
import { NetworkError } from '../errors.js';
import { inferShapes, type Network, type Preprocessing, preprocessingPreset } from '../network/index.js';
import { parseJson } from './json.js';

/** The file's name, in the model's folder. */
export const METADATA_FILE = 'metadata.json';

/**
 * The network with the labels of a metadata.json and, where its input is a picture, Teachable Machine's preprocessing. Other programs' files of that name
 * change nothing. Throws a FormatError for text that is no JSON, a NetworkError for labels that are not one for each output.
 */
export function withTeachableMetadata(network: Network, metadata: Uint8Array, file: string): Network {
  const found = parseJson(new TextDecoder().decode(metadata), `${file}: ${METADATA_FILE}`);
  if (!isTeachable(found)) return network;
  const labels = listOf(text, 1, 100_000)(found.labels, `${METADATA_FILE}: labels`);
  const outputs = inferShapes(network).get(network.outputs[0])!.at(-1)!;
  if (labels.length !== outputs) {
    throw new NetworkError(
      `${METADATA_FILE}: found ${labels.length} labels for the ${outputs} outputs of the model beside it`,
    );
  }
  const preprocessing = teachablePreprocessing(network);
  const { assumed: _, ...others } = network.conventions;
  const conventions = { ...others, labelOffset: 0, labels } as const;
  return { ...network, conventions: { ...conventions, ...(preprocessing && { preprocessing }) } };
}

/** Models of sounds have `wordLabels` in place of `labels`: they are not of this kind. */
function isTeachable(metadata: unknown): metadata is { readonly labels: unknown } {
  if (typeof metadata !== 'object' || metadata === null || !('labels' in metadata)) return false;
  const { packageName } = metadata as { packageName?: unknown };
  return 'tmVersion' in metadata || (typeof packageName === 'string' && packageName.startsWith('@teachablemachine/'));
}

/** Undefined for an input that is no picture: models of poses read key points. */
export function teachablePreprocessing({ inputs: [{ shape }] }: Network): Preprocessing | undefined {
  const [, height, width, channels] = shape;
  if (channels !== 1 && channels !== 3) return undefined;
  return preprocessingPreset('teachable-machine', [height, width], channels);
}
