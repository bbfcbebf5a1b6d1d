/** What a written .tflite file says in TensorFlow Lite's own metadata, read back without our own entry. */
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { tflite } from '../../../src/formats/readers/tflite.js';
import { FlatFile } from '../../../src/formats/tflite/flatbuffer.js';
import { readModel } from '../../../src/formats/tflite/model.js';
import * as schema from '../../../src/formats/tflite/schema.js';
import { writeTflite } from '../../../src/formats/tflite.js';
import { unzip, zip, zipBehind } from '../../../src/formats/zip.js';
import { mobilenetV1 } from '../../../src/models/index.js';
import { type Network, NetworkBuilder, preprocessingPreset, randomWeights } from '../../../src/network/index.js';

const labels = ['tench', 'a\nb', 'goldfish'];
const plain = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 1);
const withConventions = (conventions: Partial<Network['conventions']>): Network => ({
  ...plain,
  conventions: { ...plain.conventions, ...conventions },
});

/** As another tool would have written it: our entry is called otherwise, in as many letters. */
async function withoutOurs(network: Network): Promise<Network> {
  const bytes = Buffer.from(await writeTflite(network));
  const at = bytes.indexOf('depthwise.conventions');
  expect(at).toBeGreaterThan(0);
  bytes.write('another.conventions..', at);
  return tflite.read(new Uint8Array(bytes), { fileName: 'theirs.tflite' });
}

describe('TensorFlow Lite metadata', () => {
  test('the labels, a line each, in the archive behind the model', async () => {
    const network = withConventions({ labels });
    expect((await withoutOurs(network)).conventions.labels).toEqual(['tench', 'a b', 'goldfish']);
    const files = await unzip(await writeTflite(network));
    expect([...files].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)])).toEqual([
      ['labels.txt', 'tench\na b\ngoldfish'],
    ]);
    expect((await tflite.read(await writeTflite(network), {})).conventions).toEqual(network.conventions);
  });

  // (byte / 127.5 − 1) / 1 is (byte − 127.5) / 127.5; (byte / 255 − 0.485) / 0.229 is (byte − 123.675) / 58.395.
  test.each([
    ['keras', [127.5, 127.5, 127.5], [127.5, 127.5, 127.5]],
    ['torchvision', [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]],
    ['tfjs-hub', [0, 0, 0], [255, 255, 255]],
  ] as const)('the range of %s, as mean and deviation of bytes', async (name, mean, deviation) => {
    const { conventions } = await withoutOurs(withConventions({ preprocessing: preprocessingPreset(name, [32, 32]) }));
    const found = conventions.preprocessing!;
    expect(found).toMatchObject({ scale: 1, channels: 'rgb' });
    for (const [c, value] of mean.entries()) expect(found.mean[c]).toBeCloseTo(value, 4);
    for (const [c, value] of deviation.entries()) expect(found.deviation[c]).toBeCloseTo(value, 4);
  });

  test('blue first has no place there: no range is better than a wrong one', async () => {
    const network = withConventions({ preprocessing: preprocessingPreset('caffe', [32, 32]) });
    expect((await withoutOurs(network)).conventions.preprocessing).toBeUndefined();
  });

  test.each([
    ['rgb', 3, 1],
    ['grey', 1, 2],
  ] as const)(
    'a %s picture has the colour space of TensorFlow Lite, by its number',
    async (channels, count, wanted) => {
      const net = new NetworkBuilder();
      const pooled = net.add('pooled', 'globalAveragePool', net.input('picture', [1, 8, 8, count]));
      const numbers = Array.from({ length: count }, () => 127.5);
      const preprocessing = {
        ...preprocessingPreset('keras', [8, 8]),
        ...{ channels, scale: 1, mean: numbers, deviation: numbers },
      };
      const network = net.build('n', [pooled], { source: 'other', output: 'features', preprocessing });
      const model = readModel(new FlatFile(new ByteBuffer(await writeTflite(network)), 'n.tflite'));
      const metadata = new FlatFile(new ByteBuffer(model.metadata('TFLITE_METADATA')!), 'metadata');
      const [input] = metadata
        .root(schema.ModelMetadata, 'metadata')
        .tables('subgraph_metadata', schema.SubGraphMetadata)[0]
        .tables('input_tensor_metadata', schema.TensorMetadata);
      const properties = input.table('content', schema.Content)!.table('content_properties', schema.ImageProperties)!;
      expect(properties.int8('color_space')).toBe(wanted);
    },
  );

  test('nothing to say: no metadata of theirs', async () => {
    const { preprocessing: _, ...conventions } = plain.conventions;
    const bytes = Buffer.from(await writeTflite({ ...plain, conventions }));
    expect(bytes.includes('TFLITE_METADATA')).toBe(false);
    expect(Buffer.from(await writeTflite(plain)).includes('TFLITE_METADATA')).toBe(true);
  });
});

test('an archive behind other bytes has the same files', async () => {
  const files = new Map([
    ['a.txt', new Uint8Array([1, 2, 3])],
    ['b', new Uint8Array(0)],
  ]);
  const front = new Uint8Array(1000).fill(7);
  const bytes = zipBehind(front, files);
  expect(await unzip(bytes)).toEqual(await unzip(zip(files)));
  expect(bytes.subarray(0, 1000)).toEqual(front);
});
