import { describe, expect, test } from 'vitest';
import { FormatError, TrainingError, UsageError } from '../../src/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { atResolution, randomWeights, trace } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { NO_AUGMENTATION } from '../../src/training/data/augment.js';
import { train as trainInPage } from '../../src/training/index.js';
import {
  type Origin,
  type Recipe,
  type StepReport,
  type TrainHooks,
  type TrainingState,
  train,
} from '../../src/training/index.node.js';
import { readCheckpoint, writeCheckpoint } from '../../src/training/loop/checkpoint.js';
import { evaluate } from '../../src/training/loop/evaluate.js';
import { optimizerDefaults } from '../../src/training/loop/optimizers.js';
import { augmentationAt, recipeWith, sideAt } from '../../src/training/loop/recipe.js';
import {
  countTest,
  type Member,
  type Request,
  ShardRunner,
  type StartMembers,
} from '../../src/training/loop/shards.js';
import { initialState, trainWith } from '../../src/training/loop/train.js';
import { initialWeights } from '../../src/training/step/initial-weights.js';
import { packParameters } from '../../src/training/step/parameters.js';
import { trainingNetwork } from '../../src/training/transfer/network.js';
import { shapes, shapesData, tinyNetwork } from './tiny.js';

const data = shapes();
const augmentation = { flip: true, crop: 1, cutout: 2, mixup: 0.2 };

const recipeOf = (changed: Partial<Recipe> = {}): Recipe =>
  recipeWith({ epochs: 3, batch: 16, learningRate: 0.05, augmentation, ...changed });

/** Every number that is known when training has ended, and the metrics but for their seconds. */
function outcome({ values, statistics, average, optimizer, history }: TrainingState) {
  const metrics = history.map(({ seconds: _, ...rest }) => rest);
  return { values, statistics, average, optimizer, metrics };
}

async function trained(recipe: Recipe, hooks: TrainHooks = {}) {
  return outcome((await train(tinyNetwork(data.train, 0.1), data, recipe, hooks)).state);
}

describe('the same seed gives the same bits', () => {
  test.each(['sgd', 'rmsprop', 'adam'] as const)('%s', async (kind) => {
    const recipe = recipeOf({ optimizer: optimizerDefaults[kind], learningRate: 0.01 });
    const first = await trained(recipe);
    expect(await trained(recipe)).toEqual(first);
    expect((await trained({ ...recipe, seed: 2 })).values).not.toEqual(first.values);
  });

  test('kernels and readable layers agree as far as their sums do', async () => {
    const hooks = (target: Recipe['target']) => trained(recipeOf({ target, epochs: 1, averageDecay: 0 }));
    const [wasm, reference] = [await hooks('simd'), await hooks('reference')];
    for (const [i, value] of wasm.values.entries()) expect(Math.abs(value - reference.values[i])).toBeLessThan(1e-4);
    expect(wasm.metrics[0].trainLoss).toBeCloseTo(reference.metrics[0].trainLoss, 4);
  });
});

test('a small data set is driven to no loss, and what it learnt holds for pictures it never saw', async () => {
  const recipe = recipeWith({ epochs: 60, batch: 16, learningRate: 0.1, labelSmoothing: 0, weightDecay: 0 });
  const { network, state, finished } = await train(tinyNetwork(data.train), data, recipe);
  expect(finished).toBe(true);
  expect(state.history.at(-1)?.trainLoss).toBeLessThan(0.02);
  expect(state.history.at(-1)?.trainAccuracy).toBe(1);
  expect((await evaluate(network, data.test)).top1).toBeGreaterThan(0.9);
});

