/** Training of a detector's heads: matching and loss by hand, gradients by differences, kernels against the readable layers, and a set that can be learnt. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBoxes } from '../../src/detection/boxes.js';
import { detect } from '../../src/detection/index.js';

import { NetworkError, UsageError } from '../../src/errors.js';
import type { Picture } from '../../src/image/picture.js';
import { prepare } from '../../src/image/with-kernels.js';
import { mobilenetV1, ssd } from '../../src/models/index.js';
import { SSD_SUPPRESSION } from '../../src/network/anchors.js';
import {
  inferShapes,
  type Network,
  NetworkBuilder,
  preprocessingPreset,
  randomWeights,
  run,
} from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { tensor } from '../../src/tensor.js';
import { wholePicture } from '../../src/training/detection/base-maps.js';
import { type BoxedExample, targetsIn, viewOf } from '../../src/training/detection/boxed-examples.js';
import { detectorDescription } from '../../src/training/detection/description.js';
import { compileHeads } from '../../src/training/detection/heads-program.js';
import { encodeBox, matchAnchors } from '../../src/training/detection/matching.js';
import { answeringTail, newDetector } from '../../src/training/detection/new-detector.js';
import { detectorReportHtml } from '../../src/training/detection/report.js';
import { ssdLoss, wantedOf } from '../../src/training/detection/ssd-loss.js';
import {
  DETECTOR_RECIPE,
  type DetectorHooks,
  type DetectorRecipe,
  type DetectorState,
  initialDetectorState,
  type TrainedDetector,
  trainDetector,
} from '../../src/training/detection/train-detector.js';
import { readState, writeState } from '../../src/training/loop/checkpoint.js';
import { forwardPass } from '../../src/training/step/gradients.js';
import { packParameters, parameterLayout, withParameters } from '../../src/training/step/parameters.js';
import type { WebAbortSignal } from '../../src/web-types.js';

const scales = [10, 10, 5, 5] as const;

describe('matching', () => {
  // Three anchors side by side, and one that covers all.
  const anchors = [0.5, 0.2, 0.4, 0.4, 0.5, 0.5, 0.4, 0.4, 0.5, 0.8, 0.4, 0.4, 0.5, 0.5, 1, 1];

  test('an object has its best anchor, however little it overlaps, and all that overlap it by half', () => {
    const whole = { box: [0, 0, 1, 1], classIndex: 0 } as const;
    const small = { box: [0.45, 0.15, 0.55, 0.25], classIndex: 1 } as const;
    expect([...matchAnchors(anchors, [whole, small])]).toEqual([1, -1, -1, 0]);
    expect([...matchAnchors(anchors, [{ box: [0.3, 0.05, 0.7, 0.45], classIndex: 0 }])]).toEqual([0, -1, -1, -1]);
    expect([...matchAnchors(anchors, [])]).toEqual([-1, -1, -1, -1]);
  });

  test('codes are those that decodeBoxes undoes', () => {
    const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(share, share, share, share, share, share, (y, x, h, w, ay, ax) => {
        const box = [y - h / 2, x - w / 2, y + h / 2, x + w / 2] as const;
        const anchor = [ay, ax, 0.3, 0.5];
        const decoded = decodeBoxes(tensor([1, 4], encodeBox(box, anchor, scales)), tensor([1, 4], anchor), scales);
        for (const [at, corner] of decoded.data.entries()) expect(corner).toBeCloseTo(box[at], 4);
      }),
    );
  });
});

describe('loss', () => {
  const anchors = Array.from({ length: 6 }, (_, i) => [0.5, (i + 0.5) / 6, 0.3, 0.15]).flat();
  const spec = { anchors, scales, slots: 3 };
  const wanted = wantedOf(spec, [{ box: [0.35, 0.0, 0.65, 0.16], classIndex: 1 }]);

  test('by hand: one object, three hard negatives of five', () => {
    expect([...wanted.slots]).toEqual([2, 0, 0, 0, 0, 0]);
    const logits = new Float32Array(18); // every probability is a half: 3 · ln 2 an anchor
    const codes = wanted.codes.slice();
    codes[0] += 0.5; // 0.5² / 2
    codes[1] += 3; // 3 − ½
    const { box, classes, dCodes, dLogits } = ssdLoss(codes, logits, spec, wanted);
    expect(box).toBeCloseTo(0.125 + 2.5, 5);
    expect(classes).toBeCloseTo(4 * 3 * Math.LN2, 5);
    expect([...dCodes.subarray(0, 4)]).toEqual([0.5, 1, 0, 0].map((d) => expect.closeTo(d, 5)));
    expect([...dLogits.subarray(0, 3)]).toEqual([0.5, 0.5, -0.5]);
    expect(dLogits.subarray(12).every((d) => d === 0)).toBe(true); // the first of equals are chosen
  });

  test('gradients are those of differences', () => {
    const random = uniformRandom(3);
    const codes = Float32Array.from({ length: 24 }, () => 4 * random() - 2);
    const logits = Float32Array.from({ length: 18 }, () => 4 * random() - 2);
    const { dCodes, dLogits } = ssdLoss(codes, logits, spec, wanted);
    for (const [numbers, slopes, part] of [
      [codes, dCodes, 'box'],
      [logits, dLogits, 'classes'],
    ] as const) {
      numbers.forEach((value, at) => {
        const moved = (by: number) => {
          numbers[at] = value + by;
          const loss = ssdLoss(codes, logits, spec, wanted)[part];
          numbers[at] = value;
          return loss;
        };
        expect(slopes[at]).toBeCloseTo((moved(1e-2) - moved(-1e-2)) / 2e-2, 2);
      });
    }
  });

  test('a picture without objects teaches what is none', () => {
    const none = wantedOf(spec, []);
    const { box, classes } = ssdLoss(new Float32Array(24), new Float32Array(18), spec, none);
    expect([box, classes]).toEqual([0, expect.closeTo(3 * 3 * Math.LN2, 5)]);
    expect(() => ssdLoss(new Float32Array(4), new Float32Array(18), spec, none)).toThrow(
      'ssdLoss: 6 anchors and 3 slots want 24 codes and 18 logits, found 4 and 18',
    );
  });
});

test('targetsIn: objects whose middle lies in the region, clipped, mirrored', () => {
  const box = { x: 10, y: 20, width: 20, height: 20 };
  const region = { left: 15, top: 20, width: 20, height: 40 };
  const objects = [
    { label: 'dog', box },
    { label: 'cat', box },
    { label: 'dog', box, difficult: true },
  ];
  const far = { label: 'dog', box: { ...box, x: 60 } };
  expect(targetsIn(region, false, [...objects, far], ['cow', 'dog'])).toEqual([
    { classIndex: 1, box: [0, 0, 0.5, 0.75] },
  ]);
  expect(targetsIn(region, true, objects, ['dog'])).toEqual([{ classIndex: 0, box: [0, 0.25, 0.5, 1] }]);
  // From 4 to 12 of 16 columns, and of 32 rows: seen in a mirror from 4 to 12, and one pixel further left one further right.
  const inside = (x: number) => [{ label: 'dog', box: { x, y: 8, width: 8, height: 16 } }];
  const view = { left: 0, top: 0, width: 16, height: 32 };
  expect(targetsIn(view, true, inside(4), ['dog'])[0].box).toEqual([0.25, 0.25, 0.75, 0.75]);
  expect(targetsIn(view, true, inside(3), ['dog'])[0].box).toEqual([0.25, 5 / 16, 0.75, 13 / 16]);
});

describe('views of a picture', () => {
  const picture: Picture = { width: 7, height: 4, channels: 1, data: new Uint8Array(28) };
  const whole = { left: 0, top: 0, width: 7, height: 4 };
  const draws =
    (...numbers: number[]) =>
    () =>
      numbers.shift()!;

  test('the picture, its mirror image, then parts: sides by the first two draws, place by the next two, mirrored by the fifth', () => {
    const never = draws();
    expect(viewOf(picture, 0, never)).toEqual({ region: whole, mirror: false });
    expect(viewOf(picture, 1, never)).toEqual({ region: whole, mirror: true });
    // Sides of 0.75 · 7 = 5.25 and 0.5 · 4 = 2; 3 places across, 3 down.
    expect(viewOf(picture, 2, draws(0.5, 0, 0.7, 0.4, 0.4))).toEqual({
      region: { left: 2, top: 1, width: 5, height: 2 },
      mirror: true,
    });
    expect(viewOf(picture, 3, draws(0, 0.99, 0.99, 0.99, 0.6))).toEqual({
      region: { left: 3, top: 0, width: 4, height: 4 },
      mirror: false,
    });
  });

  test('a part lies inside, has half of each side, and comes to every edge', () => {
    const random = uniformRandom(5);
    const parts = Array.from({ length: 200 }, () => viewOf(picture, 2, random).region);
    for (const { left, top, width, height } of parts) {
      expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
      expect(Math.min(width - 3, height - 2)).toBeGreaterThanOrEqual(0);
      expect(Math.max(left + width - 7, top + height - 4)).toBeLessThanOrEqual(0);
    }
    expect(new Set(parts.map(({ left, width }) => [left === 0, left + width === 7].join())).size).toBe(4);
    expect(new Set(parts.map(({ top, height }) => [top === 0, top + height === 4].join())).size).toBe(4);
  });
});

describe('the heads on kernels', () => {
  test('gradients are those of the readable layers', async () => {
    const net = new NetworkBuilder();
    const a = net.input('a', [1, 5, 4, 9]);
    const b = net.input('b', [1, 2, 2, 12]);
    const outputs = [
      net.add('pointwise', 'pointwiseConv2d', a, { filters: 5, bias: true }),
      net.add('full', 'conv2d', b, {
        filters: 11,
        kernelSize: [3, 3],
        strides: [1, 1],
        dilation: [1, 1],
        padding: 'same',
        bias: true,
      }),
    ];
    const network = randomWeights(net.build('heads', outputs, { source: 'other', output: 'features' }), 5);
    const random = uniformRandom(8);
    const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
    const batch = 2;
    const maps = [numbers(batch * 180), numbers(batch * 48)];
    const slopes = [numbers(batch * 100), numbers(batch * 44)];
    const layout = parameterLayout(network);
    const gradients = new Float32Array(layout.trainableSize);
    const program = await compileHeads(network, batch);
    let seen: Float32Array[] = [];
    program.step(
      packParameters(network).values,
      maps,
      (found, into) => {
        seen = found.map((one) => one.slice());
        for (const [index, gradient] of into.entries()) gradient.set(slopes[index]);
      },
      gradients,
    );
    expect(program.inputSizes).toEqual([180, 48]);
    const inputs = new Map([
      ['a', tensor([batch, 5, 4, 9], maps[0])],
      ['b', tensor([batch, 2, 2, 12], maps[1])],
    ]);
    const pass = forwardPass(network, inputs, 'inference');
    const given = new Map([
      ['pointwise', tensor([batch, 5, 4, 5], slopes[0])],
      ['full', tensor([batch, 2, 2, 11], slopes[1])],
    ]);
    const { weights } = pass.backward(given);
    outputs.forEach((name, index) => {
      for (const [at, value] of pass.tensors.get(name)!.data.entries()) expect(seen[index][at]).toBeCloseTo(value, 4);
    });
    for (const { name, offset, size } of layout.trainable) {
      const wanted = weights.get(name)!.data;
      for (let i = 0; i < size; i++) expect(gradients[offset + i]).toBeCloseTo(wanted[i], 3);
    }
  });
});

describe('a new detector', () => {
  test('on a detector: its maps, its anchors and its box heads', () => {
    const base = randomWeights(ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 4, heads: 'pointwise' }), 1);
    const detector = newDetector(base, ['a', 'b'], 1);
    expect(detector.front.outputs).toHaveLength(6);
    expect(detector.anchors).toBe(base.conventions.detection?.anchors);
    expect(detector.tail.weights.get('NewPredictor_2/BoxEncodingPredictor/kernel')).toBe(
      base.weights.get('BoxPredictor_2/BoxEncodingPredictor/kernel'),
    );
    const tail = answeringTail(detector);
    const shapes = inferShapes(tail);
    expect(tail.outputs.map((name) => shapes.get(name))).toEqual([
      [1, detector.anchors.length / 4, 4],
      [1, detector.anchors.length / 4, 3],
    ]);
  });

  test('on a classifier: the last maps of its backbone, and extras', () => {
    const base = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 4 }), 1);
    const detector = newDetector(base, ['a'], 1);
    expect(detector.front.outputs).toEqual(['conv_pw_11_relu', 'conv_pw_13_relu']);
    expect(detector.anchors).toHaveLength(4 * (48 + 24 + 6 + 6 + 6 + 6));
    expect([detector.front.name, detector.tail.name]).toEqual([base.name, `detector on ${base.name}`]);
    // The extras of TensorFlow's SSD: 512, 256, 256 and 128 channels, each half as wide behind a half of its channels.
    const { tail } = detector;
    const shapes = inferShapes(tail);
    const extras = tail.nodes
      .filter(({ name }) => name.startsWith('extra_'))
      .map(({ name }) => [name, shapes.get(name)]);
    expect(extras).toEqual(
      [512, 256, 256, 128].flatMap((c, i) => [
        [`extra_${i}/narrow`, [1, i === 0 ? 2 : 1, i === 0 ? 2 : 1, c / 2]],
        [`extra_${i}/narrow/Relu6`, [1, i === 0 ? 2 : 1, i === 0 ? 2 : 1, c / 2]],
        [`extra_${i}`, [1, 1, 1, c]],
        [`extra_${i}/Relu6`, [1, 1, 1, c]],
      ]),
    );
    // Boxes of four numbers and two classes, background and 'a', of each map's anchors.
    expect(tail.outputs.map((name) => shapes.get(name))).toEqual(
      [
        [4, 3],
        [2, 6],
        [1, 6],
        [1, 6],
        [1, 6],
        [1, 6],
      ].flatMap(([side, each]) => [
        [1, side, side, each * 4],
        [1, side, side, each * 2],
      ]),
    );
    expect(tail.outputs.slice(0, 2)).toEqual(['NewPredictor_0/BoxEncodingPredictor', 'NewPredictor_0/ClassPredictor']);
  });

  test('its answers begin with 99 anchors of 100 taken for background, and none for an object (arXiv:1708.02002, §4.1)', () => {
    const base = randomWeights(ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 4, heads: 'pointwise' }), 1);
    const classifier = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 4 }), 1);
    for (const its of [base, classifier]) {
      const bias = newDetector(its, ['a', 'b'], 1).tail.weights.get('NewPredictor_1/ClassPredictor/bias')!;
      const chances = Array.from(bias.data, (logit) => 1 / (1 + Math.exp(-logit)));
      expect(chances).toEqual(Array.from({ length: 18 }, (_, i) => expect.closeTo(i % 3 === 0 ? 0.99 : 0.01, 6)));
    }
    expect(newDetector(base, ['a', 'b'], 1).tail.name).toBe(`heads of ${base.name}`);
  });

  test('a map of stride 16 has both of its sides, whatever maps come after it', () => {
    const net = new NetworkBuilder();
    const window = { dilation: [1, 1], padding: 'same', bias: true } as const;
    let x = net.input('x', [1, 64, 128, 3]);
    const halve = (name: string, filters: number, strides: readonly [number, number]) => {
      x = net.add(name, 'conv2d', x, { ...window, kernelSize: [3, 3], filters, strides });
    };
    halve('by 8', 4, [8, 8]);
    halve('by 16', 4, [2, 2]); // 4 × 8
    halve('rows by 32', 4, [2, 1]); // 2 × 8
    halve('by 32', 4, [1, 2]); // 2 × 4
    halve('columns by 64', 4, [1, 2]); // 2 × 2
    const base = randomWeights(net.build('long', [x], { source: 'other', output: 'features' }), 1);
    expect(newDetector(base, ['a'], 1).front.outputs).toEqual(['by 16', 'by 32']);
  });

  test('what has no heads, or no maps to put some on', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 64, 64, 3]);
    const around = { kernelSize: [3, 3], strides: [8, 8], dilation: [1, 1], padding: 'same', bias: true } as const;
    const [one, two] = ['one', 'two'].map((name) => net.add(name, 'conv2d', x, { ...around, filters: 4 }));
    const both = net.add('both', 'concat', [one, two], { axis: -1 });
    const pooled = net.add('pooled', 'maxPool', one, { poolSize: [2, 2], strides: [1, 1], padding: 'valid' });
    const as = (codes: string, scores: string): Network => {
      const detection = {
        ...{ codes, scores, background: 'slot 0' as const, anchors: [0.5, 0.5, 1, 1], scales },
        suppression: { ...SSD_SUPPRESSION, scoreThreshold: 0.01 },
      };
      const described = net.build('odd', [both, pooled], { source: 'other', output: 'features' });
      return { ...described, conventions: { ...described.conventions, detection } };
    };
    const made = (base: Network) => () => newDetector(base, ['a'], 1);
    expect(made(as('both', 'one'))).toThrow(
      new NetworkError('odd: wanted as many heads for boxes as for classes, found 2 and 1'),
    );
    expect(made(as('x', 'one'))).toThrow(new NetworkError("odd: 'x' leads back to an input, and to no head"));
    expect(made(as('pooled', 'one'))).toThrow(
      new NetworkError("odd: wanted convolutions as heads, joined and reshaped; found 'pooled' (maxPool)"),
    );
    const { conventions, ...classifier } = as('one', 'two');
    expect(made({ ...classifier, conventions: { ...conventions, detection: undefined } as never })).toThrow(
      new NetworkError(
        'odd: wanted a detector, or a backbone with maps of stride 16 and 32; found no map of 4 × 4 for its 64 × 64',
      ),
    );
  });
});

/** Pictures of grey noise with one red square each: something that a picture's colours alone tell. */
function squares(count: number, seed: number): BoxedExample[] {
  return Array.from({ length: count }, (_, index) => {
    const random = uniformRandom(seed + index);
    const side = 20 + Math.floor(random() * 20);
    const [left, top] = [Math.floor(random() * (64 - side)), Math.floor(random() * (64 - side))];
    const data = new Uint8Array(64 * 64 * 3);
    for (let at = 0; at < 64 * 64; at++) {
      const [x, y] = [at % 64, Math.floor(at / 64)];
      const inside = x >= left && x < left + side && y >= top && y < top + side;
      data.set(inside ? [230, 20, 20] : [90, 90, 90].map((grey) => grey + Math.floor(random() * 60)), at * 3);
    }
    const picture: Picture = { width: 64, height: 64, channels: 3, data };
    return {
      picture: async () => picture,
      objects: [{ label: 'square', box: { x: left, y: top, width: side, height: side } }],
    };
  });
}

