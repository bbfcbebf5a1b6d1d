/** Real weights on the bundled photographs. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { readNetwork } from '../../src/formats/index.js';
import { readPicture } from '../../src/image/index.js';
import { type Network, preprocessingPreset } from '../../src/network/index.js';
import { classify, embed, logits, probabilities } from '../../src/tasks/index.js';
import { dataPath, noData } from '../data.js';

const photograph = (name: string) =>
  readPicture(new URL(`../../assets/pictures/${name}.jpg`, import.meta.url).pathname);

describe.skipIf(noData)('mobilenet_v1_0.25_224.h5 (needs DEPTHWISE_DATA)', () => {
  let network: Network;
  beforeAll(async () => {
    const fileName = 'mobilenet_v1_0.25_224.h5';
    network = await readNetwork(await readFile(dataPath('models', fileName)), { fileName });
  });

  test('sees an Egyptian cat (285) in chelsea.jpg and an espresso (967) in coffee.jpg', async () => {
    const [[cat], [coffee]] = await classify(network, [await photograph('chelsea'), await photograph('coffee')]);
    expect([cat.index, coffee.index]).toEqual([285, 967]);
    expect(Math.min(cat.probability, coffee.probability)).toBeGreaterThan(0.4);
  });

  test('fed by the wrong rules it is less sure: the presets are no decoration', async () => {
    const picture = await photograph('coffee');
    const espresso = async (preset: 'keras' | 'tfjs-hub' | 'caffe') =>
      (await probabilities(network, picture, { preprocessing: preprocessingPreset(preset, [224, 224]) })).data[967];
    const right = await espresso('keras');
    expect(await espresso('tfjs-hub')).toBeLessThan(0.9 * right); // [0, 1] instead of [−1, 1]
    expect(await espresso('caffe')).toBeLessThan(0.5 * right); // blue first, 0…255
  });

  test('its logits, softmaxed, are its probabilities', async () => {
    const picture = await photograph('chelsea');
    const { data } = await logits(network, picture);
    const max = Math.max(...data);
    const sum = Array.from(data, (value) => Math.exp(value - max)).reduce((total, power) => total + power);
    (await probabilities(network, picture)).data.forEach((value, i) => {
      expect(Math.abs(value - Math.exp(data[i] - max) / sum)).toBeLessThan(1e-7);
    });
  });

  test('its last feature maps are 256 numbers, different for different pictures', async () => {
    const pictures = [await photograph('chelsea'), await photograph('rocket')];
    const { shape, data } = await embed(network, pictures, { layer: 'conv_pw_13_relu' });
    expect(shape).toEqual([2, 256]);
    expect(data.slice(0, 256)).not.toEqual(data.slice(256));
    expect(data.every((value) => value >= 0 && value <= 6)).toBe(true);
  });
});
