/**
 * Checkpoints: a training run's whole state in one .safetensors file, so that a run that was killed at any moment goes on from the last one
 * and ends with the same bits.
 *
 *   values  statistics  average/values  average/statistics  cycleMean  optimizer/…       float32, flat
 *   metadata 'depthwise.training': JSON of the recipe, the network, the data's name, epoch, step, sums so far and history
 */
import { FormatError, UsageError } from '../../errors.js';
import { writeSafetensors } from '../../formats/index.js';
import { readSafetensors } from '../../formats/tensors/safetensors.js';
import { type Network, toJson } from '../../network/index.js';
import { tensor } from '../../tensor.js';
import type { Dataset } from '../data/dataset.js';
import { targetOfEngine } from '../programs.js';
import { endedBeforeRestart, type Recipe } from './recipe.js';
import { initialState, type TrainingState } from './train.js';

const METADATA_KEY = 'depthwise.training';

/** What a run must have in common with the checkpoint that it is taken up from. */
export interface Origin {
  readonly recipe: Recipe;
  readonly network: Network;
  readonly data: Dataset;
}

export function writeCheckpoint(state: TrainingState, origin: Origin): Uint8Array {
  const { epoch, step, running, history } = state;
  const metadata = { ...described(origin), epoch, step, running, history };
  const tensors = Object.entries(arraysOf(state)).map(
    ([name, numbers]) => [name, tensor([numbers.length], numbers)] as const,
  );
  return writeSafetensors(new Map(tensors), new Map([[METADATA_KEY, JSON.stringify(metadata)]]));
}

/**
 * The state in a checkpoint. A run that has ended goes on where the recipe has a restart at its end. Throws a FormatError for a file that is none, and a UsageError that names what differs where it is of another
 * recipe, network or data set.
 */
export function readCheckpoint(bytes: Uint8Array, origin: Origin, file = 'checkpoint'): TrainingState {
  const { tensors, metadata } = readSafetensors(bytes, file);
  const json = metadata.get(METADATA_KEY);
  if (json === undefined) throw new FormatError(`${file}: holds no training run`);
  const saved = parse(json, file);
  expectSame(file, saved, described(origin));
  const fresh = initialState(origin.network, origin.recipe);
  for (const [name, numbers] of Object.entries(arraysOf(fresh))) {
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

type Saved = Description & Pick<TrainingState, 'epoch' | 'step' | 'running' | 'history'>;

function parse(json: string, file: string): Saved {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  try {
    const saved: Saved = JSON.parse(json);
    const { epoch, step, running, history, recipe, network, data } = saved;
    const sums = [running.loss, running.correct, running.seconds];
    if (isCount(epoch) && isCount(step) && sums.every(Number.isFinite) && history.length === epoch) {
      if (recipe && network && data) return { ...saved, recipe: withTarget(recipe) };
    }
  } catch (cause) {
    throw new FormatError(`${file}: its account of the training run is damaged`, { cause });
  }
  throw new FormatError(`${file}: its account of the training run is damaged`);
}

/** Recipes of earlier versions name an engine. */
const withTarget = (recipe: Recipe & { readonly engine?: string }): Recipe =>
  recipe.engine === undefined ? recipe : { ...recipe, target: targetOfEngine(recipe.engine) };

/** Every array of a state, by its name in the file. */
function arraysOf({ values, statistics, average, cycleMean, optimizer }: TrainingState): Record<string, Float32Array> {
  const remembered = Object.entries(optimizer).map(([name, numbers]) => [`optimizer/${name}`, numbers]);
  return {
    values,
    statistics,
    'average/values': average.values,
    'average/statistics': average.statistics,
    ...(cycleMean && { cycleMean }),
    ...Object.fromEntries(remembered),
  };
}

interface Description {
  readonly recipe: Recipe;
  readonly network: ReturnType<typeof toJson>;
  readonly data: { readonly name: string; readonly pictures: number };
}

const described = ({ recipe, network, data }: Origin): Description => ({
  recipe,
  network: toJson(network),
  data: { name: data.name, pictures: data.labels.length },
});

/** Throws a UsageError that names the first difference. */
function expectSame(file: string, saved: Description, wanted: Description): void {
  const complain = (what: string, found: unknown, now: unknown) => {
    if (JSON.stringify(found) === JSON.stringify(now)) return;
    throw new UsageError(
      `${file} was trained with ${what} ${JSON.stringify(found)}, this run has ${JSON.stringify(now)}; it can only be resumed with the same`,
    );
  };
  const recipe = endedBeforeRestart(wanted.recipe, saved.recipe.epochs);
  for (const key of Object.keys(recipe) as (keyof Recipe)[]) complain(key, saved.recipe[key], recipe[key]);
  complain('data', saved.data, wanted.data);
  complain('network', saved.network.name, wanted.network.name);
  if (JSON.stringify(saved.network) !== JSON.stringify(wanted.network)) {
    throw new UsageError(`${file} was trained with another network of the name ${saved.network.name}`);
  }
}
