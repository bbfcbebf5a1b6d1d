/** What callers without types are told: which call, what was found, what was wanted. */
import { expect, test } from 'vitest';
import { writeNetwork } from '../src/formats/index.js';
import { readPicture } from '../src/image/index.js';
import { deeplabV3, mobilenetV1, mobilenetV2, ssd } from '../src/models/index.js';
import { randomWeights, summarize } from '../src/network/index.js';
import { check } from '../src/oracle/index.js';
import { calibrate, quantizeNetwork } from '../src/quantization/index.js';
import { tensor } from '../src/tensor.js';
import { emptyDataset, WHOLE } from '../src/training/data/dataset.js';
import { readData, readPictureFolder, trainClassifier } from '../src/training/index.node.js';
import { evaluate } from '../src/training/loop/evaluate.js';
import { recipeWith } from '../src/training/loop/recipe.js';

const network = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, classes: 2 }), 1);
const grey = { ...network, name: 'grey', inputs: [{ name: 'input', shape: [1, 32, 32, 1] }] };
const data = emptyDataset(1, { name: 'one', classes: ['a', 'b'], height: 32, width: 32, channels: 1, sizing: WHOLE });

type Call = (...given: never[]) => unknown;

test.each<[string, Call, unknown[], string]>([
  [
    'a misspelt option',
    ssd,
    [{ lite: true }],
    "ssd, options: there is no field 'lite'; wanted backbone, alpha, resolution, classes, heads, extras",
  ],
  [
    'a misspelt option',
    mobilenetV1,
    [{ width: 0.5 }],
    "mobilenetV1, options: there is no field 'width'; wanted alpha, resolution, smallPictures, conventions, classes, labelOffset, outputStride, head, output, convolutions, shallow, expansionFactor, narrowLast, channelDivisor, minChannels, architecture",
  ],
  ['a number in place of options', mobilenetV2, [0.5], 'mobilenetV2, options: wanted an object, found 0.5'],
  ['a side in words', ssd, [{ resolution: 'big' }], 'ssd: resolution must be 33 pixels or more, found big'],
  [
    'a misspelt option',
    deeplabV3,
    [{ stride: 8 }],
    "deeplabV3, options: there is no field 'stride'; wanted backbone, alpha, resolution, classes, outputStride, aspp, separable, lastConvolution",
  ],
  [
    'a misspelt option',
    recipeWith,
    [{ epoch: 3 }],
    "recipe: there is no field 'epoch'; wanted epochs, batch, shards, seed, target, schedule, warmupEpochs, labelSmoothing, averageDecay, batchNormDecay, augmentation, resolutions, restarts, averageCycles, learningRate, weightDecay, optimizer",
  ],
  ['nothing', summarize, [], 'summarize: wanted a network, found undefined'],
  ['a model of load()', summarize, [{ classify: true }], 'summarize: wanted a network, found a loaded model'],
  [
    'another format',
    writeNetwork,
    [network, 'tflite', { kernels: 'int4' }],
    "writeNetwork: kernels must be one of float16, int8, found 'int4'",
  ],
  ['no network', writeNetwork, ['tflite', 'tflite'], "writeNetwork: wanted a network, found the text 'tflite'"],
  ['no path', readPicture, [], "readPicture: wanted a file's path or its bytes, found undefined"],
  ['no network', calibrate, [], 'calibrate: wanted a network, found undefined'],
  [
    'a picture in place of a list',
    calibrate,
    [network, tensor([1], [0])],
    'calibrate: wanted a list of prepared pictures, found an Object',
  ],
  ['a network', quantizeNetwork, [network], 'quantizeNetwork: wanted what calibrate() answers, found an Object'],
  ['no network', trainClassifier, [], 'trainClassifier: wanted a network, found undefined'],
  [
    'no pictures',
    trainClassifier,
    [network],
    'trainClassifier: wanted { train, test } as readPictureFolder() and readData() answer, found undefined',
  ],
  [
    'no preprocessing',
    readPictureFolder,
    ['photos'],
    'readPictureFolder: wanted { preprocessing } of a network, found undefined',
  ],
  [
    'no options',
    readData,
    ['photos'],
    'readData: wanted a function that answers with the options of readPictureFolder, found undefined',
  ],
  [
    'a network of grey pictures, and colours',
    evaluate,
    [grey, { ...data, channels: 3 }],
    'grey wants grey pictures, one has pictures in colour',
  ],
  [
    'nothing',
    check,
    [],
    "check: wanted a suite's problem, a golden bundle or { network, inputs }, and a Map of tensors by layer; found undefined and undefined",
  ],
])('%s', async (_, call, given, message) => {
  await expect((async () => call(...(given as never[])))()).rejects.toMatchObject({
    name: expect.stringMatching(/^(Usage|Picture)Error$/),
    message,
  });
});
