/** Label lists: reading them, and matching them to a network's outputs. */
import { FormatError, UsageError } from '../errors.js';
import { inferShapes, type Network } from '../network/index.js';

/**
 * Labels by index. These forms are known:
 *
 *   one label a line         tench, Tinca tinca
 *   index and label          0: tench      or      0 tench      (every line, 0…n − 1 in order: else the numbers are part of the labels)
 *   CSV with a header        index,label or class_id,name or, in a file that is called .csv, label alone, then a row for each
 *   JSON list                ["tench", …]
 *   JSON object by index     {"0": "tench", …}, or Keras' imagenet_class_index {"0": ["n01440764", "tench"], …}
 *   JSON object by label     {"tench": 0, …}, as Keras' flow_from_directory().class_indices
 *   any of these in an object  {"labels": …} of Teachable Machine's metadata.json, {"id2label": …} of Hugging Face's config.json, and others
 *   Python's lists, tuples and dicts  {0: 'tench', …}
 *   JSON list of objects     [{"id": 0, "name": "tench"}, …]
 *   names of a .yaml file    names: [tench, …], or a list or a map by index below it, as data sets of YOLO have them
 *   a label map              item { id: 1 name: 'tench' } …, of TensorFlow's detectors
 *   one line                 tench, goldfish, …
 *
 * Windows line ends, a byte order mark and empty lines at the end are no part of it. Throws a FormatError that names `name`.
 */
