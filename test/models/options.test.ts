import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { type MobilenetV1Options, type MobilenetV2Options, mobilenetV1, mobilenetV2 } from '../../src/models/index.js';

/** Options that the types would not let pass, as a caller without types may give them. */
const given = (options: object) => options as MobilenetV1Options & MobilenetV2Options;

describe('options that make no network', () => {
  test.each<[object, string]>([
    [{ alpha: 0 }, 'mobilenetV1: alpha must be a number above 0, found 0'],
    [{ alpha: -1 }, 'mobilenetV1: alpha must be a number above 0, found -1'],
    [{ alpha: Number.NaN }, 'mobilenetV1: alpha must be a number above 0, found NaN'],
    [{ alpha: '1' }, 'mobilenetV1: alpha must be a number above 0, found 1'],
    [{ resolution: 31 }, 'mobilenetV1: resolution must be whole pixels, 32 or more, found 31,31'],
    [{ resolution: 224.5 }, 'mobilenetV1: resolution must be whole pixels, 32 or more, found 224.5,224.5'],
    [{ resolution: [224] }, 'mobilenetV1: resolution must be whole pixels, 32 or more, found 224'],
    [{ resolution: [224, 16] }, 'mobilenetV1: resolution must be whole pixels, 32 or more, found 224,16'],
    [{ resolution: 7, smallPictures: true }, 'mobilenetV1: resolution must be whole pixels, 8 or more, found 7,7'],
    [{ classes: 0 }, 'mobilenetV1: classes must be a whole number of 1 or more, found 0'],
    [{ classes: 10.5 }, 'mobilenetV1: classes must be a whole number of 1 or more, found 10.5'],
    [{ conventions: 'caffe' }, "mobilenetV1: conventions must be one of slim, keras, torchvision, found 'caffe'"],
    [{ labelOffset: 2 }, 'mobilenetV1: labelOffset must be one of 0, 1, found 2'],
    [{ outputStride: 4 }, 'mobilenetV1: outputStride must be one of 8, 16, 32, found 4'],
    [{ head: 'top' }, "mobilenetV1: head must be one of classifier, pooled, features, found 'top'"],
    [{ output: 'softmax' }, "mobilenetV1: output must be one of logits, probabilities, found 'softmax'"],
    [{ convolutions: 'none' }, "mobilenetV1: convolutions must be one of separable, full, found 'none'"],
    [
      { alpha: 0.01, conventions: 'keras' },
      'mobilenetV1: alpha must be large enough to leave 1 of 32 channels, found 0.01',
    ],
  ])('%j', (options, message) => {
    expect(() => mobilenetV1(given(options))).toThrow(new UsageError(message));
  });

  test.each<[object, string]>([
    [{ alpha: 0 }, 'mobilenetV2: alpha must be a number above 0, found 0'],
    [{ expansionFactor: 0 }, 'mobilenetV2: expansionFactor must be a number above 0, found 0'],
    [
      { expansionFactor: Number.POSITIVE_INFINITY },
      'mobilenetV2: expansionFactor must be a number above 0, found Infinity',
    ],
    [{ channelDivisor: 0 }, 'mobilenetV2: channelDivisor must be a whole number of 1 or more, found 0'],
    [{ minChannels: 1.5 }, 'mobilenetV2: minChannels must be a whole number of 1 or more, found 1.5'],
    [
      { expansionFactor: 0.01, alpha: 0.1 },
      'mobilenetV2: expansionFactor must be large enough to leave 1 of 8 channels, found 0.01',
    ],
    [[], 'mobilenetV2, options: wanted an object, found []'],
    [
      { size: 224 },
      "mobilenetV2, options: there is no field 'size'; wanted alpha, resolution, smallPictures, conventions, classes, labelOffset, outputStride, head, output, convolutions, shallow, expansionFactor, narrowLast, channelDivisor, minChannels, architecture",
    ],
  ])('V2 %j', (options, message) => {
    expect(() => mobilenetV2(given(options))).toThrow(new UsageError(message));
  });
});