describe('the mean of the cycles', () => {
  const plain = { augmentation: NO_AUGMENTATION, averageCycles: true } as const;
  const recipe = recipeOf({
    ...plain,
    epochs: 4,
    restarts: [
      { epoch: 1, learningRate: 0.1 },
      { epoch: 3, learningRate: 0.02 },
    ],
  });

  test('of the averaged weights after epochs 1, 3 and 4, which nothing of the training depends on', async () => {
    const ends: Float32Array[] = [];
    const save = async ({ average }: TrainingState) => void ends.push(average.values.slice());
    const { network, state } = await train(tinyNetwork(data.train), data, recipe, { save });
    const mean = ends[0].map((_, i) => (ends[0][i] + ends[2][i] + ends[3][i]) / 3);
    const found = packParameters(network).values;
    for (const [i, value] of found.entries()) expect(Math.abs(value - mean[i])).toBeLessThan(1e-6);
    const alone = await train(tinyNetwork(data.train), data, { ...recipe, averageCycles: false });
    expect(outcome(state)).toEqual(outcome(alone.state));
  });

  test("batch norm's statistics are those of what it reads with the mean's own weights", async () => {
    // One batch is all pictures: what the first batch norm reads is the reference's convolution of them.
    const whole = recipeOf({ ...plain, epochs: 2, batch: 48, shards: 1, restarts: [{ epoch: 1, learningRate: 0.1 }] });
    const { network } = await train(tinyNetwork(data.train), data, { ...whole, warmupEpochs: 0 });
    const { mean, deviation, scale } = network.conventions.preprocessing!;
    const { pictures } = data.train;
    const x = Float32Array.from(pictures, (byte, i) => (byte * scale - mean[i % 3]) / deviation[i % 3]);
    const read = trace(network, tensor([48, 8, 8, 3], x)).get('conv')!.data;
    for (let c = 0; c < 8; c++) {
      const channel = Array.from(read).filter((_, i) => i % 8 === c);
      const average = channel.reduce((sum, value) => sum + value, 0) / channel.length;
      const variance = channel.reduce((sum, value) => sum + (value - average) ** 2, 0) / channel.length;
      expect(network.weights.get('conv_bn/movingMean')!.data[c]).toBeCloseTo(average, 4);
      expect(network.weights.get('conv_bn/movingVariance')!.data[c] / variance).toBeCloseTo(1, 2);
    }
  });

  test('they are measured over the steps of an epoch, 100 at most; progress counts them', async () => {
    const seen: number[][] = [];
    const onStatistics = (...report: [number, number]) => seen.push(report);
    await train(tinyNetwork(data.train), data, recipe, { onStatistics });
    expect(seen.splice(0)).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    const many = { train: shapesData(206, 1), test: data.test };
    const short = recipeOf({ ...plain, epochs: 1, batch: 2, shards: 1 });
    await train(tinyNetwork(many.train), many, short, { onStatistics });
    expect([seen.length, seen.at(-1)]).toEqual([100, [100, 100]]);
  });

  test('a signal while they are measured: not finished, and measured again by a run that is taken up', async () => {
    const stop = new AbortController();
    const stopped = await train(tinyNetwork(data.train), data, recipe, {
      onStatistics: () => stop.abort(),
      signal: stop.signal,
    });
    expect(stopped.finished).toBe(false);
    const resumed = await train(tinyNetwork(data.train), data, recipe, { state: stopped.state });
    const whole = await train(tinyNetwork(data.train), data, recipe);
    expect(resumed.finished).toBe(true);
    expect(resumed.network.weights).toEqual(whole.network.weights);
  });
});

