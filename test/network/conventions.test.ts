/** What of a network's conventions is assumed, in words. */
import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { assumedLabelOffset, assumptionsOf } from '../../src/network/conventions.js';
import {
  type Conventions,
  type CropRule,
  fromJson,
  NetworkBuilder,
  preprocessingPreset,
  toJson,
} from '../../src/network/index.js';
import { presetNames } from '../../src/network/presets.js';

const of = (conventions: Partial<Conventions>): string[] =>
  assumptionsOf({ source: 'tflite', output: 'logits', ...conventions });
const rules = preprocessingPreset('slim', [32, 32]);

test.each<[CropRule, string]>([
  [{ kind: 'stretch' }, 'crop: none, the whole picture'],
  [{ kind: 'central', fraction: 0.875 }, 'crop: the central 87.5 % of each side'],
  [{ kind: 'shorter-side', side: 256 }, 'crop: the centre, after the shorter side is resized to 256'],
])('%o', (crop, words) => {
  expect(of({ preprocessing: { ...rules, crop, assumed: ['crop', 'resize'] } })).toEqual([words, 'resize: tf1-legacy']);
  expect(of({ preprocessing: { ...rules, crop, assumed: ['resize'] } })).toEqual(['resize: tf1-legacy']);
  expect(of({ preprocessing: { ...rules, crop } })).toEqual([]);
});

test('a label offset is assumed of ImageNet’s numbers of classes, and matters only without labels', () => {
  expect(of(assumedLabelOffset(1001))).toEqual(['label offset: 1, since output 0 is the background']);
  expect(of(assumedLabelOffset(1000))).toEqual(['label offset: 0, without a background']);
  expect(of({ ...assumedLabelOffset(1001), labels: ['a'] })).toEqual([]);
  expect(assumedLabelOffset(5)).toEqual({});
  expect(assumedLabelOffset(undefined)).toEqual({});
});

test('JSON keeps what is assumed, and refuses other words', () => {
  const net = new NetworkBuilder();
  const y = net.add('y', 'relu', net.input('x', [1, 32, 32, 3]), {});
  const conventions = {
    source: 'tflite',
    output: 'logits',
    ...assumedLabelOffset(1001),
    preprocessing: { ...rules, assumed: ['crop'] },
  } as const;
  const json = toJson(net.build('n', [y], conventions));
  expect(fromJson(JSON.parse(JSON.stringify(json))).conventions).toEqual(conventions);
  expect(() => fromJson({ ...json, conventions: { ...conventions, assumed: ['crop'] } })).toThrow(
    /conventions\.assumed.*wanted one of 'labelOffset'/,
  );
});

test('a preset of one range for all channels serves a greyscale network, the others are refused', () => {
  const usable = presetNames.filter((name) => {
    try {
      const { channels, mean, deviation, scale, crop } = preprocessingPreset(name, [96, 96], 1);
      const colour = preprocessingPreset(name, [96, 96]);
      expect({ channels, mean, deviation, scale, crop }).toEqual({
        channels: 'grey',
        mean: [colour.mean[0]],
        deviation: [colour.deviation[0]],
        scale: colour.scale,
        crop: colour.crop,
      });
      return true;
    } catch (error) {
      expect(error).toEqual(
        new UsageError(
          `preprocessing '${name}': has a mean and deviation for each of three channels, and the network reads one; wanted a preset of one range for all, such as slim or tfjs-hub`,
        ),
      );
      return false;
    }
  });
  expect(presetNames.filter((name) => !usable.includes(name))).toEqual([
    ...['torchvision', 'torchvision-v2', 'timm', 'caffe', 'mobilenet-caffe'],
  ]);
});
