/**
 * Every example of the documentation is run as written, in a folder where the packed package is installed, and prints what stands below it.
 *
 *   ```sh      `npx depthwise …` commands, run one after the other; set-up commands must be scripts of package.json
 *   ```js      type-checked and run as one module, as Node 20 takes it pasted into a .mjs file
 *   ```js page for a page: type-checked, and bundled as a page's bundler does it
 *   ```text    right below an example: what it prints on stdout
 *
 * Models and labels that the package does not hold come from DEPTHWISE_DATA; examples that name one are skipped without it.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataFolder } from '../data.js';
import { root } from './imports.js';
import { commandsOf, type Example, examplesOf, firstDifference } from './markdown.js';
import { install, whatWasPacked } from './packed.js';

const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`)].filter((file) =>
  file.endsWith('.md'),
);
const examples = documents.flatMap((file) => examplesOf(file, readFileSync(join(root, file), 'utf8')));
const shell = examples.filter(({ language }) => language === 'sh');
const programs = examples.filter(({ language }) => language === 'js');
const forPages = examples.filter(({ language }) => language === 'js page');

const SET_UP = /^npm install && npm (?:run )?([\w:]+)$/;
const DATA_FILE =
  /\b[\w.]+\.(?:h5|tflite|onnx)\b|\bimagenet_labels\w*\.txt\b|(?:--model |\bload(?:Pretrained)?\(')mobilenet_\w+/;

const namesData = ({ code }: Example): boolean => DATA_FILE.test(code);
/** What examples that name data write, and others then read. */
const derived = examples
  .filter(namesData)
  .flatMap(({ code }) => [...code.matchAll(/--out (\S+)/g)].map(([, file]) => file));
const needsData = (example: Example): boolean =>
  namesData(example) || derived.some((file) => example.code.includes(file));
const canRun = (example: Example): boolean => dataFolder !== undefined || !needsData(example);
const titleOf = (example: Example): string =>
  `${example.place} ${commandsOf(example.code)[0]}${canRun(example) ? '' : ' (needs DEPTHWISE_DATA)'}`;

/** What the user has fetched by name before: files of the cache folder, and where they lie in the data folder. */
const fetched = {
  'mobilenet_v1_0.25_224.h5': 'models/mobilenet_v1_0.25_224.h5',
  'imagenet_labels.txt': 'labels/imagenet_labels_1001.txt',
};

/** JavaScript cannot say the types of its parameters, and what a file may not state is `undefined` to the compiler. */
const CHECKED = {
  allowJs: true,
  checkJs: true,
  noEmit: true,
  module: 'nodenext',
  target: 'ES2023',
  strict: true,
  noImplicitAny: false,
  strictNullChecks: false,
  types: ['node'],
  skipLibCheck: true,
};

/** A user's folder: the packed package installed, its pictures at hand, and the model files that its owner has fetched. */
const folder = mkdtempSync(join(tmpdir(), 'depthwise-documentation-'));

