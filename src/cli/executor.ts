/** `--target`: what computes. The fastest kernels that work here, unless others or the readable layers are asked for. */
import { type Command, Option } from 'commander';
import type { Plan } from '../engine/engine.js';
import { compile, type Target } from '../engine/index.js';
import { compileQuantized, type IntegerPlan } from '../engine/int8/engine.js';
import { javascriptKernels } from '../engine/javascript/kernels.js';
import { UsageError } from '../errors.js';
import { inputShape } from '../image/preprocess.js';
import { prepare } from '../image/with-kernels.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import { type Network, type NetworkInputs, type QuantizedNetwork, run, runQuantized, trace } from '../network/index.js';
import type { Executor } from '../tasks/index.js';
import { integerInput } from '../tasks/integer-input.js';
import { type QuantizedExecutor, quantizedNames, withIntegers } from '../tasks/integers.js';
import { mirrored } from '../tasks/mirrored.js';
import type { Tensor } from '../tensor.js';
import { type IntegerFlags, integersFor } from './integers.js';
import { note } from './output.js';
import { onNodeOf, type Progress } from './progress.js';

const targetChoices = ['auto', 'relaxed', 'simd', 'scalar', 'javascript', 'reference'] as const satisfies readonly (
  | 'auto'
  | Target
)[];
export type TargetChoice = (typeof targetChoices)[number];

export interface TargetFlags {
  readonly target: TargetChoice;
  /** The older word: 'wasm' is 'auto'. */
  readonly engine?: 'wasm' | 'reference';
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

export function addTargetOption(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--target <name>',
        'what computes: auto, the fastest kernels that work here; relaxed, simd, scalar: those of WASM; javascript: those without WASM; reference: the readable layers, which sum in float64',
      )
        .choices(targetChoices)
        .default('auto'),
    )
    .addOption(new Option('--engine <name>').choices(['wasm', 'reference']).hideHelp());
}

export const targetOf = ({ target, engine }: TargetFlags): TargetChoice =>
  engine === 'reference' ? 'reference' : target;

/** What `compile` is to take, which by itself takes the whole chain. */
const targetOption = (target: TargetChoice): { target?: Target } => (target === 'auto' ? {} : { target });

/** Runs the network, and parts of it, on one picture, or batch, after another, `count` in all. A quantised one computes with its integers. */
export function executor(
  network: Network,
  flags: TargetFlags & MirrorFlag & IntegerFlags,
  progress: Progress,
  count: number,
): Executor {
  const target = targetOf(flags);
  const runs = flags.mirror ? 2 * count : count;
  const integers = integersFor(network, flags);
  const plain = integers
    ? withIntegers(integers, integerExecutor(target, flags, progress, runs))
    : plainExecutor(target, progress, runs);
  const own = integers ? integerInput(integers).integersOf : undefined;
  const run: Executor = Object.assign(plain, {
    prepare: (...[pictures, preprocessing, options]: Parameters<typeof prepare>) =>
      prepare(pictures, preprocessing, options, own?.(inputShape(preprocessing)) as Tensor | undefined),
  });
  return flags.mirror ? mirrored(run) : run;
}

function integerExecutor(
  target: TargetChoice,
  { rounding = 'single' }: IntegerFlags,
  progress: Progress,
  count: number,
): QuantizedExecutor {
  const plans = new Map<QuantizedNetwork, Promise<IntegerPlan | undefined>>();
  let index = 0;
  return async (network, inputs) => {
    if (target === 'reference')
      return runQuantized(network, inputs, { rounding, ...onNodeOf(progress, index++, count) });
    progress.at(index++ / count, 'compiled kernels');
    const plan = plans.get(network) ?? compiled(network, rounding, kernelsOf(target));
    plans.set(network, plan);
    const kernels = await plan;
    return kernels ? kernels.run(inputs) : runQuantized(network, inputs, { rounding });
  };
}

/** Undefined where WebAssembly is forbidden and was not asked for: the readable layers give the same bits, and are told to be slow. */
async function compiled(
  network: QuantizedNetwork,
  rounding: Rounding,
  kernels: ReturnType<typeof kernelsOf>,
): Promise<IntegerPlan | undefined> {
  try {
    return await compileQuantized(network, { rounding, ...kernels });
  } catch (error) {
    if (kernels.target !== undefined || !(error instanceof UsageError)) throw error;
    note(`computed by the readable layers, which are slow: ${error.message}`);
    return undefined;
  }
}

/** Which integer kernels; all give the same bits. */
function kernelsOf(target: Exclude<TargetChoice, 'reference'>): { target?: 'relaxed' | 'simd' | 'scalar' } {
  if (target !== 'javascript') return target === 'auto' ? {} : { target };
  throw new UsageError(
    '--target javascript computes real numbers, and this model has integers; wanted --as-real-numbers too',
  );
}

/** A network is compiled once, and so is each cut of it, which the tasks make once. */
function plainExecutor(target: TargetChoice, progress: Progress, count: number): Executor {
  const plans = new Map<Network, Promise<Plan>>();
  let index = 0;
  return async (network, input) => {
    if (target === 'reference') return run(network, input, onNodeOf(progress, index++, count));
    progress.at(index++ / count, 'compiled kernels');
    const plan = plans.get(network) ?? compile(network, { ...targetOption(target), javascript: javascriptKernels });
    plans.set(network, plan);
    return (await plan).run(input);
  };
}

/** Every tensor by name. The engine's kernels give the same bits on every machine here: `auto` leaves relaxed SIMD out. */
export async function traceWith(
  flags: TargetFlags & IntegerFlags,
  network: Network,
  inputs: NetworkInputs,
  progress: Progress,
): Promise<Map<string, Tensor>> {
  const target = targetOf(flags);
  const integers = integersFor(network, flags);
  if (integers) return traceIntegers(target, flags, network, integers, inputs, progress);
  if (target === 'reference') return trace(network, inputs, onNodeOf(progress));
  const kernels = target === 'auto' ? { reproducible: true } : { target };
  const plan = await compile(network, { ...kernels, everyTensor: true, javascript: javascriptKernels });
  return plan.run(inputs);
}

/** Every tensor that the integers compute, by its name in the network, as the real numbers that it stands for. */
async function traceIntegers(
  target: TargetChoice,
  flags: IntegerFlags,
  network: Network,
  integers: QuantizedNetwork,
  inputs: NetworkInputs,
  progress: Progress,
): Promise<Map<string, Tensor>> {
  const names = quantizedNames(integers);
  const outputs = [...network.inputs, ...network.nodes].map(({ name }) => name).filter((name) => names.has(name));
  return withIntegers(integers, integerExecutor(target, flags, progress, 1))({ ...network, outputs }, inputs);
}
