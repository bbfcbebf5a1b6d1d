/** `depthwise models`: what can be fetched by name. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { mobilenet } from '../models/index.js';
import { parseModelName } from '../models/names.js';
import { summarize } from '../network/index.js';
import { cacheFolder } from '../pretrained/cache.js';
import { type Release, releases } from '../pretrained/index.node.js';
import { harmless } from './display.js';
import { formatBytes, formatCount, print, printJson } from './output.js';
import { type PublishedAccuracy, publishedAccuracy } from './published-accuracy.js';
import { type TableColumn, textTable } from './table.js';

interface Model {
  readonly name: string;
  /** Trainable ones. */
  readonly params: number;
  readonly multiplyAdds: number;
  readonly accuracy: PublishedAccuracy | undefined;
  /** Of the download; of the numbers in it where its own size is not known before it is there. */
  readonly bytes: number;
  /** Whether nothing of it is fetched. */
  readonly cached: boolean;
  /** The file that is not here where the weights are. */
  readonly missing: string | undefined;
  readonly address: string;
}

export function configure(command: Command): void {
  command
    .description('List the models that are fetched by name, once, and then kept: ImageNet, a thousand kinds of things.')
    .option(
      '--json',
      '[{"name", "params", "multiplyAdds", "accuracy": {"top1", "top5", "source"}, "bytes", "cached", "missing", "address"}]; missing: the labels\' file, where it alone is not here',
    )
    .addHelpText('after', '\nExamples:\n  depthwise models\n  depthwise models --json')
    .action(async ({ json }: { json?: true }) => {
      const models = await Promise.all(releases.map(describe));
      if (json) printJson(models.map(({ accuracy, ...model }) => ({ ...model, accuracy: accuracy ?? null })));
      else
        print(
          [textTable(columns, models.map(row)), '', ...NOTES, `kept in        ${harmless(cacheFolder())}`].join('\n'),
        );
    });
}

async function describe({ name, weights, labels }: Release): Promise<Model> {
  const { architecture, ...options } = parseModelName(name)!;
  const quantised = name.endsWith('_quant');
  const network = mobilenet(architecture, { ...options, ...(quantised && { conventions: 'slim' }) });
  const { params, multiplyAdds } = summarize(network).totals;
  const here = (file: string) => stat(join(cacheFolder(), file)).catch(() => undefined);
  const file = await here(weights.file);
  const isLabelled = labels === undefined || (await here(labels.file)) !== undefined;
  return {
    name,
    params: params.trainable,
    multiplyAdds,
    accuracy: publishedAccuracy(name),
    bytes: file?.size ?? params.stored * (quantised ? 1 : Float32Array.BYTES_PER_ELEMENT),
    cached: file !== undefined && isLabelled,
    missing: file !== undefined && !isLabelled ? labels.file : undefined,
    address: weights.address,
  };
}

const columns: readonly TableColumn[] = [
  { title: 'name', align: 'left' },
  { title: 'params', align: 'right' },
  { title: 'multiply-adds', align: 'right' },
  { title: 'top-1', align: 'right' },
  { title: 'top-5', align: 'right', spare: 1 },
  { title: 'source', align: 'left', spare: 2 },
  { title: 'size', align: 'right' },
  { title: 'here', align: 'left' },
];

const row = ({ name, params, multiplyAdds, accuracy, bytes, cached, missing }: Model): string[] => [
  name,
  formatCount(params),
  formatCount(multiplyAdds),
  accuracy?.top1.toFixed(1) ?? '',
  accuracy?.top5.toFixed(1) ?? '',
  accuracy?.source ?? '',
  formatBytes(bytes),
  cached ? 'yes' : missing ? 'no labels' : '',
];

/** At most 80 characters a line. */
const NOTES = [
  "top-1, top-5   per cent of ImageNet's validation pictures, published by Keras",
  '               of these weights, by slim of those that they were made from',
  'size           of the download; of the numbers in it until it is here',
];
