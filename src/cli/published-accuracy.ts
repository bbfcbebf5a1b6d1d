/**
 * What was published about the weights that are fetched by name: the part of ImageNet's 50,000 validation pictures that is right, in per cent.
 *
 *   Keras   measured with these very weights, at 224, by one central crop: keras-team/keras-applications, README.md, 100 minus the errors
 *   slim    measured with the checkpoints of TensorFlow's slim that Keras translated, or, in 8 bits, that are in the file itself:
 *           tensorflow/models, research/slim/nets/mobilenet_v1.md and research/slim/nets/mobilenet/README.md
 */
export interface PublishedAccuracy {
  readonly top1: number;
  readonly top5: number;
  readonly source: 'Keras' | 'slim';
}

type Figures = readonly [top1: number, top5: number];

const keras: Readonly<Record<string, Figures>> = {
  'mobilenet_v1_1.0_224': [70.4, 89.5],
  'mobilenet_v1_0.75_224': [68.4, 88.2],
  'mobilenet_v1_0.5_224': [64.3, 85.6],
  'mobilenet_v1_0.25_224': [51.6, 75.8],
  'mobilenet_v2_1.4_224': [75.2, 92.4],
  'mobilenet_v2_1.3_224': [74.7, 92.1],
  'mobilenet_v2_1.0_224': [71.3, 90.1],
  'mobilenet_v2_0.75_224': [69.5, 89.2],
  'mobilenet_v2_0.5_224': [65.2, 86.1],
  'mobilenet_v2_0.35_224': [60.1, 82.4],
};

const slim: Readonly<Record<string, Figures>> = {
  'mobilenet_v1_1.0_192': [70.0, 89.2],
  'mobilenet_v1_1.0_160': [68.0, 87.7],
  'mobilenet_v1_1.0_128': [65.2, 85.8],
  'mobilenet_v1_0.75_192': [67.2, 87.3],
  'mobilenet_v1_0.75_160': [65.3, 86.0],
  'mobilenet_v1_0.75_128': [62.1, 83.9],
  'mobilenet_v1_0.5_192': [61.7, 83.6],
  'mobilenet_v1_0.5_160': [59.1, 81.9],
  'mobilenet_v1_0.5_128': [56.3, 79.4],
  'mobilenet_v1_0.25_192': [47.7, 72.3],
  'mobilenet_v1_0.25_160': [45.5, 70.3],
  'mobilenet_v1_0.25_128': [41.5, 66.3],
  'mobilenet_v2_1.0_192': [70.7, 90.1],
  'mobilenet_v2_1.0_160': [68.8, 89.0],
  'mobilenet_v2_1.0_128': [65.3, 86.9],
  'mobilenet_v2_1.0_96': [60.3, 83.2],
  'mobilenet_v2_0.75_192': [68.7, 88.9],
  'mobilenet_v2_0.75_160': [66.4, 87.3],
  'mobilenet_v2_0.75_128': [63.2, 85.3],
  'mobilenet_v2_0.75_96': [58.8, 81.6],
  'mobilenet_v2_0.5_192': [63.9, 85.4],
  'mobilenet_v2_0.5_160': [61.0, 83.2],
  'mobilenet_v2_0.5_128': [57.7, 80.8],
  'mobilenet_v2_0.5_96': [51.2, 75.8],
  'mobilenet_v2_0.35_192': [58.2, 81.2],
  'mobilenet_v2_0.35_160': [55.7, 79.1],
  'mobilenet_v2_0.35_128': [50.8, 75.0],
  'mobilenet_v2_0.35_96': [45.5, 70.4],
  'mobilenet_v1_0.5_160_quant': [57.7, 81.3],
  'mobilenet_v1_0.25_128_quant': [39.9, 65.8],
};

/** By a release's name; undefined where nothing was published. */
export function publishedAccuracy(name: string): PublishedAccuracy | undefined {
  for (const [source, table] of [['Keras', keras] as const, ['slim', slim] as const]) {
    if (!Object.hasOwn(table, name)) continue;
    const [top1, top5] = table[name];
    return { top1, top5, source };
  }
  return undefined;
}
