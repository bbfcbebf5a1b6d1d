/** What a file says, in its tensors or in its metadata, about its input's range, its outputs' meaning and their labels. */
import { ByteBuffer } from 'flatbuffers';
import { assumedLabelOffset } from '../../network/conventions.js';
import { endsInProbabilities } from '../../network/heads.js';
import type { Conventions, Network, Preprocessing } from '../../network/index.js';
import { expressibleRange } from '../../network/rewriting/as-real-numbers.js';
import { unzip } from '../zip.js';
import { quantizedType } from './constants.js';
import { FlatFile, type FlatTable } from './flatbuffer.js';
import type { FileModel, FileTensor } from './model.js';
import {
  AssociatedFile,
  METADATA_NAME,
  ModelMetadata,
  NORMALIZATION_OPTIONS,
  NormalizationOptions,
  ProcessUnit,
  SubGraphMetadata,
  TENSOR_AXIS_LABELS,
  TensorMetadata,
} from './schema.js';

export async function conventionsOf(
  model: FileModel,
  network: Pick<Network, 'nodes' | 'outputs'>,
): Promise<Conventions> {
  const metadata = readMetadata(model);
  const classes = classCount(model);
  const output = outputOf(network, classes);
  const labels = classes && (await labelsOf(model, metadata, classes));
  const preprocessing = preprocessingOf(model, metadata, classes === 1000 || classes === 1001);
  return {
    source: 'tflite',
    output,
    ...assumedLabelOffset(classes),
    ...(labels && { labels }),
    ...(preprocessing && { preprocessing }),
  };
}

/** Number of scores that the only output [batch, classes] holds; undefined for other networks. */
function classCount({ outputs }: FileModel): number | undefined {
  return outputs.length === 1 && outputs[0].shape.length === 2 ? outputs[0].shape[1] : undefined;
}

/** Decided by the last layer that computes something: softmax and sigmoid yield probabilities. */
function outputOf(network: Pick<Network, 'nodes' | 'outputs'>, classes: number | undefined): Conventions['output'] {
  if (endsInProbabilities(network, network.outputs[0])) return 'probabilities';
  return classes === undefined ? 'features' : 'logits';
}

/**
 * Picture bytes to real numbers. Quantised files say it by the scale and zero point of their input, real = scale · (integer − zero
 * point), where int8 counts bytes from −128; float files only in metadata, (byte − mean) / deviation. Which part of the picture
 * to use no file says: classifiers get slim's central 87.5 % and legacy resizing, as the weights of this family were trained with,
 * everything else the whole picture by half-pixel, with which published answers of detectors agree within a pixel. Both are marked
 * as assumed.
 */
function preprocessingOf(model: FileModel, metadata: TensorTables, classifies: boolean): Preprocessing | undefined {
  const [input] = model.inputs;
  const [, height, width, channels] = input.shape;
  if (model.inputs.length !== 1 || input.shape.length !== 4 || (channels !== 3 && channels !== 1)) return undefined;
  const values = quantizedValues(input) ?? normalizedValues(metadata.inputs[0]);
  if (values === undefined) return undefined;
  const perChannel = (numbers: readonly number[]) =>
    Array.from({ length: channels }, (_, c) => numbers[c] ?? numbers[0]);
  return {
    crop: classifies ? { kind: 'central', fraction: 0.875 } : { kind: 'stretch' },
    resize: classifies ? 'tf1-legacy' : 'half-pixel',
    size: [height, width],
    channels: channels === 3 ? 'rgb' : 'grey',
    scale: values.scale,
    mean: perChannel(values.mean),
    deviation: perChannel(values.deviation),
    assumed: ['crop', 'resize'],
  };
}

interface Values {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

function quantizedValues(input: FileTensor): Values | undefined {
  const type = quantizedType(input);
  return type && { scale: type.scale, mean: [-expressibleRange(type)!.min], deviation: [1] };
}

function normalizedValues(input: FlatTable<typeof TensorMetadata> | undefined): Values | undefined {
  const unit = input
    ?.tables('process_units', ProcessUnit)
    .find((candidate) => candidate.uint8('options_type') === NORMALIZATION_OPTIONS);
  const options = unit?.table('options', NormalizationOptions);
  const mean = options?.float32s('mean');
  const deviation = options?.float32s('std');
  return mean?.length && deviation?.length ? { scale: 1, mean, deviation } : undefined;
}

interface TensorTables {
  readonly inputs: readonly FlatTable<typeof TensorMetadata>[];
  readonly outputs: readonly FlatTable<typeof TensorMetadata>[];
}

function readMetadata(model: FileModel): TensorTables {
  const bytes = model.metadata(METADATA_NAME);
  if (bytes === undefined) return { inputs: [], outputs: [] };
  const file = new FlatFile(new ByteBuffer(bytes), model.file.name);
  const [graph] = file.root(ModelMetadata, 'metadata').tables('subgraph_metadata', SubGraphMetadata);
  return {
    inputs: graph?.tables('input_tensor_metadata', TensorMetadata) ?? [],
    outputs: graph?.tables('output_tensor_metadata', TensorMetadata) ?? [],
  };
}

/** The label list that the metadata names, out of the zip archive behind the model. */
async function labelsOf(
  { file }: FileModel,
  { outputs: [output] }: TensorTables,
  classes: number,
): Promise<string[] | undefined> {
  const name = output
    ?.tables('associated_files', AssociatedFile)
    .find((candidate) => candidate.int8('type') === TENSOR_AXIS_LABELS)
    ?.string('name');
  if (name === undefined) return undefined;
  const bytes = (await unzip(file.buffer.bytes(), file.name)).get(name);
  if (bytes === undefined) file.fail('metadata', `names the label list '${name}', which is not behind the model`);
  const labels = new TextDecoder().decode(bytes).trimEnd().split(/\r?\n/);
  if (labels.length !== classes) file.fail(name, `has ${labels.length} labels for ${classes} outputs`);
  return labels;
}
