/**
 * What TensorFlow Lite's own metadata says of a classifier of pictures: the input's range and colours, and the names of its outputs. MediaPipe's
 * tasks ask for it (metadata_schema.fbs of tensorflow/tflite-support). Crop and resize rule have no place there.
 */
import type { Network, Preprocessing } from '../../network/index.js';
import type { FlatWriter, Written } from './flat-writer.js';
import {
  AssociatedFile,
  COLOR_SPACES,
  Content,
  IMAGE_PROPERTIES,
  ImageProperties,
  METADATA_IDENTIFIER,
  ModelMetadata,
  NORMALIZATION_OPTIONS,
  NormalizationOptions,
  ProcessUnit,
  SubGraphMetadata,
  TENSOR_AXIS_LABELS,
  TensorMetadata,
} from './schema.js';

/** The oldest reader that knows all this. */
const PARSER_VERSION = '1.0.0';

const LABELS_FILE = 'labels.txt';

/** What the archive behind the model holds: the labels, one a line. undefined for a network without labels. */
export function labelsFile({
  conventions: { labels },
}: Pick<Network, 'conventions'>): Map<string, Uint8Array> | undefined {
  if (labels === undefined) return undefined;
  const lines = labels.map((label) => label.replaceAll(/[\r\n]+/g, ' '));
  return new Map([[LABELS_FILE, new TextEncoder().encode(lines.join('\n'))]]);
}

/** The metadata of a network of one input and one output; undefined where there is nothing to say. */
export function encodeMetadata(
  writer: FlatWriter,
  network: Pick<Network, 'name' | 'inputs' | 'outputs' | 'conventions'>,
): Uint8Array | undefined {
  const { preprocessing, labels } = network.conventions;
  const isSimple = network.inputs.length === 1 && network.outputs.length === 1;
  if (!isSimple || (preprocessing === undefined && labels === undefined)) return undefined;
  const graph = writer.table(SubGraphMetadata, {
    input_tensor_metadata: writer.tables([inputTable(writer, network.inputs[0].name, preprocessing)]),
    output_tensor_metadata: writer.tables([outputTable(writer, network.outputs[0], labels !== undefined)]),
  });
  const root = writer.table(ModelMetadata, {
    name: writer.string(network.name),
    subgraph_metadata: writer.tables([graph]),
    min_parser_version: writer.string(PARSER_VERSION),
  });
  return writer.finish(root, METADATA_IDENTIFIER);
}

/** The schema knows red, green and blue in this order, and grey. */
function inputTable(writer: FlatWriter, name: string, preprocessing: Preprocessing | undefined): Written {
  if (preprocessing === undefined || preprocessing.channels === 'bgr') {
    return writer.table(TensorMetadata, { name: writer.string(name) });
  }
  const colours = preprocessing.channels === 'rgb' ? 'RGB' : 'GRAYSCALE';
  const properties = writer.table(ImageProperties, { color_space: COLOR_SPACES.indexOf(colours) });
  return writer.table(TensorMetadata, {
    name: writer.string(name),
    content: writer.table(Content, { content_properties_type: IMAGE_PROPERTIES, content_properties: properties }),
    process_units: writer.tables([normalization(writer, preprocessing)]),
  });
}

/** (byte · scale − mean) / deviation is (byte − mean / scale) / (deviation / scale). */
function normalization(writer: FlatWriter, { scale, mean, deviation }: Preprocessing): Written {
  const options = writer.table(NormalizationOptions, {
    mean: writer.float32s(mean.map((value) => value / scale)),
    std: writer.float32s(deviation.map((value) => value / scale)),
  });
  return writer.table(ProcessUnit, { options_type: NORMALIZATION_OPTIONS, options });
}

function outputTable(writer: FlatWriter, name: string, hasLabels: boolean): Written {
  const text = writer.string(name);
  if (!hasLabels) return writer.table(TensorMetadata, { name: text });
  const file = writer.table(AssociatedFile, { name: writer.string(LABELS_FILE), type: TENSOR_AXIS_LABELS });
  return writer.table(TensorMetadata, { name: text, associated_files: writer.tables([file]) });
}
