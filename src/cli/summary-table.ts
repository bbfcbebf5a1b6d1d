/** A network's summary as a table: for a terminal, for Markdown, for a spreadsheet. */
import type { LayerSummary, Summary } from '../network/index.js';
import type { Pair } from '../padding.js';
import { harmless } from './display.js';
import { formatBytes, formatCount } from './output.js';
import { hanging, type TableColumn, textTable } from './table.js';

interface Column extends TableColumn {
  readonly text: (layer: LayerSummary) => string;
}

/** Columns as people read them. */
const columns: readonly Column[] = [
  { title: 'name', align: 'left', text: ({ name }) => shortened(name) },
  { title: 'kind', align: 'left', text: ({ kind, followedBy }) => [kind, ...(followedBy ?? [])].join(' + ') },
  { title: 'kernel', align: 'left', spare: 3, text: ({ kernel, dilation }) => `${sides(kernel)}${dilated(dilation)}` },
  { title: 'stride', align: 'right', spare: 2, text: ({ strides }) => (strides === null ? '' : one(strides)) },
  { title: 'output', align: 'right', text: ({ output }) => output.slice(1).join('×') },
  { title: 'params', align: 'right', text: ({ params }) => formatCount(params) },
  { title: 'multiply-adds', align: 'right', text: ({ multiplyAdds }) => formatCount(multiplyAdds) },
  {
    title: 'share',
    align: 'right',
    spare: 1,
    text: ({ share, multiplyAdds }) => (multiplyAdds === 0 ? '' : percent(share)),
  },
  {
    title: 'receptive field',
    align: 'right',
    spare: 4,
    text: ({ receptiveField }) => (receptiveField ? one(receptiveField) : ''),
  },
];

/** Layers of .tflite files have names longer than a screen; --json and --csv have them whole. */
const shortened = (name: string): string => (name.length > 48 ? `${name.slice(0, 47)}…` : name);

const sides = (pair: Pair | null): string => (pair === null ? '' : pair.join('×'));

/** '2', or '1×2' where height and width differ. */
const one = ([height, width]: Pair): string => (height === width ? `${height}` : `${height}×${width}`);

const dilated = (dilation: Pair | null): string =>
  dilation === null || (dilation[0] === 1 && dilation[1] === 1) ? '' : ` dilated ${one(dilation)}`;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function asText(summary: Summary): string {
  const table = textTable(
    columns,
    summary.layers.map((layer) => columns.map(({ text }) => text(layer))),
  );
  return [harmless(summary.network), '', table, '', ...totalLines(summary).map((line) => hanging(line))].join('\n');
}

export function asMarkdown(summary: Summary): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => harmless(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `**${harmless(summary.network)}**`,
    '',
    row(columns.map(({ title }) => title)),
    row(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...summary.layers.map((layer) => row(columns.map(({ text }) => text(layer)))),
    '',
    ...totalLines(summary).map((line) => (line === '' ? '' : `- ${line}`)),
  ].join('\n');
}

/** The totals as people read them, the counting convention last. */
export function totalLines({ totals, convention }: Summary): string[] {
  const { multiplyAdds, flops, params, activations } = totals;
  const bytes = (numbers: number): string => formatBytes(4 * numbers);
  return [
    `multiply-adds  ${formatCount(multiplyAdds)}  (FLOPs ${formatCount(flops)})`,
    `params         ${formatCount(params.trainable)} trainable, ${formatCount(params.stored)} stored (${bytes(params.stored)} in float32), ${formatCount(params.kernels)} in kernels`,
    `activations    ${formatCount(activations.featureMaps)} in all feature maps, at most ${formatCount(activations.peak)} at once (${bytes(activations.peak)})`,
    `counted        ${convention}`,
  ];
}

/** Numbers unrounded and pairs in two columns, for programs. */
const csvColumns: Readonly<Record<string, (layer: LayerSummary) => string | number | undefined>> = {
  name: ({ name }) => name,
  kind: ({ kind, followedBy }) => [kind, ...(followedBy ?? [])].join('+'),
  kernel_height: ({ kernel }) => kernel?.[0],
  kernel_width: ({ kernel }) => kernel?.[1],
  stride_vertical: ({ strides }) => strides?.[0],
  stride_horizontal: ({ strides }) => strides?.[1],
  dilation_vertical: ({ dilation }) => dilation?.[0],
  dilation_horizontal: ({ dilation }) => dilation?.[1],
  output: ({ output }) => output.slice(1).join('x'),
  params: ({ params }) => params,
  stored_params: ({ storedParams }) => storedParams,
  multiply_adds: ({ multiplyAdds }) => multiplyAdds,
  share: ({ share }) => share,
  receptive_field_height: ({ receptiveField }) => receptiveField?.[0],
  receptive_field_width: ({ receptiveField }) => receptiveField?.[1],
};

export function asCsv({ layers }: Summary): string {
  const cell = (value: string | number | undefined): string => {
    const text = harmless(`${value ?? ''}`);
    return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = layers.map((layer) =>
    Object.values(csvColumns)
      .map((value) => cell(value(layer)))
      .join(','),
  );
  return [Object.keys(csvColumns).join(','), ...rows].join('\n');
}
