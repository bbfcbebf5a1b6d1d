/**
 * Checkpoints: a training run's whole state in one .safetensors file, so that a run that was killed at any moment goes on from the last one
 * and ends with the same bits.
 *
 *   values  statistics  average/values  average/statistics  cycleMean  optimizer/…       float32, flat: the state's arrays by their paths
 *   metadata 'depthwise.training': JSON of the recipe, the network, the data's name, epoch, step, sums so far and history
 */
import { FormatError, UsageError } from '../../errors.js';
import { readSafetensors, writeSafetensors } from '../../formats/tensors/safetensors.js';
import { type Network, toJson } from '../../network/index.js';
import { type Tensor, tensor } from '../../tensor.js';
import type { Dataset } from '../data/dataset.js';
import { targetOfEngine } from '../programs.js';
import { endedBeforeRestart, type Recipe, recipeWith } from './recipe.js';
import { initialState, type TrainingState } from './train.js';

const METADATA_KEY = 'depthwise.training';

/** What a run must have in common with the checkpoint that it is taken up from. */
export interface Origin {
  readonly recipe: Partial<Recipe>;
  readonly network: Network;
  readonly data: Dataset;
}

/** Where any training stands; besides these, the arrays of numbers that it remembers, perhaps in objects. */
export interface RunState {
  epoch: number;
  /** Steps of this epoch that are done. */
  step: number;
  /** Sums of the epoch so far. */
  running: object;
  /** An entry for each epoch that has ended. */
  readonly history: readonly object[];
}

/** By what a checkpoint knows its own run. */
export interface Description<Recipe extends object = object> {
  readonly recipe: Recipe;
  readonly network: ReturnType<typeof toJson>;
  readonly data: { readonly name: string; readonly pictures: number };
  /** Of those that stay as they are, which the state does not have. */
  readonly weights?: string;
}

export const writeCheckpoint = (state: TrainingState, origin: Origin): Uint8Array =>
  writeState(state, described(origin));

/**
 * The state in a checkpoint. A run that has ended goes on where the recipe has a restart at its end. Throws a FormatError for a file that is none, and a UsageError that names what differs where it is of another
 * recipe, network or data set.
 */
export function readCheckpoint(bytes: Uint8Array, origin: Origin, file = 'checkpoint'): TrainingState {
  const wanted = recipeWith(origin.recipe);
  return readState(bytes, initialState(origin.network, wanted), file, (saved) => {
    const recipe = withTarget(saved.recipe as Recipe);
    return [
      { ...saved, recipe },
      { ...described(origin), recipe: endedBeforeRestart(wanted, recipe.epochs) },
    ];
  });
}

export function writeState(state: RunState, description: Description): Uint8Array {
  const { epoch, step, running, history } = state;
  const metadata = { ...description, epoch, step, running, history };
  const tensors = new Map<string, Tensor>();
  for (const [name, numbers] of arraysOf(state)) tensors.set(name, tensor([numbers.length], numbers));
  return writeSafetensors(tensors, new Map([[METADATA_KEY, JSON.stringify(metadata)]]));
}

/** A fresh state, filled with what was saved. `compared` is what must be the same: of the file, and of this run. */
export function readState<State extends RunState>(
  bytes: Uint8Array,
  fresh: State,
  file: string,
  compared: (saved: Description) => readonly [Description, Description],
): State {
  const { tensors, metadata } = readSafetensors(bytes, file);
  const json = metadata.get(METADATA_KEY);
  if (json === undefined) throw new FormatError(`${file}: holds no training run`);
  const saved = parse(json, file, Object.keys(fresh.running));
  expectSame(file, ...compared(saved));
  for (const [name, numbers] of arraysOf(fresh)) {
    const found = tensors.get(name);
    if (found === undefined || found.data.length !== numbers.length) {
      throw new FormatError(
        `${file}: wanted ${numbers.length} numbers '${name}', found ${found?.data.length ?? 'none'}`,
      );
    }
    numbers.set(found.data);
  }
  const { epoch, step, running, history } = saved;
  return { ...fresh, epoch, step, running, history };
}

function parse(json: string, file: string, sums: readonly string[]): Description & RunState {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  try {
    const saved: Description & RunState = JSON.parse(json);
    const { epoch, step, running, history, recipe, network, data } = saved;
    const areNumbers = sums.every((name) => Number.isFinite((running as Record<string, unknown>)[name]));
    if (isCount(epoch) && isCount(step) && areNumbers && history.length === epoch) {
      if (recipe && network && data) return saved;
    }
  } catch (cause) {
    throw new FormatError(`${file}: its account of the training run is damaged`, { cause });
  }
  throw new FormatError(`${file}: its account of the training run is damaged`);
}

/** Recipes of earlier versions name an engine. */
const withTarget = (recipe: Recipe & { readonly engine?: string }): Recipe =>
  recipe.engine === undefined ? recipe : { ...recipe, target: targetOfEngine(recipe.engine) };

/** Every array of a state, with its path: 'values', 'optimizer/mean'. */
function arraysOf(state: object): [path: string, Float32Array][] {
  return Object.entries(state).flatMap(([name, value]): [string, Float32Array][] => {
    if (value instanceof Float32Array) return [[name, value]];
    if (typeof value !== 'object' || value === null) return [];
    return arraysOf(value).map(([path, numbers]) => [`${name}/${path}`, numbers]);
  });
}

const described = ({ recipe, network, data }: Origin): Description<Recipe> => ({
  recipe: recipeWith(recipe),
  network: toJson(network),
  data: { name: data.name, pictures: data.labels.length },
});

/** Throws a UsageError that names the first difference. */
function expectSame(file: string, saved: Description, wanted: Description): void {
  const differs = (found: unknown, now: unknown) => JSON.stringify(found) !== JSON.stringify(now);
  const complain = (what: string, found: unknown, now: unknown) => {
    if (!differs(found, now)) return;
    throw new UsageError(
      `${file} was trained with ${what} ${JSON.stringify(found)}, this run has ${JSON.stringify(now)}; it can only be resumed with the same`,
    );
  };
  for (const [key, value] of Object.entries(wanted.recipe)) {
    complain(key, (saved.recipe as Record<string, unknown>)[key], value);
  }
  complain('data', saved.data, wanted.data);
  complain('network', saved.network.name, wanted.network.name);
  if (differs(saved.network, wanted.network)) {
    throw new UsageError(`${file} was trained with another network of the name ${saved.network.name}`);
  }
  if (differs(saved.weights, wanted.weights)) {
    throw new UsageError(`${file} was trained on other weights of ${saved.network.name}`);
  }
}
