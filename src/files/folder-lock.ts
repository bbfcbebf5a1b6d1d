/** A folder that one process at a time writes into. */
import { rmSync } from 'node:fs';
import { lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../errors.js';
import { isRunning } from './save-whole.js';

/** In the locked folder: the number of the process and the name of its machine. */
export const LOCK = '.depthwise.lock';

/** Makes it the folder of one process; call it when that is over. */
export type Release = () => Promise<void>;

/** Locks that this process holds, or is about to. */
const held = new Set<string>();

/**
 * Locks the folder. The lock of a process that has ended, however it did, is taken over. Throws a UsageError that begins with `what` where
 * another process holds it.
 */
export async function lockFolder(what: string, folder: string): Promise<Release> {
  const path = join(folder, LOCK);
  if (held.has(path)) throw new UsageError(`${what}: ${refusal({ pid: process.pid, host: hostname() }, path)}`);
  held.add(path);
  try {
    await takeOver(what, path);
  } catch (error) {
    held.delete(path);
    throw error;
  }
  const forget = removeOnSignals(path);
  return async () => {
    forget();
    await rm(path, { force: true });
    held.delete(path);
  };
}

/** Makes the lock, once no running process holds it. */
async function takeOver(what: string, path: string): Promise<void> {
  while (!(await create(path))) {
    const found = await holderOf(path);
    if (found === undefined) continue; // released in this moment
    if (!isStale(found)) throw new UsageError(`${what}: ${refusal(found, path)}`);
    await remove(path, found);
  }
}

/** False where the lock is there already. */
async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(`${process.pid} ${hostname()}\n`).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

interface Holder {
  readonly text: string;
  /** NaN of a process that was killed before it wrote it. */
  readonly pid: number;
  readonly host: string;
  /** When the lock was made, in ms. */
  readonly since: number;
}

const TIME_TO_WRITE = 1000; // ms

async function holderOf(path: string): Promise<Holder | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new UsageError(`'${path}' is not a regular file; delete it`);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [, pid, host] = /^(\d+) (.*)\n$/.exec(text) ?? [];
  if (pid === undefined && Date.now() - found.mtimeMs < TIME_TO_WRITE) {
    await sleep(50); // it is being written
    return undefined;
  }
  return { text, pid: Number(pid), host: host ?? hostname(), since: found.mtimeMs };
}

/** A lock that is older than the machine's start is no process's, whatever has its number now; nor is one of our own number, which another process had before. */
function isStale({ pid, host, since }: Holder): boolean {
  if (host !== hostname()) return false;
  if (Number.isNaN(pid) || since < Date.now() - 1000 * uptime()) return true;
  return pid === process.pid || !isRunning(pid);
}

function refusal({ pid, host }: Pick<Holder, 'pid' | 'host'>, path: string): string {
  if (host === hostname())
    return `process ${pid} is writing into this folder; wait for its end, or name another folder`;
  return `process ${pid} of '${host}' is writing into this folder; if it has ended, delete '${path}'`;
}

/** Removes the lock that was found, and puts back another's that came in its place. */
async function remove(path: string, { text }: Holder): Promise<void> {
  const aside = `${path}-${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return; // another process was first
  }
  if ((await readFile(aside, 'utf8')) === text) await rm(aside, { force: true });
  else if ((await stat(path).catch(() => undefined)) === undefined) await rename(aside, path);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that nobody else listens to ends the process, as it would have, without the lock. Returns how to listen no longer. */
function removeOnSignals(path: string): () => void {
  const end = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return;
    rmSync(path, { force: true });
    process.off(signal, end);
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
}
