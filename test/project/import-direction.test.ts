/** Imports point upward in one list of rooms, there are no cycles, and the core needs neither Node nor any package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Import, importsOf, readImports, root, sourceFiles } from './imports.js';

/** A room may import from itself and from the rooms above it. */
const rooms = [
  ['errors.ts', 'found.ts', 'web-types.ts', 'system-error.ts', 'tensor.ts', 'random.ts', 'rounding.ts', 'globals.d.ts'],
  ['padding.ts'],
  ['checks.ts'],
  ['layers'],
  ['network'],
  ['models'],
  ['files'],
  ['formats'],
  ['wasm'],
  ['engine'],
  ['image'],
  ['remote'],
  ['quantization'],
  ['tasks'],
  ['detection', 'segmentation', 'evaluation'],
  ['pretrained'],
  ['load'],
  ['oracle'],
  ['training'],
  ['cli'],
  ['browser'],
  ['tfjs-models'],
  ['index.ts', 'index.node.ts', 'safetensors.ts'],
  ['cdn.ts', 'cdn.global.ts'],
];
const rankOf = (file: string): number => rooms.findIndex((room) => room.includes(file.split('/')[0]));
const rankOfRoom = (room: string): number => rooms.findIndex((names) => names.includes(room));

const imports = readImports();
const ours = imports.filter(({ isPackage }) => !isPackage);
const show = ({ from, to }: Import): string => `${from} imports ${to}`;

/** What a module needs when it is imported, and what it may ever need. */
const atOnce = ({ typeOnly, lazy }: Import): boolean => !typeOnly && !lazy;
const everAtAll = ({ typeOnly }: Import): boolean => !typeOnly;

/** Files of src that are loaded with `file`. */
function loadedWith(file: string, counts: (found: Import) => boolean, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const found of ours) if (found.from === file && counts(found)) loadedWith(found.to, counts, loaded);
  return loaded;
}

/** Every file that some condition of an export leads to. */
const filesOf = (target: string | object): string[] =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);

/** The packages and Node modules that these files load. */
function packagesUsed(files: ReadonlySet<string>, counts = atOnce): string[] {
  return imports.filter((found) => files.has(found.from) && found.isPackage && counts(found)).map(show);
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
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = filesOf(exports)
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.replace('./dist/', '').replace(/\.js$/, '.ts'));
  const isStatic = (entry: string) => entry.startsWith('formats/readers/');
  const pageEntries = [
    'index.ts',
    'load/static.ts',
    'safetensors.ts',
    'engine/index.ts',
    'image/browser.ts',
    'browser/index.ts',
    'training/index.ts',
    'pretrained/index.ts',
    'tfjs-models/index.ts',
    'cdn.ts',
  ];

  test.each(entries.filter((entry) => !isStatic(entry)))(
    'importing %s loads no package and no Node module: they come lazily, at the point of use',
    (entry) => {
      expect(packagesUsed(loadedWith(entry, atOnce))).toEqual([]);
    },
  );

  test.each([
    ['tflite', ['flatbuffers', 'flatbuffers/js/flexbuffers.js', 'fflate']],
    ['keras', ['jsfive']],
    ['onnx', ['pbf']],
    ['tfjs', []],
    ['npz', ['fflate']],
    ['safetensors', []],
  ])('the static reader of %s loads its own packages, and nothing later', (name, packages) => {
    const files = loadedWith(`formats/readers/${name}.ts`, everAtAll);
    const used = imports.filter((found) => files.has(found.from) && found.isPackage && everAtAll(found));
    expect(new Set(used.map(({ to }) => to))).toEqual(new Set(packages));
    expect(used.filter(({ lazy }) => lazy)).toEqual([]);
  });

  test('errors to models use no package and no Node module at all', () => {
    const core = imports.filter(({ from, isPackage }) => isPackage && rankOf(from) <= rankOfRoom('models'));
    expect(core.map(show)).toEqual([]);
  });

  test.each(pageEntries)('%s runs in a page: even later it loads nothing but readers that run there too', (entry) => {
    const readers = / imports (fflate|flatbuffers(\/js\/flexbuffers\.js)?|jsfive|pbf)$/;
    expect(packagesUsed(loadedWith(entry, everAtAll), everAtAll).filter((line) => !readers.test(line))).toEqual([]);
  });
});
