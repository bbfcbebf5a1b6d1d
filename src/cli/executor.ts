/** `--engine`: what computes. The WASM engine unless the readable layers are asked for. */
import { type Command, Option } from 'commander';
import { compile, type Plan } from '../engine/index.js';
import { type Network, type NetworkInputs, run, trace } from '../network/index.js';
import { type Executor, mirrored } from '../tasks/index.js';
import type { Tensor } from '../tensor.js';
import { onNodeOf, type Progress } from './progress.js';

const ENGINES = ['wasm', 'reference'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface EngineFlags {
  readonly engine: EngineName;
}

export interface MirrorFlag {
  readonly mirror?: true;
}

/** For classifiers. */
export function addMirrorOption(command: Command): Command {
  return command.option(
    '--mirror',
    'the mean of the answers to each picture and to its mirror image: twice the time, some more are right',
  );
}

export function addEngineOption(command: Command): Command {
  return command.addOption(
    new Option('--engine <name>', "'wasm', or 'reference': the readable layers, which sum in float64")
      .choices(ENGINES)
      .default('wasm'),
  );
}

/** Runs networks on one picture, or batch, after another, `count` in all; each network is compiled once. */
export function executor({ engine, mirror }: EngineFlags & MirrorFlag, progress: Progress, count: number): Executor {
  return mirror ? mirrored(plainExecutor(engine, progress, 2 * count)) : plainExecutor(engine, progress, count);
}

function plainExecutor(engine: EngineName, progress: Progress, count: number): Executor {
  const plans = new Map<Network, Promise<Plan>>();
  let index = 0;
  return async (network, input) => {
    if (engine === 'reference') return run(network, input, onNodeOf(progress, index++, count));
    progress.at(index++ / count, 'compiled kernels');
    let plan = plans.get(network);
    if (plan === undefined) {
      plan = compile(network);
      plans.set(network, plan);
    }
    return (await plan).run(input);
  };
}

/** Every tensor by name. The engine's kernels give the same bits on every machine here: relaxed SIMD is left out. */
export async function traceWith(
  engine: EngineName,
  network: Network,
  inputs: NetworkInputs,
  progress: Progress,
): Promise<Map<string, Tensor>> {
  if (engine === 'reference') return trace(network, inputs, onNodeOf(progress));
  const plan = await compile(network, { reproducible: true });
  return plan.trace(inputs);
}
