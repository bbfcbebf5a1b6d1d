/** Files that are there whole or not at all. Everything that is written for somebody to keep is written by `saveWhole`. */
import type { FileHandle } from 'node:fs/promises';

/**
 * Writes the whole file or nothing: into a temporary file beside it, flushed to the disk, then renamed over the old one. A process or machine
 * that stops at any moment leaves one of the two, and perhaps the temporary file, which the next process that writes into the folder removes.
 * Throws the system's error, with the file's own path. Where `signal` aborts before the renaming, the temporary file is removed and the signal's reason thrown.
 */
export async function saveWhole(
  path: string,
  bytes: Uint8Array | string | AsyncIterable<Uint8Array>,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const { rename, rm } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  const folder = dirname(path);
  await removeLeftovers(folder);
  const pieces = typeof bytes === 'string' || bytes instanceof Uint8Array ? [bytes] : bytes;
  const ofPath = (error: Error): Error => Object.assign(error, { path }); // nobody has heard of the temporary file
  const { name: temporary, file } = await openTemporary(folder).catch((error) => {
    throw ofPath(error);
  });
  try {
    try {
      for await (const piece of pieces) await file.writeFile(piece, { ...(signal && { signal }) }); // each behind the last
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (signal?.aborted) throw signal.reason;
    throw ofPath(error as Error);
  }
  await syncFolder(folder);
}

/** Finds out whether files can be written into a folder by writing an empty one. Throws the system's error where they cannot. */
export async function tryToWrite(folder: string): Promise<void> {
  const { rm } = await import('node:fs/promises');
  await removeLeftovers(folder);
  const { name, file } = await openTemporary(folder);
  await file.close();
  await rm(name, { force: true });
}

/** What a temporary file is called: the machine and the process that write it, and what nobody can guess. Short, as names have 255 bytes. */
const TEMPORARY = /^\.depthwise-([0-9a-f]{8})-(\d+)-[0-9a-f]{16}\.tmp$/;

/** A file that was not there before: 'wx' follows no symbolic link and opens no FIFO, whoever may have put one there. */
async function openTemporary(folder: string): Promise<{ name: string; file: FileHandle }> {
  const { open } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const { randomBytes } = await import('node:crypto');
  const unique = randomBytes(8).toString('hex');
  const name = join(folder, `.depthwise-${await machine()}-${process.pid}-${unique}.tmp`);
  return { name, file: await open(name, 'wx') };
}

/** The machine's name as 8 hexadecimal digits. */
async function machine(): Promise<string> {
  const { createHash } = await import('node:crypto');
  const { hostname } = await import('node:os');
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

/** Folders that this process has looked through. */
const lookedThrough = new Set<string>();

/** Removes what processes that were killed have left, once for each folder. */
async function removeLeftovers(folder: string): Promise<void> {
  const { readdir, rm } = await import('node:fs/promises');
  const { join, resolve } = await import('node:path');
  if (lookedThrough.has(resolve(folder))) return;
  lookedThrough.add(resolve(folder));
  for (const name of await readdir(folder).catch(() => [])) {
    const [, host, pid] = TEMPORARY.exec(name) ?? [];
    if (pid === undefined || !(await isLeftover(join(folder, name), host, Number(pid)))) continue;
    await rm(join(folder, name), { force: true }).catch(() => {}); // in a folder of somebody else's
  }
}

/** A file is written without a pause: after this time without a write, nobody is writing it. */
const LONGEST_PAUSE = 3_600_000; // ms

/** Of another machine, whose processes are not known here, and of a process's number that was given again, the age alone tells. */
async function isLeftover(path: string, host: string, pid: number): Promise<boolean> {
  const { lstat } = await import('node:fs/promises');
  const { mtimeMs } = (await lstat(path).catch(() => undefined)) ?? {};
  if (mtimeMs === undefined) return false;
  if (Date.now() - mtimeMs > LONGEST_PAUSE) return true;
  if (host !== (await machine())) return false;
  return pid === process.pid ? mtimeMs < Date.now() - 1000 * process.uptime() : !isRunning(pid);
}

/** Whether a process of this machine has the number. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's
  }
}

/** The renaming itself goes to the disk. Not every system opens folders. */
async function syncFolder(path: string): Promise<void> {
  const { open } = await import('node:fs/promises');
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
