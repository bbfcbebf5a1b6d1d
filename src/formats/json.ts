/** JSON that comes with a file: checked for what JSON.parse takes without a word, and parsed. */
import { FormatError } from '../errors.js';

/** No description of a network nests deeper; whoever walks the value may therefore recurse. */
const DEEPEST = 100;

/** No file has more tensors, and no object of a description more fields. */
export const MOST_KEYS = 100_000;

/**
 * The value of a JSON text. Throws a FormatError that begins with `what` for a text that is not JSON, nests too deep, or in which an
 * object has one key twice, of which JSON.parse would keep the last.
 */
export function parseJson(json: string, what: string): unknown {
  const twice = repeatedKey(json, what);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new FormatError(`${what} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (twice !== undefined) throw new FormatError(`${what} has two entries '${twice}'`);
  return value;
}

/** The first key that stands twice in an object of the text, if that is JSON; throws where it nests too deep. */
function repeatedKey(json: string, what: string): string | undefined {
  /** Keys of the open object at each depth; the sets are used again for the next object there. */
  const keys: Set<string>[] = [];
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') {
      if (++depth > DEEPEST) throw new FormatError(`${what} nests deeper than ${DEEPEST}, at character ${at}`);
      keys[depth] ??= new Set();
      keys[depth].clear();
    } else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      const begin = at;
      at = endOfText(json, at);
      if (depth < 1 || !isFollowedByColon(json, at)) continue;
      const key = unescaped(json.slice(begin, at + 1));
      if (keys[depth].has(key)) return key;
      keys[depth].add(key);
      if (keys[depth].size > MOST_KEYS)
        throw new FormatError(`${what} has an object of more than ${MOST_KEYS} entries`);
    }
  }
  return undefined;
}

/** Position of the quotation mark that ends the text which begins at `at`; the end of the JSON where there is none. */
function endOfText(json: string, at: number): number {
  let end = at + 1;
  while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1;
  return end;
}

function isFollowedByColon(json: string, at: number): boolean {
  let next = at + 1;
  while (' \t\n\r'.includes(json[next] ?? '-')) next++;
  return json[next] === ':';
}

/** The text of a quoted one; as it stands where it is none. */
function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}