describe('trainDetector', () => {
  /** A detector whose map are the mean colours of 8 × 8 parts of the picture, with one anchor around each; its head knows nothing yet. */
  function base(): Network {
    const net = new NetworkBuilder();
    const window = { strides: [8, 8], padding: 'valid', includePadding: false } as const;
    const map = net.add('map', 'averagePool', net.input('input', [1, 64, 64, 3]), { ...window, poolSize: [8, 8] });
    const head = (name: string, filters: number) => {
      const around = { kernelSize: [5, 5], strides: [1, 1], dilation: [1, 1], padding: 'same', bias: true } as const;
      const answer = net.add(name, 'conv2d', map, { ...around, filters });
      return net.add(`${name}/rows`, 'reshape', answer, { shape: [-1, filters] });
    };
    const codes = head('boxes', 4);
    const scores = net.add('scores', 'sigmoid', head('classes', 2), {});
    const centre = (at: number) => (at + 0.5) / 8;
    const anchors = Array.from({ length: 64 }, (_, at) => [
      centre(Math.floor(at / 8)),
      centre(at % 8),
      0.45,
      0.45,
    ]).flat();
    const network = net.build('colours', [codes, scores], {
      source: 'other',
      output: 'features',
      preprocessing: { ...preprocessingPreset('slim', [64, 64]), crop: { kind: 'stretch' } },
      detection: {
        ...{ codes, scores, background: 'slot 0', anchors, scales },
        suppression: { ...SSD_SUPPRESSION, scoreThreshold: 0.01 },
      },
    });
    return randomWeights(network, 1);
  }

  const trained = (
    [count, first]: readonly [number, number],
    options: Partial<DetectorRecipe> = {},
    hooks: DetectorHooks = {},
    heldBack: readonly BoxedExample[] = [],
  ) => {
    const recipe = { ...DETECTOR_RECIPE, ...options };
    const detector = newDetector(base(), ['square'], recipe.seed);
    return trainDetector(detector, squares(count, first), heldBack, recipe, hooks);
  };

  test('learns to find squares, and answers as a detector', async () => {
    const heldBack = squares(8, 1000);
    const options = { epochs: 60, batch: 8, learningRate: 0.03, views: 2, seed: 2 };
    const { network, state, byLabel } = await trained([24, 1], options, {}, heldBack);
    const [first, last] = [state.history[0], state.history[state.history.length - 1]];
    expect(last.classLoss).toBeLessThan(first.classLoss / 2);
    expect(last.ap50).toBeGreaterThan(0.7);
    expect(byLabel.get('square')).toBe(last.ap50);
    expect(network.name).toBe('colours for 1 classes of its own');
    expect([first.learningRate, last.learningRate].map((rate) => rate > 0 && rate < 0.03)).toEqual([true, true]);
    const found = await detect(network, await heldBack[0].picture(), { scoreThreshold: 0.01, maxResults: 1 });
    expect(found).toMatchObject([{ label: 'square', classIndex: 0 }]);
  }, 60_000);

  test('the same seed gives the same network; nothing to learn from is an error', async () => {
    const options = { epochs: 2, batch: 4, views: 3 };
    const [one, two] = await Promise.all([1, 2].map(() => trained([4, 1], options)));
    expect(one.network.weights).toEqual(two.network.weights);
    expect(one.state.history[1].ap50).toBeNull();
    await expect(trained([0, 1])).rejects.toThrow(
      new UsageError('training: found no pictures with boxes to learn from'),
    );
  }, 60_000);

  test('of several maps: the loss is that of the whole detector, and every head is changed against its slope', async () => {
    const model = randomWeights(
      ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 1, heads: 'pointwise' }),
      1,
    );
    const detector = newDetector(model, ['square'], 1);
    const examples = squares(2, 7);
    const recipe = { ...DETECTOR_RECIPE, epochs: 1, batch: 2, views: 1, learningRate: 1e-3 };
    const { state } = await trainDetector(detector, examples, [], recipe);

    // The same by the layers in TypeScript, joined as `detect` reads them.
    const tail = { ...answeringTail(detector), outputs: ['new/codes', 'new/logits'] };
    const preprocessing = wholePicture(detector.front);
    const spec = { anchors: detector.anchors, scales: detector.scales, slots: 2 };
    const whole = { left: 0, top: 0, width: 64, height: 64 };
    const seen = await Promise.all(
      examples.map(async ({ picture, objects }) => ({
        maps: run(detector.front, prepare(await picture(), preprocessing)),
        wanted: wantedOf(spec, targetsIn(whole, false, objects, ['square'])),
      })),
    );
    const matched = seen.reduce((sum, { wanted }) => sum + wanted.matched, 0);
    const lossesOf = (values: Float32Array) => {
      const { weights } = withParameters(detector.tail, values, new Float32Array(0));
      const losses = seen.map(({ maps, wanted }) => {
        const answers = run({ ...tail, weights }, maps);
        const [codes, logits] = tail.outputs.map((name) => Float32Array.from(answers.get(name)!.data));
        return ssdLoss(codes, logits, spec, wanted);
      });
      const mean = (part: 'box' | 'classes') => losses.reduce((sum, its) => sum + its[part], 0) / matched;
      return { box: mean('box'), classes: mean('classes') };
    };
    const { values } = packParameters(detector.tail);
    const { box, classes } = lossesOf(values);
    expect(state.history[0].boxLoss / box).toBeCloseTo(1, 3);
    expect(state.history[0].classLoss / classes).toBeCloseTo(1, 3);

    // Adam's first step has the size of the rate and the sign of the slope.
    const layout = parameterLayout(detector.tail);
    const steep = new Set<string>();
    for (const name of detector.tail.outputs) {
      const { offset, size } = layout.trainable.find((slot) => slot.name === `${name}/bias`)!;
      for (let at = offset; at < offset + Math.min(size, 8); at++) {
        const lossAt = (by: number) => {
          const moved = values.slice();
          moved[at] += by;
          const found = lossesOf(moved);
          return found.box + found.classes;
        };
        const slope = (lossAt(0.02) - lossAt(-0.02)) / 0.04;
        if (Math.abs(slope) < 0.01) continue;
        steep.add(name);
        expect(state.values[at] - values[at], name).toBeCloseTo(-1e-3 * Math.sign(slope), 4);
      }
    }
    expect(steep.size).toBeGreaterThan(2);
  }, 60_000);

  test('stopped after any step and taken up from its checkpoint, it ends with the same bits', async () => {
    const options = { epochs: 3, batch: 2, views: 3, learningRate: 0.01 };
    const heldBack = squares(2, 50);
    const whole = await trained([5, 1], options, {}, heldBack);
    const withoutSeconds = ({ state }: TrainedDetector) => state.history.map(({ seconds: _, ...metrics }) => metrics);
    const recipe = { ...DETECTOR_RECIPE, ...options };
    const description = detectorDescription(base(), squares(5, 1), { ...recipe, heldBack: 0.2, labels: ['square'] });
    const fresh = () => initialDetectorState(newDetector(base(), ['square'], recipe.seed));
    let saved = writeState(fresh(), description);
    const stops: string[] = [];
    for (let run = 0; run < 20; run++) {
      // The signal is asked before each picture and each step: 7 pictures, then `run % 3` steps, and it says stop.
      let asked = 0;
      const signal = {
        get aborted() {
          return ++asked > 7 + (run % 3);
        },
      } as WebAbortSignal;
      const state = readState(saved, fresh(), 'c', (found) => [found, description]);
      const save = async (state: DetectorState) => {
        saved = writeState(state, description);
        stops.push(`${state.epoch}.${state.step}`);
      };
      const { state: end, ...stopped } = await trained([5, 1], options, { state, signal, save }, heldBack);
      if (end.epoch < 3) {
        expect(stopped.finished).toBe(false);
        continue;
      }
      expect(end.values).toEqual(whole.state.values);
      expect(end.optimizer).toEqual(whole.state.optimizer);
      expect(stopped.network.weights).toEqual(whole.network.weights);
      expect(withoutSeconds({ ...stopped, state: end })).toEqual(withoutSeconds(whole));
      expect(new Set(stops)).toContain('1.1'); // within an epoch
      return;
    }
    expect.unreachable('it never ended');
  }, 60_000);

  test('a loss that is no number is an error', async () => {
    await expect(trained([4, 1], { epochs: 9, batch: 2, views: 1, learningRate: 3e38 })).rejects.toThrow(
      /^training: the loss is (NaN|Infinity) in step 2 of epoch 1: it diverged; a smaller learning rate may help$/,
    );
  });

  test('weights that the last step of an epoch made no numbers are an error', async () => {
    await expect(trained([4, 1], { epochs: 1, batch: 4, views: 1, learningRate: 1e39 })).rejects.toThrow(
      /^training: a weight is -?(Infinity|NaN) in step 1 of epoch 1: it diverged; a smaller learning rate may help$/,
    );
  });

  test('a batch larger than the set is the set; eight pictures unless stated; a smaller one is another training', async () => {
    const values = async (batch?: number) =>
      (await trained([9, 1], { epochs: 2, views: 1, ...(batch !== undefined && { batch }) })).state.values;
    const whole = await values(9);
    expect(await values(10)).toEqual(whole);
    expect(await values(4)).not.toEqual(whole);
    expect(await values()).toEqual(await values(8));
    expect(await values()).not.toEqual(whole);
  }, 60_000);
});

