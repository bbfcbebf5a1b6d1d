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

/** The text in characters that the terminal has. Names and labels stay as they are. */
export function readable(text: string, stream: Stream = process.stdout): string {
  return wantsAscii(stream) ? text.replace(/[^\p{ASCII}]/gu, (character) => ASCII[character] ?? character) : text;
}
