/** The results as Markdown. */

import { median, quantile } from '../../peers/src/statistics.js';
import type { RowResult } from './page.js';

export interface Measured extends RowResult {
  readonly row: string;
  readonly film: string;
  readonly throttledFramesASecond: number;
}

export interface Report {
  readonly runtime: string;
  readonly machine: string;
  readonly date: string;
  /** Of the machine over the last minute, at the beginning and at the end: what else was running. */
  readonly load: readonly [number, number];
  readonly results: readonly Measured[];
}

export function markdown({ runtime, machine, date, load, results }: Report): string {
  const loads = load.map((value) => value.toFixed(1)).join(' → ');
  return [
    `## From a frame to its answer: ${runtime}`,
    '',
    `${machine}, ${date}, load ${loads}. Milliseconds: median / best tenth. Ratio: our time over the other's, of the same frame.`,
    ...results.flatMap(section),
  ].join('\n');
}

function section({ row, film, own, others, problems, stages, throttledFramesASecond }: Measured): string[] {
  const head = ['', 'ms', 'frames a second', 'ratio', 'quartiles', 'same answer'];
  const lines = others.map(({ name, frames, ratios, same }) => [
    name,
    shown(frames),
    rate(frames),
    median(ratios).toFixed(2),
    `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`,
    `${Math.round(100 * same)} %`,
  ]);
  const { canvas, ...used } = stages;
  const parts = Object.entries(used).map(([name, times]) => `${name} ${median(times).toFixed(2)}`);
  return [
    '',
    `### ${row}, film of ${film}`,
    '',
    ...table(head, [['**depthwise, tfjs**', shown(own), rate(own), '', '', ''], ...lines]),
    '',
    `Stages, ms: ${parts.join(', ')} (by a canvas the grab takes ${median(canvas).toFixed(2)}). Processor throttled 6 times: ${throttledFramesASecond.toFixed(1)} frames a second.`,
    ...Object.entries(problems).map(([name, problem]) => `Left out: ${name}: ${problem}`),
  ];
}

const shown = (times: readonly number[]): string => `${median(times).toFixed(2)} / ${quantile(times, 0.1).toFixed(2)}`;

const rate = (times: readonly number[]): string => (1000 / median(times)).toFixed(0);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
