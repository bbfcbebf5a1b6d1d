/** Somebody who can say what a film's frame shows. */
import type { Row } from '../models.js';

export interface Contestant {
  readonly name: string;
  /** Rejects with the reason where this contestant does not take the row. */
  load(row: Row): Promise<Loaded>;
}

export interface Loaded {
  /** The number of the best class, 0 to 999, of what the element shows now. */
  answer(video: HTMLVideoElement): Promise<number>;
  dispose(): void;
}

export const fileOf = (row: Row, name: string): string => new URL(`/models/${row.name}/${name}`, location.href).href;
