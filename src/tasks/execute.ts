/** What all tasks share: a picture in, one output tensor out, whichever executor computes it. */
import { NetworkError, UsageError } from '../errors.js';
import { found } from '../found.js';
import type { Picture, PictureOptions } from '../image/picture.js';
import { prepare } from '../image/prepare.js';
import type { Network, Preprocessing } from '../network/index.js';
import type { Tensor } from '../tensor.js';
import { Plan, runKernels } from './plans.js';

/** Computes a network's outputs by name: the readable layers' `run` of `depthwise/network`, for one. The network may be a part of the one asked. */
export interface Executor {
  (network: Network, input: Tensor): ReadonlyMap<string, Tensor> | Promise<ReadonlyMap<string, Tensor>>;
  /** Makes the input of pictures in its own way: an executor of integers makes integers. */
  readonly prepare?: typeof prepare;
}

export interface TaskOptions extends PictureOptions {
  /** How pictures become tensors, where the network's conventions do not say or are to be overruled. */
  readonly preprocessing?: Preprocessing;
  /** The engine's kernels unless stated; the network is compiled once. */
  readonly run?: Executor;
}

/**
 * The network's input [N, H, W, C] for one picture or several. Throws a UsageError where nothing states the preprocessing, or where it
 * makes another shape than the network wants.
 */
export function inputTensor(
  network: Network,
  pictures: Picture | readonly Picture[],
  options: TaskOptions = {},
): Tensor {
  return (options.run?.prepare ?? prepare)(pictures, preprocessingFor(network, options), options);
}

/** Throws a UsageError for arguments of another kind than a task takes; it names the calls that take them. */
export function checkCall(task: string, network: Network, pictures: unknown, run: unknown): void {
  const expect = (given: unknown, isRight: unknown) => {
    if (isRight) return;
    throw new UsageError(
      `${task}: found ${found(given)}; wanted ${task}(network, picture, { run: (_, input) => plan.run(input) }), or model.${task}(input) of load()`,
    );
  };
  expect(network, network?.nodes);
  for (const picture of [pictures].flat() as (Picture | undefined)[]) expect(picture, picture?.channels);
  expect(run, run === undefined || (typeof run === 'function' && run !== Plan.prototype.run));
}

/** The only output of a network of one input, for one picture; its batch size is 1. */
export async function execute(network: Network, picture: Picture, options: TaskOptions): Promise<Tensor> {
  if (network.outputs.length !== 1) {
    throw new NetworkError(`${network.name}: wanted a network of one output, found ${network.outputs.join(', ')}`);
  }
  const outputs = await (options.run ?? runKernels)(network, inputTensor(network, picture, options));
  const [name] = network.outputs;
  const output = outputs.get(name);
  if (output === undefined) {
    throw new UsageError(
      `${network.name}: run answered with ${[...outputs.keys()].join(', ') || 'nothing'}, wanted ${name}: it must compute the network that it is given, which may be a part`,
    );
  }
  return output;
}

/** The preprocessing in force, once it yields what the network's input wants. */
export function preprocessingFor(network: Network, options: Omit<TaskOptions, 'run'>): Preprocessing {
  const preprocessing = options.preprocessing ?? network.conventions.preprocessing;
  if (preprocessing === undefined) {
    throw new UsageError(
      `${network.name}: nothing states how its pictures are prepared (crop, resize, range, channel order); give a preprocessing, preprocessingPreset('keras') or another`,
    );
  }
  if (network.inputs.length !== 1) {
    throw new NetworkError(
      `${network.name}: wanted a network of one input, found ${network.inputs.map(({ name }) => name).join(', ')}`,
    );
  }
  const { name, shape } = network.inputs[0];
  const prepared = [...preprocessing.size, preprocessing.channels === 'grey' ? 1 : 3];
  if (shape.length !== 4 || prepared.some((size, axis) => size !== shape[axis + 1])) {
    throw new UsageError(
      `${network.name}: input '${name}' wants [batch, ${shape.slice(1).join(', ')}], the preprocessing makes [batch, ${prepared.join(', ')}]`,
    );
  }
  return preprocessing;
}