describe('a team', () => {
  const recipe = recipeOf({ epochs: 2, shards: 4 });

  /** Members on this thread, in place of threads of their own; `asked` are the requests by member. */
  function team() {
    const asked: Request[][] = [];
    let closed = 0;
    const startMembers: StartMembers = async (job, count) =>
      Array.from({ length: count }, (_, member) => {
        const runner = new ShardRunner(job);
        asked.push([]);
        const answer = (request: Request): Promise<unknown> => {
          asked[member].push(request);
          return 'test' in request ? countTest(job, request.test) : runner.run(request.position, request.shards);
        };
        return { ask: answer as Member['ask'], close: async () => void closed++ };
      });
    return { asked, startMembers, closed: () => closed };
  }
  const by = (startMembers: StartMembers, hooks: TrainHooks) =>
    trainWith(startMembers, tinyNetwork(data.train, 0.1), data, recipe, hooks);

  // Of 30 test pictures each member has an equal part, this thread the first.
  test.each([
    [1, [], []],
    [2, [[1, 3]], [[15, 15]]],
    [
      3,
      [[1], [2]],
      [
        [10, 10],
        [20, 10],
      ],
    ],
    [
      9,
      [[1], [2], [3]],
      [
        [7, 8],
        [15, 7],
        [22, 8],
      ],
    ],
  ])('of %i ends with the bits of one; no more than there are shards', async (workers, shards, tests) => {
    const { asked, startMembers, closed } = team();
    const seen: number[][] = [];
    const { state } = await by(startMembers, { workers, onTest: (done, all) => seen.push([done, all]) });
    expect(outcome(state)).toEqual(await trained(recipe));
    const steps = asked.map((requests) => requests.flatMap((each) => ('test' in each ? [] : [each])));
    expect(steps.map((each) => each[0].shards)).toEqual(shards);
    const positions = [0, 1].flatMap((epoch) => [0, 1, 2].map((step) => ({ epoch, step })));
    for (const each of steps) expect(each.map(({ position }) => position)).toEqual(positions);
    const ranges = asked.map((requests) => requests.flatMap((each) => ('test' in each ? [each.test] : []))[0]);
    expect(ranges.map(({ first, count }) => [first, count])).toEqual(tests);
    expect(seen.at(-1)).toEqual([30, 30]);
    expect(closed()).toBe(shards.length);
  });

  test('is let go where a member fails', async () => {
    const { startMembers, closed } = team();
    const failing: StartMembers = async (job, count) =>
      (await startMembers(job, count)).map(({ close }) => ({ close, ask: () => Promise.reject(new Error('gone')) }));
    await expect(by(failing, { workers: 3 })).rejects.toThrow('gone');
    expect(closed()).toBe(2);
  });
});

describe('progress', () => {
  test('of the steps of an epoch: the last has the numbers of the epoch', async () => {
    const reports: StepReport[] = [];
    const { state } = await train(tinyNetwork(data.train), data, recipeOf({ shards: 2 }), {
      onStep: (report) => reports.push(report),
    });
    expect(reports.map(({ epoch, step, steps }) => [epoch, step, steps])).toEqual(
      [0, 1, 2].flatMap((epoch) => [1, 2, 3].map((step) => [epoch, step, 3])),
    );
    for (const { epoch, trainLoss, trainAccuracy } of state.history) {
      expect(reports[3 * epoch - 1]).toMatchObject({ loss: trainLoss, accuracy: trainAccuracy });
    }
    for (const { step, accuracy } of reports) {
      expect(Math.abs(Math.round(accuracy * 16 * step) - accuracy * 16 * step)).toBeLessThan(1e-9); // of whole pictures
      expect(accuracy).toBeLessThanOrEqual(1);
    }
    expect(reports.every(({ picturesPerSecond }) => picturesPerSecond > 0)).toBe(true);
  });

  test('seconds go on from those of the state, and are no more than have passed', async () => {
    const recipe = recipeOf({ epochs: 2 });
    const state = initialState(tinyNetwork(data.train, 0.1), recipe);
    state.running.seconds = 5000;
    const began = performance.now();
    const speeds: number[] = [];
    const { history } = (
      await train(tinyNetwork(data.train, 0.1), data, recipe, {
        state,
        onStep: ({ step, picturesPerSecond }) => speeds.push((16 * step) / picturesPerSecond),
      })
    ).state;
    const most = (performance.now() - began) / 1000;
    const [first, second] = history.map(({ seconds }) => seconds);
    expect(first).toBeGreaterThan(5000);
    expect(second).toBeGreaterThan(0);
    expect(first - 5000 + second).toBeLessThanOrEqual(most);
    expect(Math.max(...speeds.slice(0, 3))).toBeLessThanOrEqual(first);
    expect(Math.max(...speeds.slice(3))).toBeLessThanOrEqual(second);
  });

  test('of the tests: pictures done, of all', async () => {
    const seen: number[][] = [];
    await trained(recipeOf({ epochs: 2 }), { onTest: (done, all) => seen.push([done, all]) });
    expect(seen).toEqual([
      [30, 30],
      [30, 30],
    ]);
  });
});

