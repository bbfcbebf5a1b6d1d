/** The package as npm would publish it, packed from the build, and installed in a folder of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './imports.js';

export interface Packed {
  readonly tarball: string;
  /** Paths inside the package. */
  readonly files: readonly string[];
  readonly bytes: number;
  readonly unpackedBytes: number;
}

const packedFolder = join(root, 'build', 'packed');
const record = join(packedFolder, 'packed.json');

/**
 * `npm pack` without the build of its `prepack`: the tests have built already. Once for all tests, since the folders for old resolvers stand
 * among the sources meanwhile.
 */
export function pack(): void {
  const stubs = (...args: string[]) =>
    execFileSync(process.execPath, ['scripts/old-resolvers.mjs', ...args], { cwd: root });
  rmSync(packedFolder, { recursive: true, force: true });
  mkdirSync(packedFolder, { recursive: true });
  stubs();
  try {
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', packedFolder];
    const [{ filename, files, size, unpackedSize }] = JSON.parse(npm(args, root).stdout);
    const packed: Packed = {
      tarball: join(packedFolder, filename),
      files: files.map(({ path }: { path: string }) => path),
      bytes: size,
      unpackedBytes: unpackedSize,
    };
    writeFileSync(record, JSON.stringify(packed));
  } finally {
    stubs('--remove');
  }
}

/** What `pack` made before the tests began. */
export const whatWasPacked = (): Packed => JSON.parse(readFileSync(record, 'utf8'));

/** A user's folder with nothing but the package; returns what npm said. */
export function install(folder: string, tarball: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
  const { stdout, stderr } = npm(['install', '--offline', '--no-audit', '--no-fund', tarball], folder);
  return stdout + stderr;
}

export function npm(args: readonly string[], cwd: string): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`npm ${args.join(' ')}: ${stdout}${stderr}`);
  return { stdout, stderr };
}

export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'depthwise-packed-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** 'depthwise/engine' and so on: the doors that are JavaScript. */
export const doors: readonly string[] = Object.keys(packageJson.exports)
  .filter((door) => !/\*|\.(json|wasm)$|worker\.js$/.test(door))
  .map((door) => door.replace(/^\./, packageJson.name));