test('the report: what was reached, the classes, curves without the epochs that were not tested', () => {
  const epoch = (number: number, ap: number | null, ap50: number | null) => ({
    ...{ epoch: number, boxLoss: 1, classLoss: 2, ap, ap50, learningRate: 0.1, seconds: 36 },
  });
  const page = (history: ReturnType<typeof epoch>[], byLabel: [string, number][]) =>
    detectorReportHtml({ title: 'x', recipe: DETECTOR_RECIPE, history, byLabel: new Map(byLabel) });
  const tested = page(
    [epoch(1, null, null), epoch(2, 0.25, 0.5)],
    [
      ['a < b', 0.5],
      ['c', 0.125],
    ],
  );
  expect(tested).toContain('<p>Average precision at IoU 0.5 50.00 %, after 2 epochs and\n0.02 hours.</p>');
  expect(tested).toContain(
    '<h2>Average precision at IoU 0.5</h2>\n<table><tr><th scope="row">a &lt; b</th><td>50.00 %</td></tr>\n<tr><th scope="row">c</th><td>12.50 %</td></tr></table>',
  );
  const [, loss, precision] = tested.split('<h2>');
  expect(loss).toContain(
    'Loss in training</h2>\n<p><span class="key0">boxes</span> <span class="key1">classes</span></p>',
  );
  // 2 is the top line, 1 lies half-way.
  expect(loss).toContain('<polyline class="curve0" points="56.0,110.0 632.0,110.0"/>');
  expect(loss).toContain('<polyline class="curve1" points="56.0,8.0 632.0,8.0"/>');
  expect(precision).toContain(
    'Average precision of held-back pictures</h2>\n<p><span class="key0">AP of COCO</span> <span class="key1">at IoU 0.5</span></p>',
  );
  expect(precision).toContain('<polyline class="curve0" points="632.0,110.0"/>');
  expect(precision).toContain('<polyline class="curve1" points="632.0,8.0"/>');
  expect(page([epoch(1, null, null)], [])).toContain('<p>No pictures held back, after 1 epochs and');
});