test('a network whose pictures are prepared nobody says how is not trained', async () => {
  const { preprocessing: _, ...conventions } = tinyNetwork(data.train).conventions;
  await expect(train({ ...tinyNetwork(data.train), conventions }, data, recipeOf())).rejects.toThrow(
    new UsageError('tiny: nothing states how its pictures are prepared'),
  );
});

describe('checkpoints', () => {
  const origin = (recipe: Recipe): Origin => ({ network: tinyNetwork(data.train, 0.1), recipe, data: data.train });

  test.each([1, 2, 3, 5, 8])(
    'stopped after step %d, saved, read again: the end is the same to the bit',
    async (stopAt) => {
      const recipe = recipeOf({ resolutions: [{ side: 8, epochs: 1 }] });
      const stop = new AbortController();
      let steps = 0;
      let saved = new Uint8Array();
      const onStep = () => {
        if (++steps === stopAt) stop.abort();
      };
      const save = async (state: TrainingState) => {
        saved = new Uint8Array(writeCheckpoint(state, origin(recipe)));
      };
      const { finished } = await train(tinyNetwork(data.train, 0.1), data, recipe, {
        onStep,
        save,
        signal: stop.signal,
      });
      expect(finished).toBe(false);
      const state = readCheckpoint(saved, origin(recipe));
      expect([state.epoch, state.step]).toEqual([Math.floor(stopAt / 3), stopAt % 3]);
      expect(await trained(recipe, { state })).toEqual(await trained(recipe));
    },
  );

  test.each([
    ['wasm', 'simd'],
    ['wasm-relaxed', 'relaxed'],
    ['reference', 'reference'],
  ] as const)("of an earlier version, which called the target an engine: '%s'", (engine, target) => {
    const recipe = recipeOf({ target });
    const bytes = writeCheckpoint(initialState(tinyNetwork(data.train, 0.1), recipe), origin(recipe));
    const { tensors, metadata } = readSafetensors(bytes);
    const account = JSON.parse(metadata.get('depthwise.training')!);
    const { target: _, ...others } = account.recipe;
    const older = JSON.stringify({ ...account, recipe: { ...others, engine } });
    const file = writeSafetensors(tensors, new Map([['depthwise.training', older]]));
    expect(readCheckpoint(file, origin(recipe))).toEqual(readCheckpoint(bytes, origin(recipe)));
    expect(() => readCheckpoint(file, origin(recipeOf({ target: 'scalar' })), 'run/c')).toThrow(
      `run/c was trained with target "${target}", this run has "scalar"; it can only be resumed with the same`,
    );
  });

  test('saved after every epoch', async () => {
    const seen: number[][] = [];
    await trained(recipeOf(), {
      save: async ({ epoch, step, history }) => void seen.push([epoch, step, history.length]),
    });
    expect(seen).toEqual([
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 3],
    ]);
  });

  test.each<[string, (saved: Record<string, unknown>) => unknown]>([
    ['no JSON object', () => null],
    ['half an epoch', (saved) => ({ ...saved, epoch: 0.5 })],
    ['a step before the first', (saved) => ({ ...saved, step: -1 })],
    ['sums that are none', (saved) => ({ ...saved, running: { loss: 'low' } })],
    ['no history', ({ history: _, ...saved }) => saved],
    ['epochs that nobody saw', (saved) => ({ ...saved, epoch: 3 })],
    ['no recipe', ({ recipe: _, ...saved }) => saved],
  ])('an account of the run with %s', (_, damage) => {
    const recipe = recipeOf();
    const bytes = writeCheckpoint(initialState(tinyNetwork(data.train, 0.1), recipe), origin(recipe));
    const { tensors, metadata } = readSafetensors(bytes);
    const account = JSON.stringify(damage(JSON.parse(metadata.get('depthwise.training')!)));
    for (const text of [account, account.slice(1)]) {
      const damaged = writeSafetensors(tensors, new Map([['depthwise.training', text]]));
      expect(() => readCheckpoint(damaged, origin(recipe), 'run/c')).toThrow(
        new FormatError('run/c: its account of the training run is damaged'),
      );
    }
  });

  test('a file without a run', () => {
    const bytes = writeSafetensors(new Map([['x', tensor([1], [1])]]), new Map());
    expect(() => readCheckpoint(bytes, origin(recipeOf()), 'run/c')).toThrow(
      new FormatError('run/c: holds no training run'),
    );
  });

  test('arrays of another size', () => {
    const recipe = recipeOf();
    const bytes = writeCheckpoint(initialState(tinyNetwork(data.train, 0.1), recipe), origin(recipe));
    const { tensors, metadata } = readSafetensors(bytes);
    const short = new Map(tensors).set('average/values', tensor([2], [1, 2]));
    expect(() => readCheckpoint(writeSafetensors(short, metadata), origin(recipe), 'run/c')).toThrow(
      /^run\/c: wanted \d+ numbers 'average\/values', found 2$/,
    );
    tensors.delete('optimizer/velocity');
    expect(() => readCheckpoint(writeSafetensors(tensors, metadata), origin(recipe), 'run/c')).toThrow(
      /^run\/c: wanted \d+ numbers 'optimizer\/velocity', found none$/,
    );
  });

  test('what differs is named', () => {
    const recipe = recipeOf();
    const network = tinyNetwork(data.train, 0.1);
    const bytes = writeCheckpoint(initialState(network, recipe), origin(recipe));
    const reading = (changed: Partial<Origin>) => () =>
      readCheckpoint(bytes, { ...origin(recipe), ...changed }, 'run/c');
    expect(reading({ recipe: { ...recipe, batch: 32 } })).toThrow(
      new UsageError('run/c was trained with batch 16, this run has 32; it can only be resumed with the same'),
    );
    expect(reading({ recipe: { ...recipe, augmentation: { ...augmentation, crop: 2 } } })).toThrow(
      'run/c was trained with augmentation {"flip":true,"crop":1,"cutout":2,"mixup":0.2}, this run has',
    );
    expect(reading({ data: shapesData(47, 1) })).toThrow(
      'run/c was trained with data {"name":"shapes","pictures":48}, this run has {"name":"shapes","pictures":47}',
    );
    expect(reading({ network: { ...network, name: 'small' } })).toThrow(
      'run/c was trained with network "tiny", this run has "small"',
    );
    expect(reading({ network: tinyNetwork(data.train, 0.2) })).toThrow(
      'run/c was trained with another network of the name tiny',
    );
  });
});

