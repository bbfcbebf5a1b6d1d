/** A loaded network: its plans, what is read again when a plan is missing, and the tasks. */

import type { Detection } from '../detection/detections.js';
import { type CompileOptions, compile } from '../engine/index.js';
import { NetworkError, PictureError, UsageError } from '../errors.js';
import type { Seen } from '../image/way-back.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import { embeddingLayer, logitsLayer } from '../network/heads.js';
import { type Network, withOutputs } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import { abortable } from '../remote/abort.js';
import type { Segmentation } from '../segmentation/segmentation.js';
import { pooled, stack } from '../tasks/embed.js';
import { featuresLayer } from '../tasks/heads.js';
import { asRows, type Prediction, predictions, toProbabilities } from '../tasks/predictions.js';
import type { Tensor } from '../tensor.js';
import { chosen } from './choose.js';
import { ofInput, type Pictures, seenInput, withShown } from './inputs.js';
import type { TaskLoader } from './later-tasks.js';
import type {
  CompilePart,
  IntegerEngine,
  Model,
  ModelClassifyOptions,
  ModelDetectOptions,
  ModelEmbedOptions,
  ModelInput,
  ModelPlan,
  ModelReport,
  ModelRunOptions,
  ModelSegmentOptions,
} from './model.js';
import { bindCalls, checkRunOptions, checkTrace, type Task } from './options.js';

/** How a network is to be computed. */
export interface ModelOptions extends CompileOptions {
  readonly rounding?: Rounding;
  readonly asRealNumbers?: boolean;
  /** For quantised networks. */
  readonly integers?: IntegerEngine;
}

export interface Loaded {
  readonly network: Network;
  /** Reads the network once more; absent where the source cannot be read twice, whose network is therefore kept. */
  readonly again?: () => Promise<Network>;
  readonly task: TaskLoader;
}

/** An input tensor that was made elsewhere of a picture, which boxes and label maps find back to. */
export interface SeenTensor extends Tensor {
  readonly seen?: Seen;
}

/** For so long, a list of inputs is worked on without a look at anything else: a frame of a screen. */
const MILLISECONDS_BUSY = 16;

export class LoadedModel implements Model {
  /** The network; without weights where it can be read again. */
  #network: Network;
  readonly #again: Loaded['again'];
  readonly #task: TaskLoader;
  readonly #pictures: Pictures;
  readonly #compile: (network: Network, everyTensor?: boolean) => Promise<ModelPlan>;
  readonly #logits: string | undefined;
  readonly #features: string | undefined;
  readonly #main: ModelPlan;
  /** Of cuts at other layers, by the names of their outputs. */
  readonly #cuts = new Map<string, Promise<ModelPlan>>();
  #disposed = false;
  /** Set in the constructor: bundlers cannot leave out a class whose body reads Symbol.dispose. */
  declare [Symbol.dispose]: () => void;

  /** Compiles one plan for all tasks. */
  static async create(
    loaded: Loaded,
    pictures: Pictures,
    { rounding, asRealNumbers, integers, ...given }: ModelOptions,
  ): Promise<LoadedModel> {
    const { network } = loaded;
    const quantized = asRealNumbers ? undefined : integersOf(network);
    if (rounding !== undefined && quantized === undefined) {
      throw new UsageError(
        `load: rounding has no effect with ${network.name}, which is computed with real numbers here`,
      );
    }
    if (quantized !== undefined && integers === undefined) {
      throw new UsageError(
        `load: ${network.name} has integers, whose kernels were not given: import { integerEngine } from 'depthwise/engine/integers', and load(…, { integers: integerEngine }); or asRealNumbers: true`,
      );
    }
    const compilePart: CompilePart = quantized && integers ? integers(quantized, rounding) : compile;
    const options = { ...given, onFallback: () => {} }; // `load` tells it, on the caller's side of a worker
    const compiled = (wanted: Network, everyTensor = false): Promise<ModelPlan> =>
      compilePart(wanted, { ...options, ...(everyTensor && { everyTensor }) });
    const [logits, features] = [known(() => logitsLayer(network)), embeddingLayer(network)];
    const heads = [logits, features].filter((name) => name !== undefined);
    const plan = await compiled({ ...network, outputs: [...new Set([...network.outputs, ...heads])] });
    // The integers are kept, and compiled by the names of their real numbers, which nobody needs then.
    const kept = quantized ? { network: { ...network, weights: new Map() }, task: loaded.task } : loaded;
    return new LoadedModel(kept, plan, pictures, compiled, logits, features);
  }

