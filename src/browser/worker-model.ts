/** A model in a worker, asked from the page. */
import type { Detection } from '../detection/detections.js';
import { UsageError } from '../errors.js';
import type { PictureSource } from '../image/sources.js';
import { ofInput, type Pictures, seenInput } from '../load/inputs.js';
import type { Loaded, SeenTensor } from '../load/loaded-model.js';
import type {
  Model,
  ModelClassifyOptions,
  ModelDetectOptions,
  ModelEmbedOptions,
  ModelInput,
  ModelPlan,
  ModelReport,
  ModelRunOptions,
  ModelSegmentOptions,
} from '../load/model.js';
import { bindCalls, checkRunOptions, checkTrace, type Task, TRANSFER } from '../load/options.js';
import type { Network } from '../network/network.js';
import type { Segmentation } from '../segmentation/segmentation.js';
import type { IntegerInput } from '../tasks/integer-input.js';
import type { Prediction } from '../tasks/predictions.js';
import type { Tensor } from '../tensor.js';
import type { Cargo, WorkerCalls } from './worker-calls.js';
import { sendInput } from './worker-inputs.js';
import type { WorkerMethods } from './worker-messages.js';
import type { Started } from './worker-start.js';

export interface TransferOptions {
  /** Moves bitmaps, frames and arrays to the worker in place of copying them. They are of no more use here then. */
  readonly transfer?: boolean;
}

export interface WorkerReport extends ModelReport {
  /** Where the worker's script came from, and why not from the package's file. */
  readonly worker: Omit<Started, 'worker' | 'integers'>;
}

/** As every model. Calls are answered in their order, one at a time; `signal` takes out a call that waits. */
export interface WorkerModel extends Model {
  classify(input: readonly ModelInput[], options?: ModelClassifyOptions & TransferOptions): Promise<Prediction[][]>;
  classify(input: ModelInput, options?: ModelClassifyOptions & TransferOptions): Promise<Prediction[]>;
  detect(input: readonly ModelInput[], options?: ModelDetectOptions & TransferOptions): Promise<Detection[][]>;
  detect(input: ModelInput, options?: ModelDetectOptions & TransferOptions): Promise<Detection[]>;
  segment(input: readonly ModelInput[], options?: ModelSegmentOptions & TransferOptions): Promise<Segmentation[]>;
  segment(input: ModelInput, options?: ModelSegmentOptions & TransferOptions): Promise<Segmentation>;
  embed(input: ModelInput | readonly ModelInput[], options?: ModelEmbedOptions & TransferOptions): Promise<Tensor>;
  logits(input: ModelInput | readonly ModelInput[], options?: ModelRunOptions & TransferOptions): Promise<Tensor>;
  probabilities(
    input: ModelInput | readonly ModelInput[],
    options?: ModelRunOptions & TransferOptions,
  ): Promise<Tensor>;
  trace(
    input: ModelInput,
    names?: readonly string[],
    options?: ModelRunOptions & TransferOptions,
  ): Promise<Map<string, Tensor>>;
  report(): WorkerReport;
}

type RunCargo = Cargo<Parameters<WorkerMethods['run']>>;

export class ModelInWorker implements WorkerModel {
  readonly name: string;
  readonly labels: readonly string[] | undefined;
  readonly inputs: Network['inputs'];
  /** Without its weights, which are in the worker. */
  readonly #network: Network;
  readonly #calls: WorkerCalls;
  readonly #id: number;
  readonly #pictures: Pictures;
  readonly #report: WorkerReport;
  /** Makes the input of elements, which the page prepares, where it takes integers. */
  readonly #integersOf: ModelPlan['integersOf'];
  #disposed = false;

  constructor(
    calls: WorkerCalls,
    id: number,
    { network }: Loaded,
    pictures: Pictures,
    report: WorkerReport,
    integersOf?: ModelPlan['integersOf'],
  ) {
    this.#integersOf = integersOf;
    this.name = network.name;
    this.inputs = network.inputs;
    this.labels = network.conventions.labels;
    this.#network = { ...network, weights: new Map() };
    this.#calls = calls;
    this.#id = id;
    this.#pictures = pictures;
    this.#report = report;
    bindCalls(this);
  }