describe('what is no training', () => {
  const rejected = (run: Promise<unknown>, message: string) => expect(run).rejects.toThrow(message);

  test('a loss that is no number', async () => {
    const recipe = recipeOf({ learningRate: 1e30, schedule: 'constant', warmupEpochs: 0 });
    const run = train(tinyNetwork(data.train), data, recipe);
    await expect(run).rejects.toThrow(TrainingError);
    await rejected(
      run,
      /^training: the loss is NaN in step \d of epoch 1: it diverged; a smaller learning rate or a longer warm-up may help$/ as never,
    );
  });

  test('weights that the last step of an epoch made no numbers', async () => {
    const all = data.train.labels.length;
    const recipe = recipeOf({ batch: all, learningRate: 1e45, schedule: 'constant', warmupEpochs: 0, epochs: 1 });
    await rejected(
      train(tinyNetwork(data.train), data, recipe),
      /^training: a weight is -?(Infinity|NaN) in step 1 of epoch 1: it diverged; a smaller learning rate or a longer warm-up may help$/ as never,
    );
  });

  test('weights so large that the test gives no numbers', async () => {
    const all = data.train.labels.length;
    const recipe = recipeOf({ batch: all, learningRate: 1e30, schedule: 'constant', warmupEpochs: 0, epochs: 1 });
    await rejected(
      train(tinyNetwork(data.train), data, recipe),
      /^tiny: output \d for picture 0 is (NaN|-?Infinity), wanted a number; of a network in training, a smaller learning rate may help$/ as never,
    );
  });

  test('sizes that do not fit', async () => {
    const large = atResolution(tinyNetwork(data.train), [16, 16]);
    const grey = { ...large, inputs: [{ name: 'picture', shape: [1, 16, 16, 1] }] };
    await rejected(train(grey, data, recipeOf()), 'tiny wants grey pictures, shapes has pictures in colour');
    await rejected(train(large, data, recipeOf()), 'tiny wants pictures of 16×16, shapes has 8×8');
    await rejected(
      train(tinyNetwork(data.train), data, recipeOf({ resolutions: [{ side: 9, epochs: 1 }] })),
      'training: pictures of 8×8 cannot be shown at 9×9; wanted a smaller size',
    );
  });

  test('classes that do not fit, dropout of 1, no classifier', () => {
    const network = tinyNetwork(data.train);
    const two = { ...data.train, classes: ['a', 'b'] };
    expect(() => trainingNetwork(network, two)).toThrow(new UsageError('tiny has 3 outputs, shapes has 2 classes'));
    expect(() => trainingNetwork(network, data.train, { dropout: 1 })).toThrow(
      new UsageError('training: dropout must be at least 0 and below 1, found 1'),
    );
    const bare = { ...network, nodes: network.nodes.filter(({ kind }) => kind === 'conv2d') };
    expect(() => trainingNetwork(bare, data.train)).toThrow(
      'tiny: has no classifier, wanted a dense or pointwise layer',
    );
  });

  test.each<[Partial<Recipe>, string]>([
    [{ epochs: 0 }, 'training: epochs must be a whole number of 1 or more, found 0'],
    [{ batch: 1.5 }, 'training: batch must be a whole number of 1 or more, found 1.5'],
    [{ shards: 0 }, 'training: shards must be a whole number of 1 or more, found 0'],
    [{ batch: 10, shards: 3 }, 'training: a batch of 10 cannot be split into 3 equal shards'],
    [
      { batch: 2, shards: 2 },
      'training: batch norm wants two pictures or more in a shard, found 2 pictures in 2 shards',
    ],
    [{ seed: 2 ** 32 }, 'training: seed must be a whole number from 0 to 4294967295, found 4294967296'],
    [{ learningRate: 0 }, 'training: learningRate must be a number above 0, found 0'],
    [{ target: 'wasm' as never }, "training: target must be one of relaxed, simd, scalar, reference, found 'wasm'"],
    [{ engine: 'reference' } as never, 'training: the option engine is called target'],
    [{ weightDecay: -1 }, 'training: weightDecay must be a number of 0 or more, found -1'],
    [{ epochs: 2, warmupEpochs: 2 }, 'training: warmupEpochs must be from 0 to less than all epochs, found 2'],
    [{ labelSmoothing: 1 }, 'training: labelSmoothing must be at least 0 and below 1, found 1'],
    [{ averageDecay: 1 }, 'training: averageDecay must be at least 0 and below 1, found 1'],
    [{ batchNormDecay: Number.NaN }, 'training: batchNormDecay must be at least 0 and below 1, found NaN'],
    [
      { augmentation: { ...augmentation, crop: 0.5 } },
      'training: augmentation.crop must be a whole number of 0 or more, found 0.5',
    ],
    [
      { augmentation: { ...augmentation, cutout: -1 } },
      'training: augmentation.cutout must be a whole number of 0 or more, found -1',
    ],
    [{ augmentation: { ...augmentation, mixup: 2 } }, 'training: augmentation.mixup must be from 0 to 1, found 2'],
    [
      { resolutions: [{ side: 7, epochs: 1 }] },
      'training: resolutions[].side must be a whole number of 8 or more, found 7',
    ],
    [
      { resolutions: [{ side: 24, epochs: 0 }] },
      'training: resolutions[].epochs must be a whole number of 1 or more, found 0',
    ],
    [
      { schedule: 'linear', restarts: [{ epoch: 10, learningRate: 0.1 }] },
      'training: restarts are of the schedule cosine, found linear',
    ],
    [
      { epochs: 9, restarts: [4, 4].map((epoch) => ({ epoch, learningRate: 0.1 })) },
      'training: restarts[].epoch must be a whole number above 4 and below 9, found 4',
    ],
    [
      { epochs: 9, restarts: [{ epoch: 9, learningRate: 0.1 }] },
      'training: restarts[].epoch must be a whole number above 1 and below 9, found 9',
    ],
    [
      { restarts: [{ epoch: 4, learningRate: 1, augmentation: { ...augmentation, crop: -1 } }] },
      'training: augmentation.crop must be a whole number of 0 or more, found -1',
    ],
    [
      { restarts: [{ epoch: 4, learningRate: 0 }] },
      'training: restarts[].learningRate must be a number above 0, found 0',
    ],
  ])('%j', (changed, message) => {
    expect(() => recipeWith(changed)).toThrow(new UsageError(message));
  });
});

