/** What the terminal can show: how many columns, colours, characters beyond ASCII. */
import * as util from 'node:util';

type Environment = Readonly<Record<string, string | undefined>>;
type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>;
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

let wide = false;

/** `--wide`: tables keep all their columns on a narrow terminal too. */
export function showWide(on: boolean): void {
  wide = on;
}

/** Characters a line; without a limit where stdout is no terminal, and with `--wide`. */
export const lineWidth = ({ isTTY, columns }: Stream = process.stdout): number =>
  isTTY && !wide ? columns || 80 : Number.POSITIVE_INFINITY;

/** FORCE_COLOR decides, then NO_COLOR (no-color.org), then whether it is a terminal with colours. */
export function hasColour(stream: Stream = process.stdout, environment: Environment = process.env): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = environment;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return !NO_COLOR && stream.isTTY === true && TERM !== 'dumb';
}

/** The text in this style where the stream has colours. Node has `styleText` from 20.12 on; before, there are none. */
export function styled(style: Style, text: string, stream: Stream = process.stdout): string {
  const { styleText } = util as Partial<typeof util>;
  return styleText && hasColour(stream) ? styleText(style, text, { validateStream: false }) : text;
}

/** What commands write that is not ASCII, and what stands for it. */
const ASCII: Readonly<Record<string, string>> = {
  '×': 'x',
  '·': '*',
  '…': '...',
  '≤': '<=',
  '≥': '>=',
  '∞': 'inf',
  '−': '-',
  '–': '-',
  '→': '->',
  '█': '#',
  '░': '.',
  α: 'alpha',
  ε: 'epsilon',
  λ: 'lambda',
  '√': 'sqrt',
};

/** The locale is C by name, or the terminal is a dumb one. An empty environment says nothing. */
export function wantsAscii(stream: Stream = process.stdout, environment: Environment = process.env): boolean {
  const { LC_ALL, LC_CTYPE, LANG, TERM } = environment;
  return /^(C|POSIX)$/.test(LC_ALL || LC_CTYPE || LANG || '') || (stream.isTTY === true && TERM === 'dumb');
}

/** The text as the terminal may have it: in characters that it has, and without those that it would obey, but for our own lines and bold type. */
export function readable(text: string, stream: Stream = process.stdout): string {
  const shown = text.replace(OBEYED, (character, at) =>
    character === '\n' || (hasColour(stream) && BOLD.some((mark) => text.startsWith(mark, at)))
      ? character
      : escaped(character),
  );
  return wantsAscii(stream) ? shown.replace(/[^\p{ASCII}]/gu, (character) => ASCII[character] ?? character) : shown;
}

/** A name, label or path, which others may have chosen, in one line: control characters are shown as \\n, \\x1b or \\u202e. */
export const harmless = (text: string): string => text.replace(OBEYED, escaped);

/** The beginning of a name that has more characters than this. */
export const shortened = (name: string, most: number): string =>
  name.length > most ? `${name.slice(0, most - 1)}…` : name;

/** JSON that means the same, in which \\u202e stands for each such character but the line breaks between its parts. */
export const harmlessJson = (json: string): string =>
  json.replace(OBEYED, (character) =>
    character === '\n' ? character : `\\u${hexadecimal(character.charCodeAt(0), 4)}`,
  );

/** Control characters, line separators, and marks that turn the direction of what follows (Unicode TR 9): a terminal obeys them. */
const OBEYED = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** How `styled` begins and ends bold type (ECMA-48, 8.3.117). */
const BOLD = ['\u001b[1m', '\u001b[22m'];

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return SHORT[character] ?? (code < 256 ? `\\x${hexadecimal(code, 2)}` : `\\u${hexadecimal(code, 4)}`);
}

const hexadecimal = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
