/** The agreement problems of kernels and networks, without a test runner: for pages, workers and other versions of Node. */
import fc from 'fast-check';
import { type Capability, capabilities, compile, type EngineReport } from '../../src/engine/index.js';
import { agree as agreeOnNetwork, KERNEL_TARGETS } from '../engine/agree.js';
import { anyDraft, networkOf } from '../engine/networks.js';
import { agree as agreeOnKernel } from '../kernels/agree.js';
import { kernelSets } from '../kernels/sets.js';

export interface Answer {
  /** Problems solved; on every target each. */
  readonly solved: number;
  readonly failures: readonly string[];
  readonly capabilities: readonly Capability[];
  /** Of a plan compiled without options. */
  readonly report: EngineReport;
}

export interface Question {
  /** Random problems of each kernel, the engine's and the trainer's, and of networks. */
  readonly runs: number;
  /** Of the random problems; absent: others every time. */
  readonly seed?: number;
}

/** Solves every named problem and the random ones. */
export async function solve({ runs, seed }: Question): Promise<Answer> {
  const options = { numRuns: runs, ...(seed !== undefined && { seed }) };
  const works = await capabilities();
  const failures: string[] = [];
  let solved = 0;
  const attempt = async (problems: number, what: () => void | Promise<void>) => {
    try {
      await what();
      solved += problems;
    } catch (error) {
      failures.push(error instanceof Error ? `${error.message}${causeOf(error)}` : String(error));
    }
  };

  const targets = KERNEL_TARGETS.filter((target) => works.some((found) => found.target === target && found.works));
  for (const { families, machines } of targets.length > 0 ? await kernelSets() : []) {
    for (const family of families) {
      for (const { problem } of family.named) await attempt(1, () => agreeOnKernel(family, problem(), machines));
      await attempt(runs, () =>
        fc.assert(
          fc.property(family.any, (p) => agreeOnKernel(family, p, machines)),
          options,
        ),
      );
    }
  }
  const networks = targets.length > 0 ? targets : (['reference'] as const);
  await attempt(runs, () =>
    fc.assert(
      fc.asyncProperty(anyDraft, (draft) => agreeOnNetwork(networkOf(draft), draft.seed, networks)),
      options,
    ),
  );
  const [draft] = fc.sample(anyDraft, { numRuns: 1, seed: 1 });
  const plan = await compile(networkOf(draft));
  const { target, chain } = plan.report();
  return { solved, failures, capabilities: works, report: { target, chain } };
}

const causeOf = ({ cause }: Error): string => (cause instanceof Error ? `\n${cause.message}` : '');