test('defaults by optimizer', () => {
  const { optimizer, learningRate, weightDecay } = recipeWith({});
  expect({ optimizer, learningRate, weightDecay }).toEqual({
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true },
    learningRate: 0.1,
    weightDecay: 5e-4,
  });
  // arXiv:1801.04381, §6.1
  expect(recipeWith({ optimizer: optimizerDefaults.rmsprop })).toMatchObject({
    learningRate: 0.045,
    weightDecay: 4e-5,
  });
});

test('the epochs of each size', () => {
  const resolutions = [
    { side: 16, epochs: 2 },
    { side: 24, epochs: 1 },
  ];
  expect([0, 1, 2, 3, 9].map((epoch) => sideAt({ resolutions }, epoch))).toEqual([16, 16, 24, undefined, undefined]);
});

test('the augmentation of each epoch', () => {
  const [first, second] = [augmentation, { ...augmentation, cutout: 4 }];
  const restarts = [
    { epoch: 2, learningRate: 1 },
    { epoch: 3, learningRate: 1, augmentation: second },
    { epoch: 5, learningRate: 1 },
  ];
  const of = (epoch: number) => augmentationAt({ augmentation: first, restarts }, epoch);
  expect([0, 2, 3, 4, 5].map(of)).toEqual([first, first, second, second, second]);
});

