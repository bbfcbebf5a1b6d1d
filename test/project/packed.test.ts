/** What npm would publish: its files, what it installs, whether it runs, and whether compilers find its types. */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { nightly } from '../nightly.js';
import { root, sourceFiles } from './imports.js';
import { doors, install, npm, packageJson, temporaryFolder, whatWasPacked } from './packed.js';

const folder = temporaryFolder();
afterAll(folder.remove);
const packed = whatWasPacked();
const user = join(folder.path, 'user');
const said = install(user, packed.tarball);
const installed = join(user, 'node_modules', 'depthwise');

describe('the files', () => {
  const rest = packed.files.filter((file) => !/^(dist|src|docs|examples|python)\//.test(file));

  test('outside dist, src, docs, examples and python', () => {
    const stubs = doors.slice(1).map((door) => `${door.replace('depthwise/', '')}/package.json`);
    const assets = execFileSync('git', ['ls-files', 'assets'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
    expect([...rest].sort()).toEqual(
      ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'package.json', ...assets, ...stubs].sort(),
    );
  });

  test("src, docs, examples and python: all under version control, but for Python's tests and what makes the API pages", () => {
    const folders = ['src', 'docs', 'examples', 'python', ':!docs/api', ':!python/tests'];
    const tracked = execFileSync('git', ['ls-files', ...folders], { cwd: root, encoding: 'utf8' });
    const found = packed.files.filter((file) => /^(src|docs|examples|python)\//.test(file));
    expect([...found].sort()).toEqual(tracked.trim().split('\n').sort());
  });

  test('dist: declarations of the sources there are, each with its map', () => {
    const declared = packed.files
      .filter((file) => file.endsWith('.d.ts'))
      .map((file) => file.replace(/^dist\/|\.d\.ts$/g, ''));
    const sources = sourceFiles()
      .filter((file) => !file.endsWith('.d.ts'))
      .map((file) => file.replace(/\.ts$/, ''));
    const wanted = [...sources, 'globals', 'src/formats/hdf5/jsfive', 'src/globals'];
    expect(declared.filter((file) => !wanted.includes(file))).toEqual([]);
    expect(sources.filter((file) => !declared.includes(file))).toEqual([]);
    const maps = new Set(packed.files);
    expect(sources.filter((file) => !maps.has(`dist/${file}.d.ts.map`))).toEqual([]);
  });

  test('dist: nothing else but modules, their maps, kernels and licences', () => {
    const others = packed.files.filter(
      (file) => file.startsWith('dist/') && !/\.(js|d\.ts)(\.map)?$|\.wasm$/.test(file),
    );
    expect([...others].sort()).toEqual(['dist/THIRD_PARTY_LICENSES.txt', 'dist/cdn/LICENSES.txt']);
  });

  test('maps point to sources that are there, but for those of packages and of generated files', () => {
    const there = new Set(packed.files);
    const missing = packed.files
      .filter((file) => file.endsWith('.map'))
      .flatMap((file) => {
        const { sources, sourceRoot = '' } = JSON.parse(readFileSync(join(installed, file), 'utf8'));
        return sources
          .map((source: string) => posix.join(posix.dirname(file), sourceRoot, source))
          .filter(
            (source: string) => source.startsWith('src/') && !source.includes('/generated/') && !there.has(source),
          )
          .map((source: string) => `${file}: ${source}`);
      });
    expect(missing).toEqual([]);
  });

  test('links in the documents lead to files of the package', () => {
    const documents = packed.files.filter((file) => /^(README|docs\/[\w-]+)\.md$/.test(file));
    const outside = documents.flatMap((file) => {
      const links = readFileSync(join(installed, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g);
      return [...links]
        .map(([, link]) => posix.join(posix.dirname(file), link))
        .filter((link) => !existsSync(join(installed, link)));
    });
    // What only a clone can use: measurements, tests, the action for GitHub.
    expect(outside.filter((link) => !/^(bench|test|assembly|action|\.ci)\b/.test(link))).toEqual([]);
  });

  test('its size', () => {
    expect(packed.bytes).toBeLessThan(4.8e6);
    expect(packed.unpackedBytes).toBeLessThan(13.3e6);
  });
});

describe('installed in an empty folder', () => {
  test('it is one package, and npm warns of nothing', () => {
    const packages = readdirSync(join(user, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(packages).toEqual(['depthwise']);
    expect(said).toContain('added 1 package');
    expect(said).not.toMatch(/warn|install script/i);
  });

  test('npx depthwise classify', () => {
    const picture = join(installed, 'assets', 'pictures', 'chelsea.jpg');
    const stdout = execFileSync('npx', ['--no', 'depthwise', 'classify', picture], { cwd: user, encoding: 'utf8' });
    expect(stdout).toMatch(/\d %\s+cat/);
  });

  test('npm start in the package itself', () => {
    expect(npm(['start'], installed).stdout).toMatch(/cat/);
  });

  test('what takes sharp is an error that says how to install it', async () => {
    const tiff = join(user, 'x.tif');
    writeFileSync(
      tiff,
      await sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } })
        .tiff()
        .toBuffer(),
    );
    const { status, stderr } = spawnSync('npx', ['--no', 'depthwise', 'classify', tiff], {
      cwd: user,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('x.tif: found a TIFF picture, which takes the package sharp: npm install sharp');
  });
});

test('the build leaves a program that runs', () => {
  accessSync(join(root, packageJson.bin.depthwise), constants.X_OK);
  const { stdout } = spawnSync('npx', ['--no', '--', 'depthwise', '--version'], { cwd: root, encoding: 'utf8' });
  expect(stdout.trim()).toBe(packageJson.version);
});

test('every bundled package has its licence in the package', () => {
  const licences = readFileSync(join(installed, 'dist', 'THIRD_PARTY_LICENSES.txt'), 'utf8');
  for (const name of ['commander', 'cli-table3', 'fflate', 'pako', '@jsquash/jpeg', '@jsquash/png', '@jsquash/webp']) {
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
  expect(licences).toContain('This software is based in part on the work of the Independent JPEG Group.');
});

test('no file of the package imports a package, but for sharp', () => {
  const scripts = packed.files.filter((file) => file.startsWith('dist/') && file.endsWith('.js'));
  const imported = scripts.flatMap((file) => {
    const text = readFileSync(join(installed, file), 'utf8');
    return [
      ...text.matchAll(/^import (?:[^'"\n]+ from )?["']([^."'\n][^"'\n]*)["'];$|\bimport\(["']([^."']+)["']\)/gm),
    ].map(([, at, lazy]) => at ?? lazy);
  });
  const builtin = /^(node:.*|events|os|readline|stream|util)$/;
  expect([...new Set(imported.filter((name) => !builtin.test(name)))]).toEqual(['sharp']);
});

describe('types', () => {
  const RULES = [
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext', lib: ['ES2022', 'DOM'] }],
    ['node16', { module: 'node16', moduleResolution: 'node16', lib: ['ES2022', 'DOM'] }],
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2022', 'DOM'] }],
    ['nodenext without the DOM', { module: 'nodenext', moduleResolution: 'nodenext', lib: ['ES2022'] }],
    ['a bundler in a web worker', { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2022', 'WebWorker'] }],
  ] as const;
  const node10 = ['node10', { module: 'esnext', moduleResolution: 'node10', lib: ['ES2022', 'DOM'] }] as const;
  const everyDoor = doors.map((door, index) => `export * as entry${index} from '${door}';`).join('\n');

  /** What a compiler says of a user's file; '' when it is content. Declarations are checked too. */
  function typeErrors(code: string, rules: object, compiler = root): string {
    writeFileSync(join(user, 'consumer.ts'), code);
    const compilerOptions = { ...rules, strict: true, noEmit: true, target: 'ES2022', types: [], skipLibCheck: false };
    writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const tsc = join(compiler, 'node_modules', 'typescript', 'bin', 'tsc');
    return spawnSync(process.execPath, [tsc, '-p', user], { encoding: 'utf8' }).stdout;
  }

  test.each(RULES)('under %s', (_, rules) => {
    expect(typeErrors(everyDoor, rules)).toBe('');
  });

  test("folders and threads are in Node's declarations of depthwise/training, not in a page's", () => {
    const use = "import { readPictureFolder } from 'depthwise/training'; void readPictureFolder;";
    const lib = ['ES2022', 'DOM'];
    expect(typeErrors(use, { module: 'nodenext', moduleResolution: 'nodenext', lib })).toBe('');
    const inPage = { module: 'preserve', moduleResolution: 'bundler', lib };
    expect(typeErrors(use, inPage)).toContain("has no exported member 'readPictureFolder'");
    expect(typeErrors(use, { ...inPage, customConditions: ['node'] })).toBe('');
  });

  // They are fetched, so only at night.
  test.skipIf(!nightly).each(['5.4', '5.9', '6.0'])('with TypeScript %s (nightly)', (version) => {
    const compiler = join(folder.path, `typescript-${version}`);
    npm(
      ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', compiler, `typescript@${version}`],
      folder.path,
    );
    for (const [name, rules] of version.startsWith('5') ? [...RULES, node10] : RULES) {
      expect(typeErrors(everyDoor, rules, compiler), name).toBe('');
    }
  });

  test('are found by every way of resolving (are the types wrong?)', async () => {
    const analysed = createPackageFromTarballData(readFileSync(packed.tarball));
    const found = await checkPackage(analysed, { excludeEntrypoints: [/\*|\.wasm$|package\.json$|worker\.js$/] });
    // CommonJS has to require() modules: true of every package that is modules only, and possible since Node 20.17.
    const problems =
      'problems' in found ? found.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM') : ['no types'];
    expect(problems).toEqual([]);
  });
});
