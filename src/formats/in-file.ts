import { FormatError, NetworkError, ShapeError } from '../errors.js';

const MOST_OF_A_KIND = 5;

/** The message with five lines of each kind, which its first word tells, and how many more there are: of a wrong network all weights are wrong. */
export function brief(message: string): string {
  const counts = new Map<string, number>();
  const [head, ...lines] = message.split('\n');
  const shown = lines.filter((line) => {
    const [kind] = line.trim().split(' ');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts.get(kind)! <= MOST_OF_A_KIND;
  });
  const more = lines.length - shown.length;
  return [head, ...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

/** Turns complaints about a network into complaints about the file that it was read from. */
export async function inFile<Result>(file: string, read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NetworkError || error instanceof ShapeError) {
      throw new FormatError(`${file}: ${brief(error.message)}`, { cause: error });
    }
    throw error;
  }
}