test('a network with weights begins with them; one without with random ones of the seed', () => {
  const network = tinyNetwork(data.train);
  const recipe = recipeOf({ seed: 9 });
  const given = randomWeights(network, 4);
  expect(initialState(given, recipe).values).toEqual(packParameters(given).values);
  expect(initialState(network, recipe).values).toEqual(packParameters(initialWeights(network, 9)).values);
});

describe('dropout of the training network', () => {
  test("before the classifier, where the architecture has none; in the architecture's own layer, where it has one", () => {
    const network = tinyNetwork(data.train, 0.3);
    const dropouts = network.nodes.filter(({ kind }) => kind === 'dropout');
    expect(dropouts).toEqual([
      { name: 'logits_dropout', kind: 'dropout', inputs: ['pool'], attributes: { rate: 0.3 } },
    ]);
    expect(network.nodes.find(({ name }) => name === 'logits')?.inputs).toEqual(['logits_dropout']);
    const other = trainingNetwork(network, data.train, { dropout: 0.5 });
    expect(other.nodes.filter(({ kind }) => kind === 'dropout')).toEqual([
      { ...dropouts[0], attributes: { rate: 0.5 } },
    ]);
  });
});

test('the trained network carries labels and preprocessing', () => {
  const { conventions } = tinyNetwork(data.train);
  expect(conventions).toMatchObject({
    output: 'logits',
    labelOffset: 0,
    labels: ['row', 'column', 'square'],
    preprocessing: { crop: { kind: 'stretch' }, resize: 'half-pixel-antialias', size: [8, 8], scale: 1 / 255 },
  });
});

