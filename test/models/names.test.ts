import { describe, expect, test } from 'vitest';
import { mobilenet } from '../../src/models/index.js';
import { parseModelName } from '../../src/models/names.js';

const v1 = (rest: object) => ({ architecture: 'mobilenet_v1', ...rest });
const v2 = (rest: object) => ({ architecture: 'mobilenet_v2', ...rest });

describe('parseModelName', () => {
  test.each<readonly [string, object]>([
    // slim's checkpoints and the .tflite files made of them
    ['mobilenet_v1_0.75_192', v1({ alpha: 0.75, resolution: 192 })],
    ['MobileNet_v1_0.50_160', v1({ alpha: 0.5, resolution: 160 })],
    ['mobilenet_v2_1.4_224', v2({ alpha: 1.4, resolution: 224 })],
    ['models/mobilenet_v1_0.25_128_quant.tflite', v1({ alpha: 0.25, resolution: 128 })],
    ['mobilenet_v1', v1({})],
    ['mobilenet-v2', v2({})],
    // ours for small pictures
    ['mobilenet_v2_0.5_32_small.safetensors', v2({ alpha: 0.5, resolution: 32, smallPictures: true })],
    // keras-applications' weight files
    ['mobilenet_1_0_224_tf.h5', v1({ alpha: 1, resolution: 224, conventions: 'keras', head: 'classifier' })],
    ['mobilenet_1_0_224_tf', v1({ alpha: 1, resolution: 224, conventions: 'keras', head: 'classifier' })],
    ['mobilenet_7_5_192_tf.h5', v1({ alpha: 0.75, resolution: 192, conventions: 'keras', head: 'classifier' })],
    ['mobilenet_5_0_160_tf.h5', v1({ alpha: 0.5, resolution: 160, conventions: 'keras', head: 'classifier' })],
    [
      'C:\\weights\\mobilenet_2_5_128_tf_no_top.h5',
      v1({ alpha: 0.25, resolution: 128, conventions: 'keras', head: 'features' }),
    ],
    [
      '/a/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96.h5',
      v2({ alpha: 0.35, resolution: 96, conventions: 'keras', head: 'classifier' }),
    ],
    [
      'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5',
      v2({ alpha: 1, resolution: 224, conventions: 'keras', head: 'features' }),
    ],
    // Keras' model names, and slim's name on a Keras file
    ['mobilenet_0.25_224', v1({ alpha: 0.25, resolution: 224, conventions: 'keras' })],
    ['mobilenetv2_1.00_224', v2({ alpha: 1, resolution: 224, conventions: 'keras' })],
    ...['.h5', '.H5', '.hdf5', '.keras'].map(
      (extension) =>
        [`mobilenet_v1_0.25_224${extension}`, v1({ alpha: 0.25, resolution: 224, conventions: 'keras' })] as const,
    ),
    ...['.tflite', '.safetensors', '.npz', '.json'].map(
      (extension) => [`mobilenet_v2_0.5_96${extension}`, v2({ alpha: 0.5, resolution: 96 })] as const,
    ),
  ])('%s', (name, wanted) => {
    expect(parseModelName(name)).toEqual(wanted);
  });

  test.each([
    '',
    'resnet50',
    'mobilenet',
    'mobilenet_v3_1.0_224',
    'mobilenet_3_3_224_tf.h5', // no such α
    'mobilenetv2_100', // timm: α in per cent
    'mobilenet_v2_140', // slim's function of that name: α, not the resolution
    'vww_96_float.tflite',
    'ssd_mobilenet_v1_0.75_300_coco_quant.tflite', // a detector, not a classifier
    'mobilenet_v1_0.75_192.folder/weights.h5',
    'mobilenet_v1_0.75_192.h5.part',
    'mobilenet_v1_0.75_192.h5.h5',
  ])('%j is no published name', (name) => {
    expect(parseModelName(name)).toBeUndefined();
  });

  test("a network's own name is read back", () => {
    for (const architecture of ['mobilenet_v1', 'mobilenet_v2'] as const) {
      for (const alpha of [0.25, 1, 1.4]) {
        const { name } = mobilenet(architecture, { alpha, resolution: 160 });
        expect(parseModelName(name)).toEqual({ architecture, alpha, resolution: 160 });
        const small = mobilenet(architecture, { alpha, smallPictures: true });
        expect(parseModelName(small.name)).toEqual({ architecture, alpha, resolution: 32, smallPictures: true });
        expect(mobilenet(architecture, parseModelName(small.name)).nodes).toEqual(small.nodes);
      }
    }
  });
});
