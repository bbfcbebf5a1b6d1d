/** Imports point upward in one list of rooms, there are no cycles, and the core needs neither Node nor any package. */
import { describe, expect, test } from 'vitest';
import { type Import, importsOf, readImports, sourceFiles } from './imports.js';

/** A room may import from itself and from the rooms above it. */
const rooms = [
  ['errors.ts', 'tensor.ts', 'random.ts'],
  ['padding.ts'],
  ['layers'],
  ['network'],
  ['models'],
  ['formats'],
  ['engine'],
  ['image'],
  ['tasks'],
  ['oracle'],
  ['training'],
  ['cli'],
  ['index.ts'],
];
const rankOf = (file: string): number => rooms.findIndex((room) => room.includes(file.split('/')[0]));
const rankOfRoom = (room: string): number => rooms.findIndex((names) => names.includes(room));

const imports = readImports();
const ours = imports.filter(({ isPackage }) => !isPackage);
const show = ({ from, to }: Import): string => `${from} imports ${to}`;

/** Files of src that are loaded with `file`, without anything that `import()` loads later. */
function loadedWith(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { from, to, typeOnly, lazy } of ours) if (from === file && !typeOnly && !lazy) loadedWith(to, loaded);
  return loaded;
}

/** The packages and Node modules that importing `file` loads at once. */
function packagesLoadedWith(file: string): string[] {
  const files = loadedWith(file);
  return imports
    .filter(({ from, isPackage, typeOnly, lazy }) => files.has(from) && isPackage && !typeOnly && !lazy)
    .map(show);
}

/** One cycle of imports as 'a.ts → b.ts → a.ts', if there is any. */
function findCycle(edges: readonly Import[]): string | undefined {
  const finished = new Set<string>();
  const follow = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' → ');
    if (finished.has(file)) return undefined;
    for (const { from, to } of edges) {
      const cycle = from === file ? follow(to, [...path, file]) : undefined;
      if (cycle !== undefined) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  for (const { from } of edges) {
    const cycle = follow(from, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('the reader of imports', () => {
  test('finds every form of import', () => {
    const text = `
      import { a } from './a.js';
      import type { B } from '../padding.js';
      export * from './c.js';
      export type { D } from './d.js';
      import './e.js';
      type F = import('./f.js').F;
      const sharp = await import('sharp');
      // import { no } from './comment.js';
      const text = "import { no } from './string.js'";
    `;
    const found = importsOf('layers/x.ts', text).map(({ to, typeOnly, lazy }) => [to, typeOnly, lazy]);
    expect(found).toEqual([
      ['layers/a.ts', false, false],
      ['padding.ts', true, false],
      ['layers/c.ts', false, false],
      ['layers/d.ts', true, false],
      ['layers/e.ts', false, false],
      ['layers/f.ts', true, false],
      ['sharp', false, true],
    ]);
  });

  test('finds a cycle', () => {
    const edge = (from: string, to: string): Import => ({ from, to, isPackage: false, typeOnly: true, lazy: false });
    expect(findCycle([edge('a', 'b'), edge('b', 'c'), edge('c', 'b')])).toBe('b → c → b');
    expect(findCycle([edge('a', 'b'), edge('a', 'c'), edge('b', 'c')])).toBeUndefined();
  });
});

describe('imports', () => {
  test('every file has a room', () => {
    expect(sourceFiles().filter((file) => rankOf(file) < 0)).toEqual([]);
  });

  test('every imported file exists', () => {
    const files = new Set(sourceFiles());
    expect(ours.filter(({ to }) => !files.has(to) && !to.includes('/generated/')).map(show)).toEqual([]);
  });

  test('point upward only, types included', () => {
    expect(ours.filter(({ from, to }) => rankOf(to) > rankOf(from)).map(show)).toEqual([]);
  });

  test('nothing but the command line itself imports the command line', () => {
    expect(ours.filter(({ from, to }) => to.startsWith('cli/') && !from.startsWith('cli/')).map(show)).toEqual([]);
  });

  test('form no cycle, types included', () => {
    expect(findCycle(ours)).toBeUndefined();
  });
});

describe('packages and Node', () => {
  const entries = [
    'index.ts',
    ...['layers', 'models', 'network', 'formats', 'image', 'tasks'].map((r) => `${r}/index.ts`),
  ];

  test.each(entries)(
    'importing %s loads no package and no Node module: they come lazily, at the point of use',
    (entry) => {
      expect(packagesLoadedWith(entry)).toEqual([]);
    },
  );

  test('errors to models use no package and no Node module at all', () => {
    const core = imports.filter(({ from, isPackage }) => isPackage && rankOf(from) <= rankOfRoom('models'));
    expect(core.map(show)).toEqual([]);
  });
});
