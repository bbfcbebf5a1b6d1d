/** The folder of a training run: checkpoint, metrics and model, each written whole after every epoch, and a report at the end. */
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { lockFolder } from '../files/folder-lock.js';
import { isThere } from '../files/is-there.js';
import { saveWhole } from '../files/save-whole.js';
import { readFile } from '../formats/files.js';
import { type WriteOptions, writeNetwork } from '../formats/index.js';
import type { Network, QuantizedNetwork } from '../network/index.js';
import type { RunState } from '../training/loop/checkpoint.js';
import { type EndingSignal, expectFolder, Interruption, onEndingSignal } from './output.js';
import { type Progress, withProgress } from './progress.js';

const CHECKPOINT = 'checkpoint.safetensors';
const FILES = [CHECKPOINT, 'metrics.csv', 'model.safetensors', 'report.html'] as const;

type File = (typeof FILES)[number];

interface ClaimOptions {
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

/**
 * Makes the folder, checks that files can be written into it, and locks it while the work lasts: before hours of it. Throws a UsageError where another
 * process trains into the folder, where it holds another run or files of others that this run would replace, and where it cannot be written.
 */
export async function inClaimedFolder<Result>(
  { out, resume, overwrite }: ClaimOptions & { readonly out: string },
  work: () => Promise<Result>,
): Promise<Result> {
  if (/\.(safetensors|npz|tflite)$/i.test(out)) {
    throw new UsageError(`--out: wanted a folder, which the model will be in; '${out}' is the name of a file`);
  }
  if (resume) await readFile(join(out, CHECKPOINT)); // whose error says that there is none
  await expectFolder('--out', out);
  const release = await lockFolder(`--out: '${out}'`, out);
  try {
    if (!resume && !overwrite) await expectFree(out);
    return await work();
  } finally {
    await release();
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

/** What a folder keeps of a training. */
export interface Run<State extends RunState> {
  readonly write: (state: State) => Uint8Array;
  readonly read: (bytes: Uint8Array, file: string) => State;
  /** The model as far as it is trained. */
  readonly model: (state: State) => Network | QuantizedNetwork;
  /** Of metrics.csv. */
  readonly columns: readonly string[];
}

export class RunFolder<State extends RunState> {
  readonly #folder: string;
  readonly #run: Run<State>;
  readonly #options: WriteOptions;

  constructor(folder: string, run: Run<State>, options: WriteOptions) {
    this.#folder = folder;
    this.#run = run;
    this.#options = options;
  }

  path(file: File): string {
    return join(this.#folder, file);
  }

  async resume(): Promise<State> {
    const file = this.path(CHECKPOINT);
    return this.#run.read(await readFile(file), file);
  }

  async save(state: State): Promise<void> {
    await saveWhole(this.path(CHECKPOINT), this.#run.write(state));
    await saveWhole(this.path('metrics.csv'), csv(this.#run.columns, state.history));
    await this.saveModel(this.#run.model(state));
  }

  async saveModel(network: Network | QuantizedNetwork): Promise<Uint8Array> {
    const bytes = await writeNetwork(network, 'safetensors', this.#options);
    await saveWhole(this.path('model.safetensors'), bytes);
    return bytes;
  }

  saveReport(html: string): Promise<void> {
    return saveWhole(this.path('report.html'), html);
  }
}

function csv(columns: readonly string[], history: readonly object[]): string {
  const rows = history.map((metrics) =>
    columns.map((column) => (metrics as Record<string, unknown>)[column]).join(','),
  );
  return `${[columns.join(','), ...rows].join('\n')}\n`;
}

/** Between lines of progress where there is no terminal: training takes hours. */
export const BETWEEN_LINES = 60_000; // ms

interface Hooks<State extends RunState> {
  readonly signal: AbortSignal;
  readonly state?: State;
  readonly save: (state: State) => Promise<void>;
}

/** Trains until it is done. A signal that asks to end stops it; then it is saved, and how to go on is said. */
export async function trainInFolder<State extends RunState, Trained extends { readonly finished: boolean }>(
  folder: RunFolder<State>,
  { resume }: Pick<ClaimOptions, 'resume'>,
  train: (hooks: Hooks<State>, progress: Progress) => Promise<Trained>,
): Promise<Trained> {
  const state = resume ? await folder.resume() : undefined;
  const stop = new AbortController();
  const forget = onEndingSignal((signal) => stop.abort(signal));
  const hooks = { signal: stop.signal, ...(state && { state }), save: (state: State) => folder.save(state) };
  try {
    const trained = await withProgress('train', (progress) => train(hooks, progress), BETWEEN_LINES);
    if (trained.finished) return trained;
    throw new Interruption(`stopped and saved; to go on: ${resumeCommand()}`, stop.signal.reason as EndingSignal);
  } finally {
    forget();
  }
}

/** The same command, to be pasted into a shell. */
function resumeCommand(): string {
  const words = process.argv.slice(2).filter((word) => word !== '--resume' && word !== '--overwrite');
  const quoted = words.map((word) => (/^[\w./:,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return ['depthwise', ...quoted, '--resume'].join(' ');
}