  private constructor(
    { network, again, task }: Loaded,
    plan: ModelPlan,
    pictures: Pictures,
    compiled: (network: Network, everyTensor?: boolean) => Promise<ModelPlan>,
    logits: string | undefined,
    features: string | undefined,
  ) {
    this.#network = again ? { ...network, weights: new Map() } : network;
    this.#again = again;
    this.#task = task;
    this.#main = plan;
    this.#pictures = pictures;
    this.#compile = compiled;
    this.#logits = logits;
    this.#features = features;
    this[Symbol.dispose] = () => this.dispose();
    bindCalls(this);
  }

  get name(): string {
    return this.#network.name;
  }

  get labels(): readonly string[] | undefined {
    return this.#network.conventions.labels;
  }

  get inputs(): Network['inputs'] {
    return this.#network.inputs;
  }

  get inputSize(): [height: number, width: number] {
    const [, height = 1, width = 1] = this.#network.inputs[0].shape;
    return [height, width];
  }

  classify(input: readonly ModelInput[], options?: ModelClassifyOptions): Promise<Prediction[][]>;
  classify(input: ModelInput, options?: ModelClassifyOptions): Promise<Prediction[]>;
  async classify(
    input: ModelInput | readonly ModelInput[],
    options: ModelClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    const { conventions } = this.#network;
    const lists = await this.#each('classify', input, options, async (x) => {
      const answer = this.#answer(await this.#run(x));
      return chosen((top) => predictions(answer, conventions, { ...options, top })[0], options);
    });
    return Array.isArray(input) ? lists : lists[0];
  }

  detect(input: readonly ModelInput[], options?: ModelDetectOptions): Promise<Detection[][]>;
  detect(input: ModelInput, options?: ModelDetectOptions): Promise<Detection[]>;
  async detect(
    input: ModelInput | readonly ModelInput[],
    options: ModelDetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    const detections = await this.#task('detections');
    const lists = await this.#each('detect', input, options, async (x, seen) =>
      detections(this.#network, await this.#run(x), seen, options),
    );
    return Array.isArray(input) ? lists : lists[0];
  }

  segment(input: readonly ModelInput[], options?: ModelSegmentOptions): Promise<Segmentation[]>;
  segment(input: ModelInput, options?: ModelSegmentOptions): Promise<Segmentation>;
  async segment(
    input: ModelInput | readonly ModelInput[],
    options: ModelSegmentOptions = {},
  ): Promise<Segmentation | Segmentation[]> {
    const segmentation = await this.#task('segmentation');
    let pixelOptions = options;
    const maps = await this.#each('segment', input, options, async (x, seen) => {
      const map = segmentation(this.#network, this.#answer(await this.#run(x)), seen, pixelOptions);
      if (map.scores) pixelOptions = { ...options, previous: map };
      return map;
    });
    return Array.isArray(input) ? maps : maps[0];
  }

  async embed(input: ModelInput | readonly ModelInput[], options: ModelEmbedOptions = {}): Promise<Tensor> {
    checkRunOptions('embed', options);
    const layer = options.layer ?? this.#features ?? featuresLayer('embed', this.#network);
    return stack(
      await this.#each('embed', input, options, async (x) => {
        return pooled((await this.#run(x, [layer])).get(layer)!, options.pool);
      }),
    );
  }

  async logits(input: ModelInput | readonly ModelInput[], options: ModelRunOptions = {}): Promise<Tensor> {
    const layer = this.#logits ?? logitsLayer(this.#network);
    return stack(await this.#each('logits', input, options, async (x) => asRows((await this.#run(x)).get(layer)!)));
  }

  async probabilities(input: ModelInput | readonly ModelInput[], options: ModelRunOptions = {}): Promise<Tensor> {
    const { conventions } = this.#network;
    return stack(
      await this.#each('probabilities', input, options, async (x) =>
        toProbabilities(asRows(this.#answer(await this.#run(x))), conventions),
      ),
    );
  }

  async trace(
    input: ModelInput,
    names?: readonly string[],
    options: ModelRunOptions = {},
  ): Promise<Map<string, Tensor>> {
    checkTrace(input, names);
    const [tensors] = await this.#each('trace', input, options, (x) => (names ? this.#run(x, names) : this.#every(x)));
    return names ? new Map(names.map((name) => [name, tensors.get(name)!])) : tensors;
  }

  report(): ModelReport {
    this.#expectAlive('report');
    return {
      name: this.name,
      ...this.#main.report(),
      ...(this.#features !== undefined && { embeddingLayer: this.#features }),
      weights: this.#again ? 'read again' : 'kept',
    };
  }

  dispose(): void {
    this.#disposed = true;
    this.#main.dispose();
    for (const plan of this.#cuts.values()) plan.then((one) => one.dispose()).catch(() => {});
    this.#cuts.clear();
    this.#network = { ...this.#network, weights: new Map() };
  }

  /** What `ask` says of each input, one after the other. */
  async #each<Answer>(
    task: Task,
    input: ModelInput | readonly ModelInput[],
    options: ModelRunOptions,
    ask: (x: Tensor, seen: Seen) => Promise<Answer>,
  ): Promise<Answer[]> {
    this.#expectAlive(task);
    checkRunOptions(task, options);
    const { signal } = options;
    const answers: Answer[] = [];
    let rested = performance.now();
    const list: readonly ModelInput[] = Array.isArray(input) ? input : [input];
    for (const [at, one] of list.entries()) {
      if (signal && performance.now() - rested > MILLISECONDS_BUSY) {
        await new Promise((resolve) => setTimeout(resolve)); // or else nobody could abort
        rested = performance.now();
      }
      signal?.throwIfAborted();
      const index = list === input ? at : undefined;
      const prepared = ofInput(task, index, () => this.#prepared(task, one, options));
      const { x, seen } = await abortable(prepared, signal);
      this.#expectAlive(task);
      answers.push(await ask(x, seen));
    }
    signal?.throwIfAborted();
    if (answers.length === 0 && /embed|logits|probabilities/.test(task))
      throw new PictureError(`${task}: no inputs given`);
    return answers;
  }

  /** The input tensor for one input, and how it came from the picture. */
  async #prepared(task: string, input: ModelInput, options: ModelRunOptions): Promise<{ x: Tensor; seen: Seen }> {
    if (isTensor(input)) {
      const [height, width] = this.inputSize;
      const asGiven: Seen = {
        picture: { width, height },
        preprocessing: { crop: { kind: 'stretch' }, size: [height, width] },
      };
      if (input.shape[0] === 1) return { x: input, seen: input.seen ?? asGiven };
      throw new UsageError(`${task}: wanted a tensor of one picture [1, H, W, C], found [${input.shape.join(', ')}]`);
    }
    return withShown(task, input, this.#pictures, (shown) =>
      seenInput(this.#network, shown, options, this.#main.integersOf),
    );
  }

  /** Tensors by name: by the plan of all tasks where it yields the names, otherwise by one of their own. */
  async #run(x: Tensor, names?: readonly string[]): Promise<Map<string, Tensor>> {
    const outputs = this.#main.network.outputs;
    if (names === undefined || names.every((name) => outputs.includes(name))) return this.#main.run(x);
    const plan = await this.#planOf(names);
    return plan.run(x);
  }

  #planOf(names: readonly string[]): Promise<ModelPlan> {
    const key = JSON.stringify(names);
    let plan = this.#cuts.get(key);
    if (plan === undefined) {
      withOutputs(this.#network, names); // an unknown name is an error before anything is read again
      plan = this.#whole().then((network) => this.#compile(withOutputs(network, names)));
      this.#cuts.set(key, plan);
      plan.catch(() => this.#cuts.delete(key));
    }
    return plan;
  }

  /** Every tensor. It takes the weights unfolded and every tensor's memory, so that the plan is let go at once. */
  async #every(x: Tensor): Promise<Map<string, Tensor>> {
    const plan = await this.#compile(await this.#whole(), true);
    try {
      return plan.run(x);
    } finally {
      plan.dispose();
    }
  }

  async #whole(): Promise<Network> {
    return this.#again ? this.#again() : this.#network;
  }

  /** The network's only output. */
  #answer(outputs: ReadonlyMap<string, Tensor>): Tensor {
    const names = this.#network.outputs;
    if (names.length === 1) return outputs.get(names[0])!;
    const advice = this.#network.conventions.detection ? '; it finds objects: call detect()' : '';
    throw new NetworkError(`${this.name}: wanted a network of one output, found ${names.join(', ')}${advice}`);
  }

  #expectAlive(task: string): void {
    if (this.#disposed) throw new UsageError(`${task}: the model ${this.name} was disposed; load it again`);
  }
}

const isTensor = (input: unknown): input is SeenTensor =>
  typeof input === 'object' && input !== null && 'shape' in input && 'data' in input;

function known<Value>(find: () => Value): Value | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof NetworkError) return undefined;
    throw error;
  }
}
