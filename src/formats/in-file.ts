import { FormatError, NetworkError, ShapeError } from '../errors.js';

/** Turns complaints about a network into complaints about the file that it was read from. */
export async function inFile<Result>(file: string, read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NetworkError || error instanceof ShapeError) {
      throw new FormatError(`${file}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