describe('evaluate', () => {
  /** A network that answers with the red, green and blue of each picture, averaged: class 0, 1 or 2 by colour. */
  const colours = () => {
    const five = { ...data.test, classes: ['red', 'green', 'blue', 'none', 'never', 'nor'] };
    const network = tinyNetwork(data.train);
    const run = (_: unknown, x: { shape: readonly number[]; data: ArrayLike<number> }) => {
      const scores = Array.from({ length: x.shape[0] }, (_, n) => {
        const [red, green, blue] = [0, 1, 2].map((c) => x.data[n * 192 + c]);
        return [red, green, blue, -9, -10, -11];
      });
      return new Map([['logits', tensor([x.shape[0], 6], scores.flat())]]);
    };
    const pictures = new Uint8Array(4 * 192);
    // red, red, green, blue
    for (const [n, c] of [0, 0, 1, 2].entries()) for (let i = c; i < 192; i += 3) pictures[n * 192 + i] = 255;
    return { network, run, data: { ...five, pictures, labels: Uint16Array.of(0, 1, 1, 5) } };
  };

  test('top 1, top 5, by class, and who was taken for whom', async () => {
    const { network, run, data } = colours();
    for (const batch of [1, 3, 100]) {
      expect(await evaluate(network, data, { run, batch })).toEqual({
        top1: 0.5,
        top5: 0.75, // the sixth of six is not among them
        perClass: { red: 1, green: 0.5, nor: 0 },
        confusion: [
          [1, 0, 0, 0, 0, 0],
          [1, 1, 0, 0, 0, 0],
          [0, 0, 0, 0, 0, 0],
          [0, 0, 0, 0, 0, 0],
          [0, 0, 0, 0, 0, 0],
          [0, 0, 1, 0, 0, 0],
        ],
      });
    }
  });

  test('an output of the background counts for nothing', async () => {
    const { network, run, data } = colours();
    const wider = (name: unknown, x: Parameters<typeof run>[1]) => {
      const scores = run(name, x).get('logits')!.data;
      const rows = Array.from({ length: x.shape[0] }, (_, n) => [99, ...scores.slice(6 * n, 6 * n + 6)]);
      return new Map([['logits', tensor([x.shape[0], 7], rows.flat())]]);
    };
    const conventions = { ...network.conventions, labelOffset: 1 } as const;
    expect(await evaluate({ ...network, conventions }, data, { run: wider })).toEqual(
      await evaluate(network, data, { run }),
    );
    await expect(evaluate(network, data, { run: wider })).rejects.toThrow(
      new UsageError('tiny has 7 classes, test shapes has 6'),
    );
  });

  test('progress', async () => {
    const { network, run, data } = colours();
    const seen: number[][] = [];
    await evaluate(network, data, { run, batch: 3, onBatch: (done, all) => seen.push([done, all]) });
    expect(seen).toEqual([
      [3, 4],
      [4, 4],
    ]);
    seen.splice(0);
    await evaluate(network, data, { run, batch: 2, onBatch: (done, all) => seen.push([done, all]) });
    expect(seen).toEqual([
      [2, 4],
      [4, 4],
    ]);
  });

  test('unstated preprocessing', async () => {
    const { preprocessing: _, ...conventions } = tinyNetwork(data.train).conventions;
    await expect(evaluate({ ...tinyNetwork(data.train), conventions }, data.test)).rejects.toThrow(
      'tiny: nothing states how its pictures are prepared',
    );
  });
});

test("the page's door has no threads, and says so", async () => {
  const recipe = recipeOf({ epochs: 1 });
  await expect(trainInPage(tinyNetwork(data.train), data, recipe, { workers: 2 })).rejects.toThrow(
    new UsageError('training: only Node has the threads that `workers` asks for; wanted 1, the default'),
  );
});
