/**
 * What has arrived of a file, so that an interrupted download goes on where it stopped. It is a folder beside the file it becomes,
 *
 *   NAME.part/         nobody's: the next download takes it over
 *   NAME.<uuid>.part/  being written by one process
 *     bytes            the file so far
 *     origin.json      its address, its length where that was said, and the validator (ETag or date) by which the server knows whether its
 *                      file is still that one
 *
 * Renaming a folder is atomic: of two processes one gets it and the other begins anew. One that was killed leaves a folder under its own
 * name, which is taken over once nothing has been written there for a while.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Milliseconds; a live download that gets no byte gives up well before. */
const ABANDONED = 120_000;

export interface Origin {
  readonly address: string;
  readonly validator: string;
  /** Bytes. */
  readonly total?: number;
}

export class Partial {
  readonly #path: string;
  readonly #folder: string;

  private constructor(path: string, folder: string) {
    this.#path = path;
    this.#folder = folder;
  }

  /** What there is of the file at `path`, or nothing yet, for this caller alone. */
  static async claim(path: string): Promise<Partial> {
    const own = `${path}.${randomUUID()}.part`;
    for (const folder of await unclaimed(path)) {
      try {
        await rename(folder, own);
        return new Partial(path, own);
      } catch {
        // Another process was faster.
      }
    }
    await mkdir(own);
    return new Partial(path, own);
  }

  get bytes(): string {
    return join(this.#folder, 'bytes');
  }

  async size(): Promise<number> {
    return (await stat(this.bytes).catch(() => undefined))?.size ?? 0;
  }

  /** What the bytes there are belong to, if they came from this address. */
  async originAt(address: string): Promise<Origin | undefined> {
    try {
      const origin: Origin = JSON.parse(await readFile(this.#origin, 'utf8'));
      return origin.address === address ? origin : undefined;
    } catch {
      return undefined; // not there, or cut off when a process was killed
    }
  }

  /** Opens the bytes to be written from there on; from 0 on, they are another file than before. */
  async open(
    from: number,
    origin: { address: string; validator: string | undefined; total: number | undefined },
  ): Promise<FileHandle> {
    if (from > 0) return open(this.bytes, 'r+');
    await this.forget();
    if (origin.validator !== undefined) await writeFile(this.#origin, JSON.stringify(origin));
    return open(this.bytes, 'wx');
  }

  /** Deletes the bytes. */
  async forget(): Promise<void> {
    await rm(this.#origin, { force: true });
    await rm(this.bytes, { force: true });
  }

  /** The bytes become the file. */
  async finish(): Promise<void> {
    await rename(this.bytes, this.#path);
    await this.discard();
  }

  /** Leaves the bytes to the next download; if another process has left some meanwhile, those stay. */
  async release(): Promise<void> {
    await rename(this.#folder, `${this.#path}.part`).catch(() => this.discard());
  }

  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #origin(): string {
    return join(this.#folder, 'origin.json');
  }
}

/** Folders for `path` that nobody writes into. */
async function unclaimed(path: string): Promise<string[]> {
  const name = basename(path);
  const folders: string[] = [];
  for (const entry of await readdir(dirname(path))) {
    if (!entry.startsWith(`${name}.`) || !entry.endsWith('.part')) continue;
    const folder = join(dirname(path), entry);
    const { mtimeMs } = await stat(join(folder, 'bytes')).catch(() =>
      stat(folder).catch(() => ({ mtimeMs: Date.now() })),
    );
    if (entry === `${name}.part` || Date.now() - mtimeMs > ABANDONED) folders.push(folder);
  }
  return folders;
}
