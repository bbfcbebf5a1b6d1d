/** The folder of a training run: checkpoint, metrics and model, each written whole after every epoch, and a report at the end. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { readFile } from '../formats/files.js';
import { readNetwork, type WriteOptions, writeNetwork } from '../formats/index.js';
import type { Network } from '../network/index.js';
import {
  averagedNetwork,
  type Dataset,
  type EpochMetrics,
  type Evaluation,
  type Origin,
  readCheckpoint,
  reportHtml,
  saveWhole,
  type TrainingState,
  writeCheckpoint,
} from '../training/index.node.js';
import { evaluateWith } from './evaluate.js';

export class RunFolder {
  readonly #folder: string;
  readonly #origin: Origin;
  readonly #options: WriteOptions;

  constructor(folder: string, origin: Origin, options: WriteOptions) {
    this.#folder = folder;
    this.#origin = origin;
    this.#options = options;
  }

  path(file: string): string {
    return join(this.#folder, file);
  }

  /** Makes the folder. Throws a UsageError where it holds another run already. */
  async begin(): Promise<void> {
    const checkpoint = this.path('checkpoint.safetensors');
    if (await stat(checkpoint).catch(() => undefined)) {
      throw new UsageError(`--out: '${this.#folder}' holds a run already; --resume goes on with it`);
    }
    await mkdir(this.#folder, { recursive: true });
  }

  async resume(): Promise<TrainingState> {
    const file = this.path('checkpoint.safetensors');
    return readCheckpoint(await readFile(file), this.#origin, file);
  }

  async save(state: TrainingState): Promise<void> {
    await saveWhole(this.path('checkpoint.safetensors'), writeCheckpoint(state, this.#origin));
    await saveWhole(this.path('metrics.csv'), metricsCsv(state.history));
    await this.#saveModel(averagedNetwork(this.#origin.network, state));
  }

  /** Writes the model, tests it as it was written, and writes the report. */
  async finish(network: Network, history: readonly EpochMetrics[], test: Dataset): Promise<Evaluation> {
    const bytes = await this.#saveModel(network);
    const evaluation = await evaluateWith({ target: 'auto' }, await readNetwork(bytes), test);
    const { recipe } = this.#origin;
    const title = `${network.name} on ${this.#origin.data.name}`;
    const html = reportHtml({ title, recipe, history, evaluation, classes: test.classes });
    await saveWhole(this.path('report.html'), html);
    return evaluation;
  }

  async #saveModel(network: Network): Promise<Uint8Array> {
    const bytes = await writeNetwork(network, 'safetensors', this.#options);
    await saveWhole(this.path('model.safetensors'), bytes);
    return bytes;
  }
}

const COLUMNS = ['epoch', 'trainLoss', 'trainAccuracy', 'testAccuracy', 'learningRate', 'seconds'] as const;

export function metricsCsv(history: readonly EpochMetrics[]): string {
  const rows = history.map((metrics) => COLUMNS.map((column) => metrics[column]).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\n')}\n`;
}