describe('what a detector is resumed with', () => {
  const base = randomWeights(ssd({ backbone: 'v1', alpha: 0.25, resolution: 64, classes: 1, heads: 'pointwise' }), 1);
  const wanted = { ...DETECTOR_RECIPE, heldBack: 0.2, labels: ['square'] };
  const state = initialDetectorState(newDetector(base, ['square'], 1));
  const bytes = writeState(state, detectorDescription(base, squares(3, 1), wanted));
  const reading =
    (network: Network, examples: readonly BoxedExample[], changed: object = {}) =>
    () =>
      readState(bytes, state, 'run/c', (saved) => [
        saved,
        detectorDescription(network, examples, { ...wanted, ...changed }),
      ]);

  test.each([
    [{ epochs: 41 }, 'epochs 40, this run has 41'],
    [{ batch: 7 }, 'batch 8, this run has 7'],
    [{ learningRate: 1 }, 'learningRate 0.003, this run has 1'],
    [{ views: 1 }, 'views 4, this run has 1'],
    [{ seed: 2 }, 'seed 1, this run has 2'],
    [{ heldBack: 0.1 }, 'heldBack 0.2, this run has 0.1'],
    [{ labels: ['a', 'b'] }, 'labels ["square"], this run has ["a","b"]'],
  ])('%j', (changed, what) => {
    expect(reading(base, squares(3, 1), changed)).toThrow(
      new UsageError(`run/c was trained with ${what}; it can only be resumed with the same`),
    );
  });

  test('other boxes, another base, other weights', () => {
    expect(reading(base, squares(3, 1))()).toEqual(state);
    expect(reading(base, squares(3, 2))).toThrow(
      /^run\/c was trained with data \{"name":"boxes [0-9a-f]{8}","pictures":3\}, this run has \{"name":"boxes [0-9a-f]{8}","pictures":3\}; it can/,
    );
    expect(reading({ ...base, name: 'other' }, squares(3, 1))).toThrow(
      `run/c was trained with network "${base.name}", this run has "other"; it can only be resumed with the same`,
    );
    expect(reading({ ...base, outputs: base.outputs.slice(1) }, squares(3, 1))).toThrow(
      new UsageError(`run/c was trained with another network of the name ${base.name}`),
    );
    expect(reading(randomWeights(base, 2), squares(3, 1))).toThrow(
      new UsageError(`run/c was trained on other weights of ${base.name}`),
    );
  });
});
