/** Progress of a job, on stderr: a bar on a terminal, plain lines elsewhere, nothing at all for a job of under a second. */
import { harmless, readable, shortened, wantsAscii } from './display.js';
import { note } from './output.js';

export interface Progress {
  /** How far the job is, from 0 to 1, and what it is doing. */
  at(part: number, doing: string): void;
  /** A line that stays. */
  note(text: string): void;
  /** Ends the bar. Call it also when the job fails. */
  stop(): void;
}

const FIRST_SIGN = 1_000; // ms
const BETWEEN_LINES = 5_000; // ms

/** The job need not give control back between its steps: the bar draws itself at each. */
export async function startProgress(job: string, betweenLines = BETWEEN_LINES): Promise<Progress> {
  return process.stderr.isTTY ? bar(job) : lines(job, betweenLines);
}

/** Does a job, and ends its bar. */
export async function withProgress<Result>(
  job: string,
  work: (progress: Progress) => Promise<Result>,
  betweenLines = BETWEEN_LINES,
): Promise<Result> {
  const progress = await startProgress(job, betweenLines);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}

async function bar(job: string): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress');
  const ascii = wantsAscii(process.stderr);
  // gracefulExit would install a SIGINT listener, which cannot run while a layer computes: Ctrl-C would wait for the job's end.
  const drawn = new cliProgress.SingleBar({
    format: `${job} {bar} {percentage} % {doing}`,
    barsize: 30,
    clearOnComplete: true,
    gracefulExit: false,
    stream: process.stderr,
    barCompleteChar: ascii ? '#' : '█',
    barIncompleteChar: ascii ? '.' : '░',
  });
  const shown = (doing: string) => ({ doing: readable(harmless(doing), process.stderr) });
  const began = Date.now();
  return {
    at(part, doing) {
      if (drawn.isActive) drawn.update(part, shown(doing));
      else if (Date.now() - began >= FIRST_SIGN) drawn.start(1, part, shown(doing));
    },
    note(text) {
      drawn.stop(); // and the next step draws it again, below the line
      note(text);
    },
    stop: () => drawn.stop(),
  };
}

function lines(job: string, betweenLines: number): Progress {
  let next = Date.now() + FIRST_SIGN;
  return {
    at(part, doing) {
      if (Date.now() < next) return;
      next = Date.now() + betweenLines;
      note(`${job}: ${Math.floor(100 * part)} % ${doing}`);
    },
    note,
    stop() {},
  };
}

/** For `run` and `trace`: the progress of run number `index` of `count`. */
export function onNodeOf(
  progress: Progress,
  index = 0,
  count = 1,
): { onNode: (node: { readonly name: string }, done: number, nodes: number) => void } {
  return {
    onNode: ({ name }, done, nodes) => progress.at((index + done / nodes) / count, shortened(name, 40)),
  };
}
