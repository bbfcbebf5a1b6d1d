/**
 * Where trained weights are published: ImageNet networks by the names of `parseModelName`, e.g. mobilenet_v1_0.25_224. A file whose
 * SHA-256 is known is refused when it is another. Keras publishes none for its MobileNets: of those, the first that was fetched and read is the one
 * (see `pin.ts`).
 */
import { DownloadError, UsageError } from '../errors.js';
import { parseModelName } from '../models/names.js';
import { editDistance } from '../network/rewriting/subnetwork.js';

/** A file on the net, and the name under which it is kept. */
export interface RemoteFile {
  readonly file: string;
  readonly address: string;
  readonly sha256?: string;
}

export interface Release {
  readonly name: string;
  readonly weights: RemoteFile;
  /** The names of the outputs, where the weights do not carry them; with or without 'background' before them. */
  readonly labels?: RemoteFile;
}

/** At a fixed commit, so that the files stay what they are. */
const CORAL = 'https://raw.githubusercontent.com/google-coral/test_data/104342d2d3480b3e66203073dac24f4e2dbb4c41';

/** 1001 lines, the first 'background'. */
const IMAGENET_LABELS: RemoteFile = {
  file: 'imagenet_labels.txt',
  address: `${CORAL}/imagenet_labels.txt`,
  sha256: 'b8aaeb5630c62626a7d124a05c0e14230a7ffdd2136a31d0190a4fb71c1d82f1',
};

/** keras/src/applications/mobilenet.py and mobilenet_v2.py, BASE_WEIGHT_PATH. */
const KERAS = 'https://storage.googleapis.com/tensorflow/keras-applications';

function kerasV1(alpha: '1.0' | '0.75' | '0.5' | '0.25', resolution: number): Release {
  const text = { '1.0': '1_0', '0.75': '7_5', '0.5': '5_0', '0.25': '2_5' }[alpha];
  const file = `mobilenet_${text}_${resolution}_tf.h5`;
  return {
    name: `mobilenet_v1_${alpha}_${resolution}`,
    weights: { file, address: `${KERAS}/mobilenet/${file}` },
    labels: IMAGENET_LABELS,
  };
}

function kerasV2(alpha: string, resolution: number): Release {
  const file = `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_${alpha}_${resolution}.h5`;
  return {
    name: `mobilenet_v2_${alpha}_${resolution}`,
    weights: { file, address: `${KERAS}/mobilenet_v2/${file}` },
    labels: IMAGENET_LABELS,
  };
}

/** Keras' weights of V1 0.25 at 224, saved anew by Keras 2.8 with the network beside them; at a fixed commit, so that its hash holds. */
const V1_QUARTER_224: Release = {
  name: 'mobilenet_v1_0.25_224',
  weights: {
    file: 'mobilenet_v1_0.25_224.h5',
    address:
      'https://raw.githubusercontent.com/STMicroelectronics/stm32ai-modelzoo/6f10965e6a40e2a28abd9c181f43cac4de4111c5/image_classification/mobilenetv1/Public_pretrainedmodel_public_dataset/ImageNet/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.h5',
    sha256: 'dc1ff623e6cd99c3cc0dd2821ca0807ba013606af5a4e2afd4488fbf26a8b589',
  },
  labels: IMAGENET_LABELS,
};

/** slim's networks in 8 bits, with 1001 outputs. */
function quantised(name: string, sha256: string): Release {
  const file = `${name}.tflite`;
  return { name, weights: { file, address: `${CORAL}/${file}`, sha256 }, labels: IMAGENET_LABELS };
}

export const releases: readonly Release[] = [
  ...(['1.0', '0.75', '0.5', '0.25'] as const).flatMap((alpha) =>
    [224, 192, 160, 128].map((resolution) =>
      alpha === '0.25' && resolution === 224 ? V1_QUARTER_224 : kerasV1(alpha, resolution),
    ),
  ),
  kerasV2('1.4', 224),
  kerasV2('1.3', 224),
  ...['1.0', '0.75', '0.5', '0.35'].flatMap((alpha) =>
    [224, 192, 160, 128, 96].map((resolution) => kerasV2(alpha, resolution)),
  ),
  quantised('mobilenet_v1_0.5_160_quant', '3cc6d2ca460abd2e0f699a6d0d2550c6b61c6e3b0e27a3616e384ea74cb86f43'),
  quantised('mobilenet_v1_0.25_128_quant', 'cb273c23ee76374b05b9583177e28aa19744858a7679c56a250e83d0333da785'),
  quantised('mobilenet_v2_1.0_224_quant', '7aad0c74c5e3c06e5eb3c827e13304fdd68a83da6087d92ee169c24ff9fd4776'),
];

/** The release of that name, however its numbers are written: mobilenetv2_1.00_224 is mobilenet_v2_1.0_224. */
export function findRelease(name: string, table: readonly Release[] = releases): Release | undefined {
  const wanted = canonical(name);
  return table.find((release) => release.name === name || (wanted !== undefined && canonical(release.name) === wanted));
}

/** The same, for a name that must be one. Throws a UsageError that lists similar ones. */
export function releaseNamed(name: string, table: readonly Release[] = releases): Release {
  const release = findRelease(name, table);
  if (release !== undefined) return release;
  const similar = similarReleases(
    name,
    table.map((one) => one.name),
  );
  throw new UsageError(`there are no published weights called '${name}'; similar names: ${similar.join(', ')}`);
}

/** At most three of the names: those first that differ least without their numbers, then those whose numbers are nearest, by their ratios. */
export function similarReleases(name: string, names = releases.map((one) => one.name)): string[] {
  const [wanted, numbers] = partsOf(name);
  return names
    .map((candidate) => {
      const [text, found] = partsOf(candidate);
      const ratios = found.map((number, i) => Math.abs(Math.log(number / (numbers[i] || number))));
      return { candidate, letters: editDistance(wanted, text), ratio: ratios.reduce((sum, one) => sum + one, 0) };
    })
    .sort((a, b) => a.letters - b.letters || a.ratio - b.ratio)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

const NUMBER = /\d+(?:\.\d+)?/g;

/** 'mobilenet_v#_#_#' and [1, 0.25, 224]. */
const partsOf = (name: string): [text: string, numbers: number[]] => [
  name.toLowerCase().replace(NUMBER, '#'),
  (name.match(NUMBER) ?? []).map(Number),
];

/** The error about a file of labels, with how to go on. */
export const withoutThem = (error: DownloadError): DownloadError =>
  new DownloadError(
    `${error.message}\nThe weights are here; these are the labels. To do without them, state others: load(name, { labels }), or [] for none; classify and convert take --labels FILE`,
    { cause: error },
  );

/** Where a file is fetched from: a mirror has all files side by side. */
export const addressOf = ({ file, address }: RemoteFile, mirror?: string): string =>
  mirror ? `${mirror.replace(/\/+$/, '')}/${file}` : address;

/** Whether the host lets pages of other sites read its files (CORS). Of Google's storage this is not known, and it has refused before. */
export const pagesMayRead = (address: string): boolean => new URL(address).hostname === 'raw.githubusercontent.com';

/** undefined for anything that is no network's name with α and resolution in it; a path or a file's ending is none. */
function canonical(name: string): string | undefined {
  if (/[\\/]|\.[a-z]\w*$/i.test(name)) return undefined;
  const said = parseModelName(name);
  if (said?.alpha === undefined || said.resolution === undefined || said.head === 'features') return undefined;
  const variant = /[_-]quant$/i.test(name) ? ' quantised' : '';
  return `${said.architecture} ${said.alpha} ${said.resolution}${variant}`;
}
