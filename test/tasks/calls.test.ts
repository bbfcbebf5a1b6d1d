/** Calls that people try: each is told the right one. */
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { UsageError } from '../../src/errors.js';
import { run } from '../../src/network/index.js';
import { classify, embed, logits, probabilities } from '../../src/tasks/index.js';
import { noise, smallNetwork, watched } from '../load/models.js';
import { colourNetwork, filled } from './networks.js';

const network = colourNetwork('softmax');
const picture = filled(3, 2, 1);
/** What platforms call their objects, without the platform. */
const tagged = (tag: string) => ({ [Symbol.toStringTag]: tag });

const tasks = {
  classify,
  logits,
  probabilities,
  embed: (...[a, b, more]: Parameters<typeof classify>) => embed(a, b, { layer: 'mean', ...more }),
};

describe.each(Object.entries(tasks))('%s', (task, ask) => {
  const call = ask as (...given: unknown[]) => Promise<unknown>;
  const told = (what: string) =>
    new UsageError(
      `${task}: found ${what}; wanted ${task}(network, picture, { run: (_, input) => plan.run(input) }), or model.${task}(input) of load()`,
    );

  test('a plan in place of the network, or as run', async () => {
    const plan = await compile(network);
    await expect(call(plan, picture)).rejects.toThrow(told('a compiled plan'));
    await expect(call(network, picture, { run: plan })).rejects.toThrow(told('a compiled plan'));
    await expect(call(network, picture, { run: plan.run })).rejects.toThrow(told('a Function'));
  });

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['mobilenet_v1_0.25_224', "the text 'mobilenet_v1_0.25_224'"],
    [Promise.resolve(network), 'a Promise'],
    [{ classify: () => [] }, 'a loaded model'],
    [picture, 'an Object'],
  ])('%o in place of the network', async (wrong, what) => {
    await expect(call(wrong, picture)).rejects.toThrow(told(what));
  });

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['cat.jpg', "the text 'cat.jpg'"],
    [tagged('HTMLImageElement'), 'an HTMLImageElement'],
    [tagged('SVGImageElement'), 'an SVGImageElement'],
    [tagged('HTMLVideoElement'), 'an HTMLVideoElement'],
    [tagged('ImageData'), 'an ImageData'],
    [tagged('ImageBitmap'), 'an ImageBitmap'],
    [tagged('OffscreenCanvas'), 'an OffscreenCanvas'],
    [tagged('VideoFrame'), 'a VideoFrame'],
    [new Blob([]), 'a Blob'],
    [new Uint8Array(9), 'a Uint8Array'],
    [new ArrayBuffer(9), 'an ArrayBuffer'],
    [new URL('https://example.org/cat.jpg'), 'a URL'],
    [7, '7'],
    [[picture, undefined], 'undefined'],
  ])('another kind of input, %#', async (wrong, what) => {
    await expect(call(network, wrong)).rejects.toThrow(told(what));
  });

  test.each<[unknown, string]>([
    [true, 'true'],
    ['wasm', "the text 'wasm'"],
    [null, 'null'],
  ])('%o as run', async (wrong, what) => {
    await expect(call(network, picture, { run: wrong })).rejects.toThrow(told(what));
  });
});

test('an executor of the whole network where a part is wanted: the answer says so, and both right ways work', async () => {
  const plan = await compile(network);
  const whole = { run: (_: unknown, input: Parameters<typeof plan.run>[0]) => plan.run(input) };
  await expect(embed(network, picture, { layer: 'brighter', ...whole })).rejects.toThrow(
    new UsageError(
      'colours up to brighter: run answered with softmax, wanted brighter: it must compute the network that it is given, which may be a part',
    ),
  );
  await expect(logits(network, picture, whole)).rejects.toThrow('run answered with softmax, wanted mean');
  expect(await classify(network, picture, whole)).toEqual(await classify(network, picture));
  expect(await embed(network, picture, { layer: 'brighter' })).toEqual(
    await embed(network, picture, { layer: 'brighter', run }),
  );
});

test('kernels compute unless run is given, and a network is compiled once', async () => {
  const { network: fresh, reads } = watched(smallNetwork());
  const shown = noise(1);
  await classify(fresh, shown);
  const once = reads();
  await classify(fresh, shown);
  await probabilities(fresh, shown);
  expect(reads()).toBe(once);
  await logits(fresh, shown);
  await embed(fresh, shown, { layer: 'conv_pw_3_relu' });
  const cuts = reads();
  expect(cuts).toBeGreaterThan(once);
  await logits(fresh, shown);
  await embed(fresh, shown, { layer: 'conv_pw_3_relu' });
  expect(reads()).toBe(cuts);
  await classify(fresh, shown, { run });
  expect(reads()).toBeGreaterThan(cuts);
});
