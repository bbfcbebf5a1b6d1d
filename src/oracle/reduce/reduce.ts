/**
 * The smallest problem that another backend still gets wrong: first with fewer layers, then with smaller tensors and kernels. What is left is
 * tried on the backend each time, and kept only if the same layer is still wrong in the same way. Nothing is assumed of why it is wrong, so that
 * a fault which needs its surroundings keeps them.
 */
import { inputTensors } from '../../network/run.js';
import type { Tensor } from '../../tensor.js';
import { type CheckOptions, check, type Subject } from '../check.js';
import { isWrong, type LayerReport, type Report } from '../report.js';
import type { Segment } from '../segment.js';
import { endingEarlier, layerAlone, type Try, withoutNodes } from './fewer-layers.js';
import { simplifications } from './simpler-attributes.js';
import { axesOf, partsOf } from './smaller-tensors.js';

/** Runs a network of ours on inputs: its tensors by our names, as many as it shows. It may throw for what it does not run. */
export type Backend = (problem: Segment) => ReadonlyMap<string, Tensor> | Promise<ReadonlyMap<string, Tensor>>;

export interface ReduceOptions extends Pick<CheckOptions, 'precision' | 'allowance'> {
  /** The backend is run no more often than this. Default 500. */
  readonly mostRuns?: number;
  /** Called before every run with the problem that is tried. */
  readonly onRun?: (problem: Segment, runs: number) => void;
}

export interface Reduced extends Segment {
  /** The layer that is wrong. */
  readonly wrong: LayerReport;
  /** What the backend has computed for it. */
  readonly theirs: ReadonlyMap<string, Tensor>;
  readonly report: Report;
  readonly runs: number;
  /** False where `mostRuns` ended the search. */
  readonly finished: boolean;
}

/** A problem of which the backend gets this layer wrong. */
type Failing = Omit<Reduced, 'runs' | 'finished'>;

/** Undefined where the backend gets nothing wrong. Throws what the backend throws for the whole problem. */
export async function reduce(
  subject: Subject,
  backend: Backend,
  { mostRuns = 500, onRun, ...options }: ReduceOptions = {},
): Promise<Reduced | undefined> {
  const precision = options.precision ?? subject.precision;
  let runs = 0;
  const judge = async (problem: Segment): Promise<Omit<Failing, 'wrong'>> => {
    runs++;
    onRun?.(problem, runs);
    const theirs = await backend(problem);
    const report = check(problem, theirs, { ...options, ...(precision && { precision }), mode: 'isolated' });
    return { ...problem, theirs, report };
  };
  const whole = await judge({ network: subject.network, inputs: inputTensors(subject.network, subject.inputs) });
  const first = whole.report.layers.find((layer) => layer.kind !== 'input' && isWrong(layer));
  if (first === undefined) return undefined;

  /** The first of the problems that still fails; `layer` is the one that has to be wrong. */
  const firstFailing = async (tries: Iterable<Try>): Promise<Failing | undefined> => {
    for (const { layer, problem } of tries) {
      if (runs >= mostRuns) return undefined;
      const found = await judge(problem).catch(() => undefined);
      const wrong = found?.report.layers.find(({ name }) => name === layer);
      if (found && wrong?.verdict === first.verdict) return { ...found, wrong };
    }
    return undefined;
  };
  let failing: Failing = { ...whole, wrong: first };
  /** Goes on from what still fails, as long as there is anything. */
  const follow = async (tries: (from: Failing) => Iterable<Try>): Promise<void> => {
    for (let next = await firstFailing(tries(failing)); next; next = await firstFailing(tries(failing))) failing = next;
  };
  failing = (await firstFailing(layerAlone(failing))) ?? failing;
  await follow(endingEarlier);
  await follow(withoutNodes);
  for (let before: Failing | undefined; failing !== before; ) {
    before = failing;
    for (let i = 0; i < waysToShrink(failing).length; i++) {
      failing = (await firstFailing(waysToShrink(failing)[i])) ?? failing;
    }
  }
  return { ...failing, runs, finished: runs < mostRuns };
}

/** For each axis the smaller problems, the smallest first; last, those with one attribute made plain. */
function waysToShrink({ network, inputs, wrong }: Failing): Iterable<Try>[] {
  const problem = { network, inputs };
  return [...axesOf(problem).map(partsOf), simplifications(problem)].map((problems) => asTries(problems, wrong.name));
}

function* asTries(problems: Iterable<Segment>, layer: string): Generator<Try> {
  for (const problem of problems) yield { layer, problem };
}