export function parseLabels(text: string, name = 'labels'): string[] {
  const body = text.replace(/^\uFEFF/, '');
  if (/^\s*<(!doctype|html|\?xml)/i.test(body)) {
    throw new FormatError(`${name}: found an HTML or XML page, wanted one label a line`);
  }
  const labels = /^\s*item\s*\{/.test(body)
    ? fromLabelMap(body, name)
    : STRUCTURED.test(body)
      ? fromJson(body, name)
      : fromLines(/\.ya?ml$/i.test(name) ? namesInYaml(body) : body, name);
  if (labels.length === 0) throw new FormatError(`${name}: found no labels`);
  return labels;
}

/** Begins like JSON or like Python, perhaps with a variable's name before it. */
const STRUCTURED = /^\s*(?:[A-Za-z_]\w{0,99} ?= ?)?[[{(]/;

/** '0: tench', '0, tench' or '0 tench'. Each blank can be matched in one way only, so that the time is linear. */
const INDEXED = /^(\d+)(?:\s*[:,]\s*|\s+)(\S.*)$/;

/** '0, tench': one label and its index. '0, 1, 2' are three labels. */
const FIRST_OF_ALL = /^0\s*,(?!\s*\d+\s*(?:,|$))/;

/** A line in quotes, as it is in a list of a program. */
const QUOTED = /^(?:"([^"]*)"|'([^']*)'),?$/;

function fromLines(body: string, name: string): string[] {
  const stated = body
    .trimEnd()
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  const unquoted = stated.map((line) => QUOTED.exec(line));
  const lines = unquoted.every((match) => match !== null)
    ? unquoted.map((match) => match![1] ?? match![2])
    : stated.length === 1 && !FIRST_OF_ALL.test(stated[0])
      ? fieldsOf(stated[0], ',')
      : stated;
  if (lines.length === 1 && lines[0] === '') return [];
  const columns = headerOf(lines[0]) ?? (/\.csv$/i.test(name) && LABEL_COLUMN.test(lines[0]) ? ONE_COLUMN : undefined);
  if (columns !== undefined) return fromRows(lines, columns, name);
  const indexed = lines.map((line) => INDEXED.exec(line));
  if (indexed.every((match, index) => match !== null && Number(match[1]) === index)) {
    return indexed.map((match) => match![2]);
  }
  const empty = lines.indexOf('');
  if (empty !== -1) {
    const labels = `${empty} label${empty === 1 ? '' : 's'}`;
    const after = lines.slice(empty).find((line) => line !== '')!;
    throw new FormatError(
      `${name}: found ${labels}, an empty line ${empty + 1}, then '${after.slice(0, 60)}'; wanted a label on every line`,
    );
  }
  return lines;
}

/** What stands at 'names' of a YAML file, or at another word for it, a line each; the file itself where there is none. */
function namesInYaml(body: string): string {
  const lines = body.trimEnd().split(/\r\n|\n|\r/);
  const at = lines.findIndex((line) => /^(names|labels|classes|class_names|categories)\s*:/.test(line));
  if (at < 0) return body;
  const beside = lines[at].replace(/^[^:]*:\s*/, '').replace(/^#.*/, '');
  const after = lines.slice(at + 1);
  const end = after.findIndex((line) => !/^(\s|-|#|[\]}]|$)/.test(line));
  const below = end < 0 ? after : after.slice(0, end);
  const items = /^[[{]/.test(beside)
    ? fieldsOf(
        [beside, ...below]
          .join(' ')
          .replace(/^.|[\]}][^\]}]*$/g, '')
          .replace(/'([^']*)'/g, '"$1"'),
        ',',
      )
    : below.map((line) => line.replace(/^\s*(- +)?/, ''));
  return items
    .filter((item) => item !== '' && !item.startsWith('#'))
    .map((item) => item.replace(/^(\d+\s*:\s*)?(["'])(.*)\2$/, '$1$3'))
    .join('\n');
}

/** TensorFlow's text form of a StringIntLabelMap. */
function fromLabelMap(body: string, name: string): string[] {
  const items = body.split(/\bitem\s*\{/).slice(1);
  return byIndex(
    items.map((item, at) => {
      const field = (key: string) => new RegExp(`\\b${key}\\s*:\\s*["']?([^"'\\n}]*)`).exec(item)?.[1].trim();
      const [id, label] = [field('id'), field('display_name') ?? field('name')];
      if (!/^\d+$/.test(id ?? '') || !label) throw new FormatError(`${name}: item ${at + 1} has no id or no name`);
      return [Number(id), label];
    }),
    name,
  );
}

interface Columns {
  readonly delimiter: string;
  readonly label: number;
  /** Absent where the rows stand in the order of the outputs. */
  readonly index?: number;
}

const INDEX_COLUMN = /^(#|no\.?|number|i|id|idx|index|(class|label|category)[ _-]?(id|idx|index|number|no))$/i;
const LABEL_COLUMN = /^((class|label|category|display)[ _-]?names?|labels?|names?|class|classes|category|categories)$/i;

/** Of a .csv file, whose first line is no label where it says 'label'. No label has its delimiter in it. */
const ONE_COLUMN: Columns = { delimiter: '\n', label: 0 };

/** Which columns a CSV file's first line names; undefined where it is no header. */
function headerOf(line: string): Columns | undefined {
  const delimiter = [',', ';', '\t'].find((mark) => line.includes(mark));
  if (delimiter === undefined) return undefined;
  const names = fieldsOf(line, delimiter);
  const label = names.findIndex((column) => LABEL_COLUMN.test(column));
  const index = names.findIndex((column) => INDEX_COLUMN.test(column));
  if (label === -1) return undefined;
  return { delimiter, label, ...(index !== -1 && { index }) };
}

function fromRows([, ...rows]: readonly string[], { delimiter, label, index }: Columns, name: string): string[] {
  const entries = rows.map((row, at): [number, string] => {
    const fields = fieldsOf(row, delimiter);
    const text = fields[label];
    if (!text) throw new FormatError(`${name}: line ${at + 2}: wanted a label in column ${label + 1}, found '${row}'`);
    const number = index === undefined ? `${at}` : fields[index];
    if (!/^\d+$/.test(number ?? '')) {
      throw new FormatError(
        `${name}: line ${at + 2}: wanted an index in column ${index! + 1}, found '${number ?? ''}'`,
      );
    }
    return [Number(number), text];
  });
  return byIndex(entries, name);
}

/** The fields of a line of CSV; "Tinca ""tinca""" is one with quotes inside. */
function fieldsOf(line: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (char === '"' && quoted && line[at + 1] === '"') field += line[++at];
    else if (char === '"') quoted = !quoted;
    else if (char === delimiter && !quoted) {
      fields.push(field.trim());
      field = '';
    } else field += char;
  }
  return [...fields, field.trim()];
}

/** Fields of larger files that hold labels in one of the other forms. */
const NESTED = ['labels', 'id2label', 'class_names', 'classes', 'names', 'label2id', 'class_indices'];

function fromJson(body: string, name: string): string[] {
  const whole = parsed(body, name);
  const key = NESTED.find((field) => typeof (whole as Record<string, unknown>)[field] === 'object');
  const json = key === undefined ? whole : ((whole as Record<string, unknown>)[key] ?? whole);
  const entries: [string, unknown][] = Object.entries(json as object).map(([key, value]) => namedObject(key, value));
  const isByLabel =
    !Array.isArray(json) && entries.every(([key, index]) => /^\d+$/.test(`${index}`) && !/^\d+$/.test(key));
  if (
    isByLabel ||
    (!Array.isArray(json) && entries.every(([, index]) => Number.isInteger(index) && Number(index) >= 0))
  ) {
    return byIndex(
      entries.map(([label, index]) => [Number(index), label]),
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

/** Of {"id": 0, "name": "tench"} index and label; everything else as it is. */
function namedObject(key: string, value: unknown): [string, unknown] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [key, value];
  const fields = Object.entries(value);
  const label = fields.find(([field, text]) => LABEL_COLUMN.test(field) && typeof text === 'string');
  const index = fields.find(([field, number]) => INDEX_COLUMN.test(field) && Number.isInteger(number));
  return label ? [`${index?.[1] ?? key}`, label[1]] : [key, value];
}

function parsed(body: string, name: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    const json = fromPython(body);
    if (json !== undefined) return json;
    throw new FormatError(`${name}: begins like JSON, but is not: ${(cause as Error).message}`, { cause });
  }
}

const PYTHON = /\s+|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\d+|[{}[\]():,]/y;

/** A list, tuple or dict as Python prints it, by way of JSON's text; undefined for anything else. */
function fromPython(body: string): unknown {
  const text = body.replace(/^\s*[A-Za-z_]\w{0,99} ?= ?/, '');
  const tokens: string[] = [];
  PYTHON.lastIndex = 0;
  while (PYTHON.lastIndex < text.length) {
    const [token] = PYTHON.exec(text) ?? [];
    if (token === undefined) return undefined;
    if (!/^\s/.test(token)) tokens.push(token);
  }
  const json = tokens.map((token, at) => {
    if (token === ',' && /^[}\])]$/.test(tokens[at + 1] ?? '')) return '';
    if (/^['"]/.test(token)) return JSON.stringify(token.slice(1, -1).replace(/\\(.)/g, '$1'));
    if (tokens[at + 1] === ':') return `"${token}"`;
    return token === '(' ? '[' : token === ')' ? ']' : token;
  });
  try {
    return JSON.parse(json.join(''));
  } catch {
    return undefined;
  }
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
 * output 0 is the background; or one more, where the offset is 0 and the list's first line is the background. A single output has two
 * labels, of which it is the probability of the second. Anything else is a UsageError with both numbers.
 */
export function labelsForOutputs(labels: readonly string[], outputs: number, labelOffset: 0 | 1): readonly string[] {
  if (labels.length === outputs || (outputs === 1 && labels.length === 2)) return labels;
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
