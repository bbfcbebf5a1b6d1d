/**
 * Tables for terminals: no borders, so that rows can be copied, and `grep` and `awk` read them. On a terminal that is too narrow columns are left
 * out and names shortened; elsewhere a table has its full width.
 */
import Table from 'cli-table3';
import { harmless, lineWidth, styled } from './display.js';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Of the columns that have a number, that with the highest is left out first where there is too little room. */
  readonly spare?: number;
}

/** A column of names, and columns of numbers. */
export const numbersBy = (name: string, ...numbers: readonly string[]): TableColumn[] => [
  { title: name, align: 'left' },
  ...numbers.map((title): TableColumn => ({ title, align: 'right' })),
];

type Rows = readonly (readonly string[])[];

/** `width` is that of the terminal, in characters. */
export function textTable(columns: readonly TableColumn[], given: Rows, width = lineWidth()): string {
  const rows = given.map((row) => row.map(harmless));
  const kept = fittingColumns(columns, rows, width);
  const shown = kept.map((column) => columns[column]);
  const cells = shortened(
    shown,
    rows.map((row) => kept.map((column) => row[column])),
    width,
  );
  const leftOut = columns.filter((column) => !shown.includes(column)).map(({ title }) => title);
  const table = draw(shown, cells);
  return leftOut.length === 0 ? table : `${table}\n\nLeft out: ${leftOut.join(', ')}; --wide shows all.`;
}

function draw(columns: readonly TableColumn[], rows: Rows): string {
  const table = new Table({
    head: columns.map(({ title }) => styled('bold', title)),
    colAligns: columns.map(({ align }) => align),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars: PLAIN,
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const GAP = 2;

const widthsOf = (columns: readonly TableColumn[], rows: Rows): number[] =>
  columns.map(({ title }, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Names up to this length stay whole as long as there are columns that can be left out. */
const USUAL_NAME = 32;

/** The columns that stay, by their indices. */
function fittingColumns(columns: readonly TableColumn[], rows: Rows, width: number): number[] {
  const widths = widthsOf(columns, rows).map((its, column) =>
    columns[column].align === 'left' ? Math.min(its, USUAL_NAME) : its,
  );
  const kept = columns.map((_, column) => column);
  const byNeed = kept
    .filter((column) => columns[column].spare !== undefined)
    .sort((a, b) => columns[b].spare! - columns[a].spare!);
  const needed = (): number => sum(kept.map((column) => widths[column])) + GAP * (kept.length - 1);
  for (const column of byNeed) {
    if (needed() <= width) break;
    kept.splice(kept.indexOf(column), 1);
  }
  return kept;
}

const SHORTEST = 16;

/** Columns of names lose their middles until the table fits, the widest first, down to 16 characters. */
function shortened(columns: readonly TableColumn[], rows: Rows, width: number): Rows {
  const widths = widthsOf(columns, rows);
  let surplus = sum(widths) + GAP * (columns.length - 1) - width;
  const names = columns.map((_, column) => column).filter((column) => columns[column].align === 'left');
  while (surplus > 0) {
    const widest = names.reduce((most, column) => (widths[column] > widths[most] ? column : most), names[0]);
    if (widest === undefined || widths[widest] <= SHORTEST) break;
    widths[widest] -= 1;
    surplus -= 1;
  }
  return rows.map((row) =>
    row.map((cell, column) => (columns[column].align === 'left' ? middleCut(cell, widths[column]) : cell)),
  );
}

/** 'conv_dw_1…relu': both ends of a name tell more than its beginning alone. */
export function middleCut(text: string, length: number): string {
  if (text.length <= length) return text;
  const tail = Math.floor((length - 1) / 2);
  return `${text.slice(0, length - 1 - tail)}…${tail > 0 ? text.slice(-tail) : ''}`;
}

/** 'params         4,231,976 trainable, …' in lines that the terminal can show, the others below the first's text. */
export function hanging(line: string, width = lineWidth()): string {
  const indent = /^\S+ +/.exec(line)?.[0].length ?? 0;
  const lines: string[] = [];
  let left = line;
  while (left.length > width) {
    const space = left.lastIndexOf(' ', width);
    if (space <= indent) break;
    lines.push(left.slice(0, space));
    left = ' '.repeat(indent) + left.slice(space + 1);
  }
  return [...lines, left].join('\n');
}

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
