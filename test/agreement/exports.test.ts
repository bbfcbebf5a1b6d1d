/**
 * Exports: each network as .onnx, .tflite and TF.js graph model, through that format's own runtime, within the derived bounds. The outputs
 * with the accumulated bound; every layer with its own, fed what the runtime itself made before it.
 *
 * `npm run test:nightly` takes more networks, real ones among them, and prints the table.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readNetwork } from '../../src/formats/index.js';
import { type MobilenetOptions, mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, withOutputs } from '../../src/network/index.js';
import { livelyWeights } from '../../src/oracle/suites.js';
import { dataPath, noData } from '../data.js';
import { everyKind } from '../formats/onnx/every-kind.js';
import { nightly } from '../nightly.js';
import { accumulated, formats, isolated, largest } from './exports.js';
import { randomInput } from './lifelike.js';

const own = (model: typeof mobilenetV1 | typeof mobilenetV2, options: MobilenetOptions) => {
  const network = model(options);
  return [`${network.name} of ${options.conventions}`, async () => livelyWeights(network, 3)] as const;
};

/** Without the output of hard sigmoids and products, which have no bound. */
const bounded = (network: Network): Network =>
  withOutputs(
    network,
    network.outputs.filter((name) => name !== 'gated'),
  );

const few = [
  ['every kind of layer that has a bound', async () => bounded(everyKind())] as const,
  own(mobilenetV1, { alpha: 0.25, resolution: [33, 47], classes: 10, conventions: 'slim' }),
  own(mobilenetV2, { alpha: 0.35, resolution: [65, 49], classes: 10, conventions: 'torchvision' }),
];
const many = [
  own(mobilenetV1, { alpha: 0.25, resolution: 128, conventions: 'keras' }),
  own(mobilenetV1, { alpha: 0.5, resolution: [97, 65], conventions: 'torchvision' }),
  own(mobilenetV1, { alpha: 0.75, resolution: 96, conventions: 'slim' }),
  own(mobilenetV1, { alpha: 1, resolution: 96, conventions: 'keras' }),
  own(mobilenetV2, { alpha: 0.35, resolution: 96, conventions: 'slim' }),
  own(mobilenetV2, { alpha: 0.5, resolution: [65, 97], conventions: 'keras' }),
  own(mobilenetV2, { alpha: 1, resolution: 96, conventions: 'slim' }),
  own(mobilenetV2, { alpha: 1.4, resolution: 65, conventions: 'torchvision' }),
];
const file = (name: string) =>
  [
    `${name} (needs DEPTHWISE_DATA)`,
    async () => readNetwork(await readFile(dataPath('models', name)), { fileName: basename(name) }),
  ] as const;
const fewFiles = ['vww_96_float.tflite'].map(file);
const manyFiles = [
  'mobilenet_v1_0.25_224.h5',
  'ultraface_slim_320_simplified.onnx',
  'ultraface_rfb_320.onnx',
  'mobilenet_v1_0.25_128_quant.tflite',
  'mobilenet_v2_1.0_224_quant.tflite',
].map(file);

const networks: readonly (readonly [string, () => Promise<Network>])[] = [
  ...few,
  ...(nightly ? many : []),
  ...(noData ? [] : [...fewFiles, ...(nightly ? manyFiles : [])]),
];

/** The largest differences, and the largest in units of what is allowed. */
const table: object[] = [];
const rounded = (value: number): number => Number(value.toPrecision(2));
if (nightly) afterAll(() => console.table(table));

describe.each(networks)('%s', (name, make) => {
  for (const format of formats) {
    const title = format.missing === undefined ? format.name : `${format.name} (needs ${format.missing})`;
    test.skipIf(format.missing !== undefined)(title, { timeout: 600_000 }, async () => {
      const network = await make();
      const x = randomInput(network.inputs[0].shape, 9);
      const outputs = await accumulated(format, network, x);
      const layers = await isolated(format, network, x);
      table.push({
        network: name,
        format: format.name,
        'outputs off by': rounded(largest(outputs).difference),
        'of their bound': rounded(largest(outputs).share),
        layers: layers.layers.length,
        'each, of its bound': rounded(largest(layers).share),
      });
      expect(outputs.layers.length).toBe(network.outputs.length);
      for (const { first } of [outputs, layers]) {
        expect(first && { layer: first.name, ...(first.difference?.worst ?? first) }).toBeUndefined();
      }
    });
  }
});
