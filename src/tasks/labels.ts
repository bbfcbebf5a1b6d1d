/** Label lists: reading them, and matching them to a network's outputs. */
import { FormatError, UsageError } from '../errors.js';
import { inferShapes, type Network } from '../network/index.js';

/**
 * Labels by index. Six forms are known:
 *
 *   one label a line         tench, Tinca tinca
 *   index and label          0: tench      or      0 tench      (every line; a missing index becomes '???')
 *   JSON list                ["tench", …]
 *   JSON object by index     {"0": "tench", …}, or Keras' imagenet_class_index {"0": ["n01440764", "tench"], …}
 *   JSON object by label     {"tench": 0, …}, as Keras' flow_from_directory().class_indices
 *   Teachable Machine's metadata.json: {"labels": ["tench", …], …}
 *
 * Windows line ends, a byte order mark and empty lines at the end are no part of it. Throws a FormatError that names `name`.
 */
export function parseLabels(text: string, name = 'labels'): string[] {
  const body = text.replace(/^\uFEFF/, '');
  if (/^\s*<(!doctype|html|\?xml)/i.test(body)) {
    throw new FormatError(`${name}: found an HTML or XML page, wanted one label a line`);
  }
  const labels = /^\s*[[{]/.test(body) ? fromJson(body, name) : fromLines(body, name);
  if (labels.length === 0) throw new FormatError(`${name}: found no labels`);
  return labels;
}

/** '0: tench', '0, tench' or '0 tench'. Each blank can be matched in one way only, so that the time is linear. */
const INDEXED = /^(\d+)(?:\s*[:,]\s*|\s+)(\S.*)$/;

function fromLines(body: string, name: string): string[] {
  const lines = body
    .trimEnd()
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  if (lines.length === 1 && lines[0] === '') return [];
  const indexed = lines.map((line) => INDEXED.exec(line));
  if (indexed.every((match) => match !== null)) {
    return byIndex(
      indexed.map((match) => [Number(match[1]), match[2]]),
      name,
    );
  }
  const empty = lines.indexOf('');
  if (empty !== -1) throw new FormatError(`${name}: line ${empty + 1} is empty, wanted a label on every line`);
  return lines;
}

function fromJson(body: string, name: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new FormatError(`${name}: begins like JSON, but is not: ${(cause as Error).message}`, { cause });
  }
  const { labels } = json as { readonly labels?: unknown };
  const entries: [string, unknown][] = Object.entries(Array.isArray(labels) ? labels : (json as object));
  if (!Array.isArray(json) && entries.every(([, index]) => Number.isInteger(index) && (index as number) >= 0)) {
    return byIndex(
      entries.map(([label, index]) => [index as number, label]),
      name,
    );
  }
  return byIndex(
    entries.map(([index, value]) => {
      const label = Array.isArray(value) ? value[value.length - 1] : value;
      if (!/^\d+$/.test(index) || typeof label !== 'string') {
        throw new FormatError(`${name}: wanted labels by index, found ${JSON.stringify({ [index]: value })}`);
      }
      return [Number(index), label];
    }),
    name,
  );
}

const MOST_LABELS = 1_000_000;

function byIndex(entries: readonly (readonly [index: number, label: string])[], name: string): string[] {
  const labels: string[] = [];
  for (const [index, label] of entries) {
    if (index >= MOST_LABELS) throw new FormatError(`${name}: index ${index} is beyond ${MOST_LABELS}`);
    if (labels[index] !== undefined) {
      throw new FormatError(`${name}: index ${index} has two labels, '${labels[index]}' and '${label}'`);
    }
    labels[index] = label;
  }
  return Array.from(labels, (label) => label ?? '???');
}

/** What lists of 1001 call output 0. */
const BACKGROUND = /^(background|unused background|dummy|\?\?\?|__background__)$/i;

/**
 * One label for each of a network's outputs. A list may have as many lines as outputs; one fewer, where the label offset is 1 and
 * output 0 is the background; or one more, where the offset is 0 and the list's first line is the background. Anything else is a
 * UsageError with both numbers.
 */
export function labelsForOutputs(labels: readonly string[], outputs: number, labelOffset: 0 | 1): readonly string[] {
  if (labels.length === outputs) return labels;
  if (labelOffset === 1 && labels.length === outputs - 1) return ['background', ...labels];
  if (labelOffset === 0 && labels.length === outputs + 1 && BACKGROUND.test(labels[0])) return labels.slice(1);
  const wanted = labelOffset === 1 ? `${outputs} or, without background, ${outputs - 1}` : `${outputs}`;
  throw new UsageError(`labels: found ${labels.length} labels for ${outputs} outputs, wanted ${wanted}`);
}

/** The network with these labels in place of its own, once they fit its outputs; see `labelsForOutputs`. */
export function withLabels(network: Network, labels: readonly string[]): Network {
  const { conventions } = network;
  const outputs = inferShapes(network).get(network.outputs[0])!.at(-1) ?? 0;
  return {
    ...network,
    conventions: { ...conventions, labels: labelsForOutputs(labels, outputs, conventions.labelOffset ?? 0) },
  };
}
