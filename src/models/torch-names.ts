/**
 * What PyTorch's libraries call the modules of MobileNet, in the terms of `node-names.ts`. Only names of modules with weights count.
 *
 *   transformers  transformers/models/mobilenet_v{1,2}/modeling_mobilenet_v{1,2}.py, whose `tf_padding` is slim's padding
 *   tonylins      github.com/tonylins/pytorch-mobilenet-v2, MobileNetV2.py: a block's modules are numbered through
 *   d-li14        github.com/d-li14/mobilenetv2.pytorch, models/imagenet/mobilenetv2.py: the same, and `conv` for the last convolution
 *   marvis        github.com/marvis/pytorch-mobilenet, main.py: V1 in one Sequential, `model`
 */
import { type UnitNames, V1_NAMES, type V1Names, V2_NAMES, type V2Names } from './node-names.js';
import type { ModelConventions } from './options.js';
import { TIMM_V1, TIMM_V2 } from './timm-names.js';

export const torchLibraries = ['torchvision', 'timm', 'transformers', 'tonylins', 'd-li14', 'marvis'] as const;
export type TorchLibrary = (typeof torchLibraries)[number];

interface Versions {
  readonly v1?: Omit<V1Names, 'head'>;
  readonly v2?: Omit<V2Names, 'head' | 'add'>;
}

const unit = (layer: string, norm: string): UnitNames => ({ layer, norm });
/** Modules `0` and `1` of a Sequential. */
const sequential = (module: string): UnitNames => unit(`${module}.0`, `${module}.1`);
const transformers = (module: string): UnitNames => unit(`${module}.convolution`, `${module}.normalization`);

/** The last layers with weights of the first block are two, of the others three, each of convolution, norm and, but for the last, ReLU6. */
const numbered = (block: number, part: number): UnitNames => {
  const first = 3 * (block === 0 ? part - 1 : part);
  return unit(`features.${block + 1}.conv.${first}`, `features.${block + 1}.conv.${first + 1}`);
};
const numberedV2 = (last: string): NonNullable<Versions['v2']> => ({
  stem: sequential('features.0'),
  expand: (block) => numbered(block, 0),
  depthwise: (block) => numbered(block, 1),
  project: (block) => numbered(block, 2),
  last: sequential(last),
});

/** The first block is part of the stem, so that the numbers of the others begin with the second. */
const transformersBlock = (block: number): string => (block === 0 ? 'conv_stem' : `layer.${block - 1}`);

const VERSIONS: Record<TorchLibrary, Versions> = {
  torchvision: { v1: V1_NAMES.torchvision, v2: V2_NAMES.torchvision },
  timm: { v1: { ...TIMM_V1 }, v2: { ...TIMM_V2 } },
  transformers: {
    v1: {
      convolution: () => transformers('conv_stem'),
      depthwise: (block) => transformers(`layer.${2 * block - 2}`),
      pointwise: (block) => transformers(`layer.${2 * block - 1}`),
    },
    v2: {
      stem: transformers('conv_stem.first_conv'),
      expand: (block) => transformers(`${transformersBlock(block)}.expand_1x1`),
      depthwise: (block) => transformers(`${transformersBlock(block)}.conv_3x3`),
      project: (block) => transformers(`${transformersBlock(block)}.reduce_1x1`),
      last: transformers('conv_1x1'),
    },
  },
  tonylins: { v2: numberedV2('features.18') },
  'd-li14': { v2: numberedV2('conv') },
  marvis: {
    v1: {
      convolution: () => sequential('model.0'),
      depthwise: (block) => unit(`model.${block}.0`, `model.${block}.1`),
      pointwise: (block) => unit(`model.${block}.3`, `model.${block}.4`),
    },
  },
};

/** Modules that may hold the classifier: those of the libraries, and of people's own heads. */
export const torchHeads = ['classifier', 'classifier.1', 'classifier.0', 'fc', 'head', 'linear'];

export interface TorchModules {
  readonly library: TorchLibrary;
  /** The library's module of each layer. */
  readonly moduleOf: ReadonlyMap<string, string>;
  /** Our name of the classifier. */
  readonly classifier: string;
}

const V1_BLOCKS = 13;
const V2_BLOCKS = 17;

/** The modules of a library for the layers of a network by these conventions; undefined where it has no such network. */
export function torchModules(
  library: TorchLibrary,
  version: 'v1' | 'v2',
  conventions: ModelConventions,
): TorchModules | undefined {
  const { v1, v2 } = VERSIONS[library];
  const moduleOf = new Map<string, string>();
  const add = (ours: UnitNames, theirs: UnitNames) =>
    moduleOf.set(ours.layer, theirs.layer).set(ours.norm, theirs.norm);
  const blocks = (count: number) => Array.from({ length: count }, (_, block) => block);
  if (version === 'v1') {
    if (v1 === undefined) return undefined;
    const ours = V1_NAMES[conventions];
    add(ours.convolution(0), v1.convolution(0));
    for (const block of blocks(V1_BLOCKS)) {
      add(ours.depthwise(block + 1), v1.depthwise(block + 1));
      add(ours.pointwise(block + 1), v1.pointwise(block + 1));
    }
    return { library, moduleOf, classifier: ours.head.classifier };
  }
  if (v2 === undefined) return undefined;
  const ours = V2_NAMES[conventions];
  add(ours.stem, v2.stem);
  for (const block of blocks(V2_BLOCKS)) {
    // Names of the expansion that the first block does not have would be its depthwise convolution's.
    if (block > 0) add(ours.expand(block), v2.expand(block));
    add(ours.depthwise(block), v2.depthwise(block));
    add(ours.project(block), v2.project(block));
  }
  add(ours.last, v2.last);
  return { library, moduleOf, classifier: ours.head.classifier };
}
