/** The results as Markdown. */
import { type PeerResult, type RowResult, type Times, wasmPeers } from './contest.js';
import type { SimdLevel } from './contestants/contestant.js';
import { geometricMean } from './statistics.js';

export interface Report {
  /** e.g. 'Node 20.20.2 (V8 11.3)'. */
  readonly runtime: string;
  readonly machine: string;
  readonly simd: SimdLevel;
  readonly clock: 'wall' | 'cpu';
  readonly date: string;
  readonly seconds: number;
  /** Of the machine over the last minute, at the beginning and at the end: what else was running. */
  readonly load?: readonly [number, number];
  readonly rows: readonly RowResult[];
  /** The engine's time over the fastest WASM peer's. */
  readonly geometricMean?: number;
}

export function withMean(report: Omit<Report, 'geometricMean'>): Report {
  const ratios = report.rows.flatMap((row) => wasmPeers(row)[0]?.ratio.median ?? []);
  return ratios.length > 0 ? { ...report, geometricMean: geometricMean(ratios) } : report;
}

const HEADINGS = {
  javascript: 'JavaScript alone',
  none: 'no SIMD',
  plain: 'plain SIMD',
  relaxed: 'relaxed SIMD',
};

export function markdown(report: Report): string {
  const { runtime, machine, simd, clock, date, load, rows } = report;
  const loads = load ? `, load ${load.map((value) => value.toFixed(1)).join(' → ')}` : '';
  return [
    `## ${runtime}, ${HEADINGS[simd]}, one thread`,
    '',
    `${machine}, ${date}${loads}. Milliseconds${clock === 'cpu' ? ' of processor time' : ''}: median / best tenth.`,
    '',
    ...overview(report),
    ...rows.flatMap((row) => ['', ...details(row)]),
  ].join('\n');
}

function overview({ rows, geometricMean: mean }: Report): string[] {
  const lines = rows.map((row) => {
    const [fastest] = wasmPeers(row);
    const peer = fastest ? [fastest.name, shown(fastest.times), ratioOf(fastest)] : ['none', '', ''];
    return [
      row.row,
      shown(row.engine),
      ...peer,
      gigaflops(row, row.engine.median).toFixed(1),
      row.limit.median.toFixed(1),
      `${Math.round(row.limit.share * 100)} %`,
    ];
  });
  const head = ['network', 'depthwise', 'fastest WASM peer', 'its time', 'ratio', 'GFLOP/s', 'limit', 'share'];
  return [...table(head, lines), ...(mean ? ['', `Geometric mean of the ratios: **${mean.toFixed(2)}**`] : [])];
}

function details(row: RowResult): string[] {
  const lines = row.peers.map((peer) => [
    peer.name,
    peer.times ? shown(peer.times) : '',
    peer.times ? gigaflops(row, peer.times.median).toFixed(1) : '',
    peer.problem ?? ratioOf(peer),
    peer.ratio ? peer.ratio.quartiles.map((value) => value.toFixed(2)).join('–') : '',
    peer.difference === undefined ? '' : peer.difference.toExponential(1),
    peer.times ? `${peer.times.turns}` : '',
  ]);
  const own = [
    '**depthwise**',
    shown(row.engine),
    gigaflops(row, row.engine.median).toFixed(1),
    '',
    '',
    '',
    `${row.engine.turns}`,
  ];
  return [
    `### ${row.row}: ${(row.multiplyAdds / 1e6).toFixed(1)} M multiply-adds`,
    '',
    ...table(['', 'ms', 'GFLOP/s', 'depthwise / peer', 'quartiles', 'difference', 'turns'], [own, ...lines]),
  ];
}

const shown = ({ median, bestTenth }: Times): string => `${number(median)} / ${number(bestTenth)}`;

const ratioOf = ({ ratio }: PeerResult): string => ratio?.median.toFixed(ratio.median < 0.1 ? 3 : 2) ?? '';

/** Three digits. */
const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

const gigaflops = ({ multiplyAdds }: RowResult, milliseconds: number): number =>
  (2 * multiplyAdds) / milliseconds / 1e6;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
