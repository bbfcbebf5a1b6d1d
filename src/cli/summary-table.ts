/** A network's summary as a table: for a terminal, for Markdown, for a spreadsheet. */
import type { LayerSummary, Summary } from '../network/index.js';
import { isQuantizedType } from '../network/quantized-network.js';
import type { Pair } from '../padding.js';
import type { TensorType } from '../tensor.js';
import { harmless, shortened } from './display.js';
import { formatBytes, formatCount, percent } from './output.js';
import { hanging, type TableColumn, textTable } from './table.js';

interface Column extends TableColumn {
  readonly text: (layer: LayerSummary) => string;
}

const TYPE = 'type, scale, zero';

/** Columns as people read them. Layers of .tflite files have names longer than a screen; --json and --csv have them whole. */
const columns: readonly Column[] = [
  { title: 'name', align: 'left', text: ({ name, type }) => shortened(name, type ? 34 : 48) },
  { title: 'kind', align: 'left', text: ({ kind, followedBy }) => [kind, ...(followedBy ?? [])].join(' + ') },
  { title: 'kernel', align: 'left', spare: 3, text: ({ kernel, dilation }) => `${sides(kernel)}${dilated(dilation)}` },
  { title: 'stride', align: 'right', spare: 2, text: ({ strides }) => (strides === null ? '' : one(strides)) },
  { title: 'output', align: 'right', text: ({ output }) => output.slice(1).join('×') },
  { title: TYPE, align: 'left', spare: 5, text: ({ type }) => (type ? typeText(type) : '') },
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

/** 'int8 0.02353 -3' */
const typeText = (type: TensorType): string =>
  isQuantizedType(type) ? `${type.type} ${Number(type.scale.toPrecision(4))} ${type.zeroPoint}` : type;

/** The columns of a network: types only where it states them. */
const columnsOf = ({ layers }: Summary): readonly Column[] =>
  columns.filter(({ title }) => title !== TYPE || layers.some(({ type }) => type !== undefined));

const sides = (pair: Pair | null): string => (pair === null ? '' : pair.join('×'));

/** '2', or '1×2' where height and width differ. */
const one = ([height, width]: Pair): string => (height === width ? `${height}` : `${height}×${width}`);

const dilated = (dilation: Pair | null): string =>
  dilation === null || (dilation[0] === 1 && dilation[1] === 1) ? '' : ` dilated ${one(dilation)}`;

export function asText(summary: Summary): string {
  const shown = columnsOf(summary);
  const table = textTable(
    shown,
    summary.layers.map((layer) => shown.map(({ text }) => text(layer))),
  );
  return [harmless(summary.network), '', table, '', ...totalLines(summary).map((line) => hanging(line))].join('\n');
}

export function asMarkdown(summary: Summary): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => harmless(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  const shown = columnsOf(summary);
  return [
    `**${harmless(summary.network)}**`,
    '',
    row(shown.map(({ title }) => title)),
    row(shown.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...summary.layers.map((layer) => row(shown.map(({ text }) => text(layer)))),
    '',
    ...totalLines(summary).map((line) => (line === '' ? '' : `- ${line}`)),
  ].join('\n');
}

/** The totals as people read them, the counting convention last. */
function totalLines(summary: Summary): string[] {
  const { inputs = [], totals, convention } = summary;
  const { multiplyAdds, flops, params, activations } = totals;
  const bytes = (numbers: number): string => formatBytes(4 * numbers);
  const size =
    params.bytes === undefined ? `${bytes(params.stored)} in float32` : `${formatBytes(params.bytes)} as integers`;
  const typed = inputs.map(({ name, shape, type }) => `${name} [${shape}] of ${typeText(type)}`);
  return [
    ...(typed.length > 0 ? [`inputs         ${typed.join(', ')}`] : []),
    `multiply-adds  ${formatCount(multiplyAdds)}  (FLOPs ${formatCount(flops)})`,
    `params         ${formatCount(params.trainable)} trainable, ${formatCount(params.stored)} stored (${size}), ${formatCount(params.kernels)} in kernels`,
    `by kind        ${byKind(summary)}`,
    `activations    ${formatCount(activations.featureMaps)} in all feature maps, at most ${formatCount(activations.peak)} at once (${bytes(activations.peak)})`,
    `counted        ${convention}`,
  ];
}

/** Where the multiply-adds and the parameters are, as Table 2 of arXiv:1704.04861 has them: the kinds with the most first. */
function byKind({ layers, totals }: Summary): string {
  const kinds = [...new Set(layers.map(({ kind }) => kind))].map((kind) => {
    const own = layers.filter((layer) => layer.kind === kind);
    const sum = (of: (layer: LayerSummary) => number) => own.reduce((total, layer) => total + of(layer), 0);
    const parts = {
      'multiply-adds': sum(({ share }) => share),
      params: sum(({ params }) => params / totals.params.trainable),
    };
    return { kind, parts };
  });
  return kinds
    .sort(({ parts: a }, { parts: b }) => b['multiply-adds'] - a['multiply-adds'] || b.params - a.params)
    .flatMap(({ kind, parts }) => {
      const shares = Object.entries(parts).filter(([, part]) => part > 0);
      if (shares.length === 0) return [];
      return `${kind} ${shares.map(([of, part]) => `${percent(part, 2)} of ${of}`).join(' and ')}`;
    })
    .join(', ');
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

/** Of a network that states types. */
const csvTypeColumns: typeof csvColumns = {
  type: ({ type }) => (typeof type === 'object' ? type.type : type),
  scale: ({ type }) => (typeof type === 'object' ? type.scale : undefined),
  zero_point: ({ type }) => (typeof type === 'object' ? type.zeroPoint : undefined),
};

export function asCsv({ layers }: Summary): string {
  const shown = { ...csvColumns, ...(layers.some(({ type }) => type) && csvTypeColumns) };
  const cell = (value: string | number | undefined): string => {
    const text = harmless(`${value ?? ''}`);
    return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = layers.map((layer) =>
    Object.values(shown)
      .map((value) => cell(value(layer)))
      .join(','),
  );
  return [Object.keys(shown).join(','), ...rows].join('\n');
}