beforeAll(() => {
  install(folder, whatWasPacked().tarball);
  // What the examples' user has installed besides: types of Node, and the runtime that `verify` runs.
  for (const other of ['@types', '@litertjs']) {
    symlinkSync(join(root, 'node_modules', other), join(folder, 'node_modules', other));
  }
  symlinkSync(join(folder, 'node_modules', 'depthwise', 'assets'), join(folder, 'assets'));
  for (const kind of dataFolder === undefined ? [] : ['models', 'labels']) {
    for (const file of readdirSync(join(dataFolder!, kind)))
      symlinkSync(join(dataFolder!, kind, file), join(folder, file));
  }
  if (dataFolder !== undefined) addPhotos();
  for (const [index, { code }] of programs.entries()) writeFileSync(join(folder, `example${index}.mjs`), `${code}\n`);
  for (const [index, { code }] of forPages.entries()) writeFileSync(join(folder, `page${index}.mjs`), `${code}\n`);
  mkdirSync(join(folder, 'cache'));
  for (const [file, source] of dataFolder === undefined ? [] : Object.entries(fetched)) {
    symlinkSync(join(dataFolder!, source), join(folder, 'cache', file));
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Twelve photographs of animals and twelve of things; ImageNet's classes up to 397 are animals. */
function addPhotos(): void {
  const pictures = join(dataFolder!, 'images', 'imagenet100');
  const rows = readFileSync(join(pictures, 'classes.csv'), 'utf8').trim().split('\n').slice(1);
  const isAnimal = (row: string): boolean => Number(row.split(',')[1]) < 398;
  const labels = { animal: rows.filter(isAnimal), thing: rows.filter((row) => !isAnimal(row)) };
  for (const [label, found] of Object.entries(labels)) {
    mkdirSync(join(folder, 'photos', label), { recursive: true });
    for (const row of found.slice(0, 12)) {
      const [file] = row.split(',');
      symlinkSync(join(pictures, file), join(folder, 'photos', label, file));
    }
  }
}

/** Runs a program in the user's folder and returns what it prints; fails with what it complains about. */
function run(program: string, args: readonly string[]): string {
  const env = { ...process.env, DEPTHWISE_CACHE: join(folder, 'cache') };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8' });
  expect(error).toBeUndefined();
  expect(status, `${program} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

function expectDocumented({ output }: Example, printed: string): void {
  if (output === undefined) return;
  const missing = firstDifference(output, printed);
  expect(missing, `documented line: ${missing}\nprinted:\n${printed}`).toBeUndefined();
}

describe('shell examples', () => {
  test('there are some', () => expect(shell.length).toBeGreaterThan(3));

  for (const example of shell) {
    test.skipIf(!canRun(example))(titleOf(example), () => {
      const printed = commandsOf(example.code).map((command) => {
        const script = SET_UP.exec(command)?.[1];
        if (script !== undefined) {
          expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts).toHaveProperty(script);
          return '';
        }
        expect(command, 'an example is a command of depthwise, or sets the project up').toMatch(/^npx depthwise /);
        return run('bash', ['-c', command]);
      });
      expectDocumented(example, printed.join(''));
    });
  }
});

describe('programs', () => {
  test('there are some', () => expect(programs.length).toBeGreaterThan(1));

  test('are in JavaScript, which every Node runs', () => {
    expect(examples.filter(({ language }) => language === 'ts').map(({ place }) => place)).toEqual([]);
  });

  test('have the right types', () => {
    const files = programs.map((_, index) => `example${index}.mjs`);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: CHECKED, files }));
    run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder]);
  });

  programs.forEach((example, index) => {
    test.skipIf(!canRun(example))(titleOf(example), () => {
      expectDocumented(example, run(process.execPath, [`example${index}.mjs`]));
    });
  });
});

describe('programs for pages', () => {
  const files = forPages.map((_, index) => `page${index}.mjs`);

  test('have the right types', () => {
    // What a page's bundler makes of files that are no scripts, and a library that is not installed here.
    const assets = ['*?url', '*.wasm'].map(
      (name) => `declare module '${name}' { const found: any; export default found; }`,
    );
    writeFileSync(join(folder, 'assets.d.ts'), [...assets, "declare module 'react';"].join('\n'));
    const compilerOptions = { ...CHECKED, module: 'preserve', moduleResolution: 'bundler', lib: ['ES2023', 'DOM'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['assets.d.ts', ...files] }));
    run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder]);
  });

  test.each(files.map((file, index) => [forPages[index].place, file]))('%s is bundled for a page', async (_, file) => {
    await build({
      entryPoints: [join(folder, file)],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      external: ['react', '*?url'],
      loader: { '.wasm': 'file' },
      outdir: folder,
      logLevel: 'error',
    });
  });
});

describe('the set-up in the README', () => {
  const commands = shell.flatMap(({ code }) => commandsOf(code)).filter((command) => SET_UP.test(command));

  test('is two commands', () => {
    expect(commands).toEqual(['npm install && npm start', 'npm install && npm test']);
  });

  test("the second is CI's", () => {
    expect(readFileSync(join(root, '.ci', 'run'), 'utf8')).toContain(`bash -c '${commands[1]}'`);
  });
});

test('links between the documents lead somewhere', () => {
  const broken = documents.flatMap((file) => {
    const links = [...readFileSync(join(root, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)];
    return links
      .map(([, link]) => link)
      .filter((link) => !existsSync(join(root, file, '..', link)))
      .map((link) => `${file}: ${link}`);
  });
  expect(broken).toEqual([]);
});
