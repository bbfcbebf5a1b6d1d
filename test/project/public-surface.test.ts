/**
 * What the package offers: the values of every entry, name by name. A name that is added here is a promise to users; one that is removed breaks
 * their programs. Types are not listed: they follow the values.
 */
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { layers } from '../../src/layers/index.js';
import { surface } from './public-surface.js';

type Target = string | { readonly [condition: string]: Target };

/** The file that Node loads for an entry. */
const fileOf = (target: Target): string =>
  typeof target === 'string' ? target : fileOf(target.node ?? target.default);

/** Entries that export values: not kernels, and not what runs as a worker of its own. */
const entries = Object.entries(packageJson.exports as Record<string, Target>)
  .map(([entry, target]) => [entry, fileOf(target)] as const)
  .filter(([entry, file]) => file.endsWith('.js') && !entry.includes('worker'));

describe('the public surface', () => {
  test('every entry of package.json is listed', () => {
    expect(Object.keys(surface).sort()).toEqual(entries.map(([entry]) => entry).sort());
  });

  test.each(entries)('%s', async (entry, file) => {
    const source = file.replace('./dist/', '../../src/').replace(/\.js$/, '.ts');
    const found = await import(/* @vite-ignore */ source);
    expect(Object.keys(found).sort()).toEqual(surface[entry].trim().split(/\s+/).sort());
  });

  test('a newcomer can read it in one sitting', () => {
    const names = new Set(Object.values(surface).flatMap((list) => list.trim().split(/\s+/)));
    expect([...names].filter((name) => !Object.hasOwn(layers, name)).length).toBeLessThanOrEqual(107);
  });
});
