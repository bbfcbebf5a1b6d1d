/** Options that are none, or of another kind: every text, of `load` and of a model's calls. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createWorker } from '../../src/browser/create-worker.js';
import { UsageError } from '../../src/errors.js';
import type { Model } from '../../src/load/model.js';
import { load } from '../../src/load/node.js';
import { checkOptions, checkRunOptions, TRANSFER } from '../../src/load/options.js';
import { labels, noise, smallNetwork } from './models.js';

const network = smallNetwork();
const picture = noise(1);
const controller = new AbortController();
let model: Model;
beforeAll(async () => {
  model = await load(network);
});

describe('of load', () => {
  test.each<[unknown, string]>([
    ['simd', "load: options must be an object, found the text 'simd'; perhaps { target: … } was meant"],
    [() => {}, 'load: options must be an object, found a Function; perhaps { onProgress: … } was meant'],
    [controller.signal, 'load: options must be an object, found an AbortSignal; perhaps { signal: … } was meant'],
    [labels, 'load: options must be an object, found an Array; perhaps { labels: … } was meant'],
    [null, 'load: options must be an object, found null'],
    [{ targets: 'simd' }, "load: there is no option 'targets'; similar options: target,"],
    [{ onprogress() {} }, "load: there is no option 'onprogress'; similar options: onProgress,"],
    [{ progress() {} }, "load: there is no option 'progress'; similar options: onProgress,"],
    [{ onProgress: true }, 'load: onProgress must be a function, found true'],
    [{ onFallback: 'warn' }, "load: onFallback must be a function, found the text 'warn'"],
    [{ fetch: {} }, 'load: fetch must be a function, found an Object'],
    [{ signal: controller }, 'load: signal must be an AbortSignal, found an AbortController; give its .signal'],
    [{ signal: true }, 'load: signal must be an AbortSignal, found true'],
    [{ reproducible: 'yes' }, "load: reproducible must be true or false, found the text 'yes'"],
    [{ cache: 1 }, 'load: cache must be true, false or a text, found 1'],
    [{ fileName: 7 }, 'load: fileName must be a text, found 7'],
    [{ integrity: 7 }, 'load: integrity must be a text, found 7'],
    [{ outputs: 'dense' }, "load: outputs must be a list of layers' names, found the text 'dense'; wanted ['dense']"],
    [{ resolution: 224 }, 'load: resolution must be [height, width], found 224'],
    [{ architecture: 'v1' }, "load: architecture must be an object, found the text 'v1'"],
    [{ module: 1 }, 'load: module must be an object, found 1'],
    [{ preprocessing: 1 }, 'load: preprocessing must be a preset or the rules themselves, found 1'],
    [
      { labels: 'labels.txt' },
      "load: labels must be a list of labels, found the text 'labels.txt'; parseLabels(text) makes one of a file's text",
    ],
    [
      { labels: ['a', 7, 'b'] },
      "load: labels must be a list of labels, found 7 in it; parseLabels(text) makes one of a file's text",
    ],
  ])('%o', async (options, message) => {
    const refused = load(network, options as object);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });

  test('what is undefined is not given', async () => {
    const loaded = await load(network, { progress: undefined, onProgress: undefined } as object);
    expect(loaded.labels).toEqual(labels);
  });
});

describe("of a model's calls", () => {
  test.each<[string, unknown, string]>([
    ['classify', 3, 'classify: options must be an object, found 3; perhaps { top: … } was meant'],
    ['classify', ['cat'], 'classify: options must be an object, found an Array; perhaps { labels: … } was meant'],
    ['classify', null, 'classify: options must be an object, found null'],
    ['classify', { topK: 1 }, "classify: there is no option 'topK'; similar options: top,"],
    ['classify', { layer: 'conv1' }, "classify: there is no option 'layer'; similar options: "],
    ['classify', { top: '3' }, "classify: top must be a whole number of 1 or more, found the text '3'"],
    ['classify', { threshold: '0.5' }, "classify: threshold must be a number from 0 to 1, found the text '0.5'"],
    ['classify', { mirror: 'false' }, "classify: mirror must be true or false, found the text 'false'"],
    ['classify', { rotation: '90' }, "classify: rotation must be one of 0, 90, 180, 270, found the text '90'"],
    ['classify', { alpha: 'grey' }, "classify: alpha must be one of drop, black, white, found the text 'grey'"],
    ['classify', { scaling: 'fast' }, "classify: scaling must be one of exact, canvas, found the text 'fast'"],
    ['classify', { labelOffset: '1' }, "classify: labelOffset must be one of 0, 1, found the text '1'"],
    [
      'classify',
      { background: 'drop' },
      "classify: background must be one of keep, before-softmax, after-softmax, found the text 'drop'",
    ],
    ['classify', { allow: [1] }, 'classify: allow must be a list of labels, found 1 in it'],
    [
      'classify',
      { signal: controller },
      'classify: signal must be an AbortSignal, found an AbortController; give its .signal',
    ],
    ['classify', { region: 'all' }, "classify: region must be an object, found the text 'all'"],
    [
      'classify',
      { region: { x: 0, y: 0 } },
      'classify: region.left must be a whole number of pixels, found undefined; wanted { left, top, width, height }',
    ],
    [
      'classify',
      { region: { left: 0, top: '3', width: 9, height: 9 } },
      "classify: region.top must be a whole number of pixels, found the text '3'; wanted { left, top, width, height }",
    ],
    [
      'embed',
      'conv_pw_13_relu',
      "embed: options must be an object, found the text 'conv_pw_13_relu'; perhaps { layer: … } was meant",
    ],
    ['embed', true, 'embed: options must be an object, found true; perhaps { pool: … } was meant'],
    ['embed', { layer: 5 }, 'embed: layer must be a text, found 5'],
    ['embed', { pool: 0 }, 'embed: pool must be true or false, found 0'],
    ['logits', { top: 3 }, "logits: there is no option 'top'; similar options: alpha,"],
  ])('%s: %o', async (task, options, message) => {
    const ask = model[task as 'classify'] as (input: unknown, options: unknown) => Promise<unknown>;
    const refused = ask(picture, options);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });

  test.each<[unknown, string]>([
    ['conv1', "trace: names must be a list of layers' names, found the text 'conv1'; wanted ['conv1']"],
    [{ alpha: 'drop' }, "trace: names must be a list of layers' names, found an Object"],
    [['conv1', 2], "trace: names must be a list of layers' names, found 2 in it"],
  ])('trace: %o', async (names, message) => {
    await expect(model.trace(picture, names as never)).rejects.toThrow(new UsageError(message));
  });

  test('a worker takes `transfer` besides', () => {
    checkRunOptions('embed', { transfer: true } as object, TRANSFER);
    expect(() => checkRunOptions('embed', { transfer: 1 } as object, TRANSFER)).toThrow(
      new UsageError('embed: transfer must be true or false, found 1'),
    );
    expect(() => checkRunOptions('embed', { transfer: true } as object)).toThrow(
      "embed: there is no option 'transfer'; similar options: layer,",
    );
  });
});

test('calls may be taken off their model', async () => {
  const { classify, embed, logits, probabilities, trace, report } = model;
  expect(await classify(picture)).toEqual(await model.classify(picture));
  expect(await probabilities(picture)).toEqual(await model.probabilities(picture));
  expect((await logits(picture)).shape).toEqual([1, 3]);
  expect((await embed(picture)).shape[0]).toBe(1);
  expect([...(await trace(picture, ['conv1'])).keys()]).toEqual(['conv1']);
  expect(report().name).toBe(network.name);
});

test('an object of a class is no object of options', () => {
  expect(() => checkOptions('ask', new Map(), {})).toThrow(
    new UsageError('ask: options must be an object, found a Map'),
  );
});

describe('of createWorker', () => {
  afterEach(() => vi.unstubAllGlobals());

  test.each<[unknown, string]>([
    ['/nope.js', "createWorker: options must be an object, found the text '/nope.js'; perhaps { url: … } was meant"],
    [{ uri: '/nope.js' }, "createWorker: there is no option 'uri'; similar options: url,"],
    [{ url: 7 }, 'createWorker: url must be the address of a script, found 7'],
    [{ name: 7 }, 'createWorker: name must be a text, found 7'],
    [{ startTimeout: 0 }, 'createWorker: startTimeout must be milliseconds above 0, found 0'],
  ])('%o', (options, message) => {
    vi.stubGlobal('Worker', class {});
    expect(() => createWorker(options as object)).toThrow(UsageError);
    expect(() => createWorker(options as object)).toThrow(message);
  });
});