  get inputSize(): [height: number, width: number] {
    const [, height = 1, width = 1] = this.inputs[0].shape;
    return [height, width];
  }

  classify(input: readonly ModelInput[], options?: ModelClassifyOptions): Promise<Prediction[][]>;
  classify(input: ModelInput, options?: ModelClassifyOptions): Promise<Prediction[]>;
  classify(
    input: ModelInput | readonly ModelInput[],
    options: ModelClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    return this.#ask('classify', input, options);
  }

  detect(input: readonly ModelInput[], options?: ModelDetectOptions): Promise<Detection[][]>;
  detect(input: ModelInput, options?: ModelDetectOptions): Promise<Detection[]>;
  detect(
    input: ModelInput | readonly ModelInput[],
    options: ModelDetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    return this.#ask('detect', input, options);
  }

  segment(input: readonly ModelInput[], options?: ModelSegmentOptions): Promise<Segmentation[]>;
  segment(input: ModelInput, options?: ModelSegmentOptions): Promise<Segmentation>;
  segment(
    input: ModelInput | readonly ModelInput[],
    options: ModelSegmentOptions = {},
  ): Promise<Segmentation | Segmentation[]> {
    return this.#ask('segment', input, options);
  }

  embed(input: ModelInput | readonly ModelInput[], options: ModelEmbedOptions = {}): Promise<Tensor> {
    return this.#ask('embed', input, options);
  }

  logits(input: ModelInput | readonly ModelInput[], options: ModelRunOptions = {}): Promise<Tensor> {
    return this.#ask('logits', input, options);
  }

  probabilities(input: ModelInput | readonly ModelInput[], options: ModelRunOptions = {}): Promise<Tensor> {
    return this.#ask('probabilities', input, options);
  }

  trace(input: ModelInput, names?: readonly string[], options: ModelRunOptions = {}): Promise<Map<string, Tensor>> {
    return this.#ask('trace', input, options, names);
  }

  report(): WorkerReport {
    this.#expectAlive('report');
    return this.#report;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#calls.ask('dispose', { args: [this.#id] }).catch(() => {}); // a worker that has ended holds nothing
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #ask<Result>(
    task: Task,
    input: ModelInput | readonly ModelInput[],
    given: ModelRunOptions & TransferOptions,
    ...names: readonly unknown[]
  ): Promise<Result> {
    this.#expectAlive(task);
    checkRunOptions(task, given, TRANSFER);
    if (task === 'trace') checkTrace(input, names[0]);
    const { signal, transfer = false, ...options } = given;
    signal?.throwIfAborted();
    const cargo = this.#cargo(task, input, transfer, options, names);
    return (await this.#calls.ask('run', cargo, signal)) as Result;
  }

  /** What the inputs show is taken at once, however long the worker is busy with earlier calls. */
  async #cargo(
    task: Task,
    input: ModelInput | readonly ModelInput[],
    transfer: boolean,
    options: ModelRunOptions,
    names: readonly unknown[],
  ): Promise<RunCargo> {
    const list: readonly ModelInput[] = Array.isArray(input) ? input : [input];
    const prepare = async (source: PictureSource): Promise<SeenTensor> => {
      const { x, seen } = await seenInput(this.#network, source, options, this.#integersOf);
      const { nearest: _, ...sent } = x as Tensor & Partial<Pick<IntegerInput, 'nearest'>>; // a function is not sent
      return { ...sent, seen };
    };
    const sent = await Promise.all(
      list.map((one, at) =>
        ofInput(task, list === input ? at : undefined, () => sendInput(task, one, this.#pictures, prepare)),
      ),
    );
    const values = sent.map(({ value }) => value);
    const moved = sent.flatMap(({ made, given }) => (transfer ? [...made, ...given] : made));
    return {
      args: [this.#id, task, Array.isArray(input) ? values : values[0], ...names, options],
      transfer: [...new Set(moved)],
      drop: () => {
        for (const one of sent.flatMap(({ made }) => made)) if ('close' in one) one.close();
      },
    };
  }

  #expectAlive(task: string): void {
    if (this.#disposed) throw new UsageError(`${task}: the model ${this.name} was disposed; load it again`);
  }
}
