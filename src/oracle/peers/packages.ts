/** Packages that are no dependency of this one: installed by whoever wants to compare with them, loaded when they are asked for. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../../errors.js';

/** A package as it was found. */
export interface Installed<Module> {
  readonly module: Module;
  /** 'onnxruntime-node 1.30.0'. */
  readonly title: string;
  /** The file that was loaded. */
  readonly path: string;
}

/** Finds packages as Node does for what stands in `folder`; the folder's own project first, then this package's. */
export class Packages {
  readonly #places: readonly NodeJS.Require[];

  constructor(folder = process.cwd()) {
    this.#places = [createRequire(join(folder, 'package.json')), createRequire(import.meta.url)];
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Throws a UsageError that says how to install it. */
  async load<Module>(name: string): Promise<Installed<Module>> {
    const path = this.#find(name);
    if (path === undefined) throw new UsageError(`the package ${name} is not installed here: npm install ${name}`);
    let loaded: Module & { readonly default?: Module };
    try {
      loaded = await import(pathToFileURL(path).href);
    } catch (cause) {
      throw new UsageError(`the package ${name} does not load: ${(cause as Error).message}`, { cause });
    }
    // What CommonJS exports is the default export.
    return { module: loaded.default ?? loaded, title: `${name} ${await versionOf(name, path)}`, path };
  }

  #find(name: string): string | undefined {
    for (const require of this.#places) {
      try {
        return require.resolve(name);
      } catch {
        // the next place may have it
      }
    }
    return undefined;
  }
}

/** The version in the package.json above the file; packages need not export it. */
async function versionOf(name: string, path: string): Promise<string> {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
    const found: { name?: string; version?: string } = JSON.parse(text);
    if (found.name === name && found.version) return found.version;
  }
  return 'of unknown version';
}
