/** The examples of a Markdown file: its fenced blocks, each with the output that stands right below it. */

export interface Example {
  /** 'README.md:42', for test names. */
  readonly place: string;
  /** 'js', or with what follows it, 'js page'. */
  readonly language: string;
  readonly code: string;
  /** The ```text block that follows with nothing but blank lines between: what the example prints. */
  readonly output?: string;
}

const FENCE = /^```(\w*(?: \w+)?)\s*$/;

export function examplesOf(file: string, markdown: string): Example[] {
  const blocks: Array<Example & { afterText: boolean }> = [];
  const lines = markdown.split('\n');
  let afterText = true;
  for (let at = 0; at < lines.length; at++) {
    const language = FENCE.exec(lines[at])?.[1];
    if (language === undefined) {
      afterText ||= lines[at].trim() !== '';
      continue;
    }
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`${file}:${at + 1}: the block is never closed`);
    blocks.push({ place: `${file}:${at + 1}`, language, code: lines.slice(at + 1, end).join('\n'), afterText });
    at = end;
    afterText = false;
  }
  return blocks.map(({ afterText: _, ...block }, index) => {
    const next = blocks[index + 1];
    return next?.language === 'text' && !next.afterText ? { ...block, output: next.code } : block;
  });
}

/** The commands of a shell block: one a line, comments left out, lines that end in '\' joined. */
export function commandsOf(code: string): string[] {
  return code
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * The first line of `documented` that `printed` does not have, or undefined. A line '…' stands for any lines; '…' within a line, for
 * any text. Spaces at the ends of lines do not count.
 */
export function firstDifference(documented: string, printed: string): string | undefined {
  const found = printed
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
  let at = 0;
  let skipping = false;
  for (const line of documented
    .trimEnd()
    .split('\n')
    .map((text) => text.trimEnd())) {
    if (line.trim() === '…') {
      skipping = true;
      continue;
    }
    const parts = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    const match = skipping ? found.findIndex((text, index) => index >= at && pattern.test(text)) : at;
    if (match < 0 || !pattern.test(found[match] ?? '\0')) return line;
    at = match + 1;
    skipping = false;
  }
  return skipping || at === found.length ? undefined : `(the end, where it prints '${found[at]}')`;
}
