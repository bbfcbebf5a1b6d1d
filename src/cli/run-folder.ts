/** The folder of a training run: checkpoint, metrics and model, each written whole after every epoch, and a report at the end. */
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { lockFolder, type Release } from '../files/folder-lock.js';
import { isThere } from '../files/is-there.js';
import { saveWhole } from '../files/save-whole.js';
import { readFile } from '../formats/files.js';
import { readNetwork, type WriteOptions, writeNetwork } from '../formats/index.js';
import type { Network, QuantizedNetwork } from '../network/index.js';
import type { Dataset, EpochMetrics, Evaluation, Origin, TrainingState } from '../training/index.node.js';
import { readCheckpoint, writeCheckpoint } from '../training/loop/checkpoint.js';
import { reportHtml } from '../training/loop/report.js';
import { averagedNetwork } from '../training/loop/train.js';
import { evaluateWith } from './evaluate.js';
import { expectFolder } from './output.js';

const CHECKPOINT = 'checkpoint.safetensors';
const FILES = [CHECKPOINT, 'metrics.csv', 'model.safetensors', 'report.html'] as const;

type File = (typeof FILES)[number];

interface ClaimOptions {
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

/**
 * Makes the folder, checks that files can be written into it, and locks it. Throws a UsageError where another process trains into it, where it
 * holds another run or files of others that this run would replace, and where it cannot be written.
 */
export async function claimRunFolder(folder: string, { resume, overwrite }: ClaimOptions): Promise<Release> {
  if (resume) await readFile(join(folder, CHECKPOINT)); // whose error says that there is none
  await expectFolder('--out', folder);
  const release = await lockFolder(`--out: '${folder}'`, folder);
  try {
    if (!resume && !overwrite) await expectFree(folder);
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Only a folder with a checkpoint is known to hold a run; without one, files of these names may be anybody's. */
async function expectFree(folder: string): Promise<void> {
  const there = await Promise.all(FILES.map((file) => isThere(join(folder, file))));
  const found = FILES.filter((_, index) => there[index]);
  if (found.includes(CHECKPOINT)) {
    throw new UsageError(
      `--out: '${folder}' holds a run already; --resume goes on with it, --overwrite begins anew in its place`,
    );
  }
  if (found.length > 0) {
    throw new UsageError(
      `--out: '${folder}' holds ${found.join(', ')} of something else; --overwrite replaces ${found.length === 1 ? 'it' : 'them'}`,
    );
  }
}

export class RunFolder {
  readonly #folder: string;
  readonly #origin: Origin;
  readonly #options: WriteOptions;
  readonly #saved: (network: Network) => Network | QuantizedNetwork;

  /** `saved`: what is written for a network. */
  constructor(
    folder: string,
    origin: Origin,
    options: WriteOptions,
    saved: (network: Network) => Network | QuantizedNetwork = (network) => network,
  ) {
    this.#folder = folder;
    this.#origin = origin;
    this.#options = options;
    this.#saved = saved;
  }

  path(file: File): string {
    return join(this.#folder, file);
  }

  async resume(): Promise<TrainingState> {
    const file = this.path(CHECKPOINT);
    return readCheckpoint(await readFile(file), this.#origin, file);
  }

  async save(state: TrainingState): Promise<void> {
    await saveWhole(this.path(CHECKPOINT), writeCheckpoint(state, this.#origin));
    await saveWhole(this.path('metrics.csv'), metricsCsv(state.history));
    await this.#saveModel(averagedNetwork(this.#origin.network, state));
  }

  /** Writes the model, tests it as it was written, and writes the report. */
  async finish(network: Network, history: readonly EpochMetrics[], test: Dataset): Promise<Evaluation> {
    const bytes = await this.#saveModel(network);
    const evaluation = await evaluateWith({ target: 'auto', rounding: 'single' }, await readNetwork(bytes), test);
    const { recipe } = this.#origin;
    const title = `${network.name} on ${this.#origin.data.name}`;
    const html = reportHtml({ title, recipe, history, evaluation, classes: test.classes });
    await saveWhole(this.path('report.html'), html);
    return evaluation;
  }

  async #saveModel(network: Network): Promise<Uint8Array> {
    const bytes = await writeNetwork(this.#saved(network), 'safetensors', this.#options);
    await saveWhole(this.path('model.safetensors'), bytes);
    return bytes;
  }
}

const COLUMNS = ['epoch', 'trainLoss', 'trainAccuracy', 'testAccuracy', 'learningRate', 'seconds'] as const;

export function metricsCsv(history: readonly EpochMetrics[]): string {
  const rows = history.map((metrics) => COLUMNS.map((column) => metrics[column]).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\n')}\n`;
}
