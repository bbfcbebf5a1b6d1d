/** What became of the files of each specimen. */
import { GROWTH, type Outcome } from './trial.js';

interface Row {
  files: number;
  accepted: number;
  slowest: number;
  /** Most bytes allocated beyond the multiple of the file that is allowed. */
  buffers: number;
  heap: number;
}

export class Summary {
  readonly #rows = new Map<string, Row>();
  readonly #files: number;
  #done = 0;
  #told = Date.now();

  constructor(files: number) {
    this.#files = files;
  }

  add({ specimen, accepted, ms, buffers, heap, size }: Outcome): void {
    const row = this.#rows.get(specimen) ?? { files: 0, accepted: 0, slowest: 0, buffers: 0, heap: 0 };
    this.#rows.set(specimen, {
      files: row.files + 1,
      accepted: row.accepted + (accepted > 0 ? 1 : 0),
      slowest: Math.max(row.slowest, ms),
      buffers: Math.max(row.buffers, buffers - GROWTH.buffers * size),
      heap: Math.max(row.heap, heap - GROWTH.heap * size),
    });
    this.#done++;
    if (Date.now() - this.#told < 10_000) return;
    this.#told = Date.now();
    console.error(`${this.#done} of ${this.#files} files`);
  }

  print(): void {
    const rows = [...this.#rows].map(([specimen, { files, accepted, slowest, buffers, heap }]) => ({
      specimen,
      files,
      accepted,
      'slowest ms': Math.round(slowest),
      'buffers beyond, kB': Math.round(buffers / 1000),
      'heap beyond, kB': Math.round(heap / 1000),
    }));
    console.table(rows);
  }
}
