/**
 * A model file in a zip archive, as Teachable Machine's downloads for Keras and TensorFlow Lite are: keras_model.h5, model_unquant.tflite or model.tflite
 * beside labels.txt.
 */
import { NetworkError } from '../errors.js';
import { inferShapes, type Network } from '../network/index.js';
import { teachablePreprocessing } from './teachable-machine.js';

const LABELS_FILE = 'labels.txt';

/** Files whose pictures Teachable Machine feeds as real numbers; a quantised file states their range. */
const REAL_MODELS = ['keras_model.h5', 'model_unquant.tflite'];

type Archive = ReadonlyMap<string, Uint8Array>;

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The path of the only model file in an archive; undefined where there is none or are several. */
export function modelIn(archive: Archive): string | undefined {
  // Names that begin with a point are what macOS adds to archives.
  const models = [...archive.keys()].filter((path) => /^[^.].*\.(h5|hdf5|keras|onnx|tflite)$/i.test(baseName(path)));
  return models.length === 1 ? models[0] : undefined;
}

/** The model's network with the labels beside it and, for Teachable Machine's, its preprocessing. */
export function withArchivedLabels(network: Network, archive: Archive, model: string, file: string): Network {
  const text = archive.get(`${model.slice(0, -baseName(model).length)}${LABELS_FILE}`);
  if (text === undefined) return network;
  const labels = labelsOf(new TextDecoder().decode(text));
  const outputs = inferShapes(network).get(network.outputs[0])!.at(-1)!;
  if (labels.length !== outputs) {
    throw new NetworkError(
      `${file}: ${LABELS_FILE}: found ${labels.length} labels for the ${outputs} outputs of ${model}`,
    );
  }
  const preprocessing = REAL_MODELS.includes(baseName(model)) ? teachablePreprocessing(network) : undefined;
  const { assumed: _, ...others } = network.conventions;
  const conventions = { ...others, labelOffset: 0, labels } as const;
  return { ...network, conventions: { ...conventions, ...(preprocessing && { preprocessing }) } };
}

/** '0 Cat', '1 Dog' as Teachable Machine writes them; other lines as they are. */
function labelsOf(text: string): string[] {
  const lines = text.trimEnd().split(/\r?\n/);
  const numbered = lines.map((line) => /^(\d+) (.*)$/.exec(line));
  const inOrder = numbered.every((match, index) => match !== null && Number(match[1]) === index);
  return inOrder ? numbered.map((match) => match![2]) : lines;
}
