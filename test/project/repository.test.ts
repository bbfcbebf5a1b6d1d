/** What the repository's files may say: they speak of the project, not of somebody's machine. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './imports.js';

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Files under version control, or, in an unpacked archive, nothing to look at. */
function trackedFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed.split('\0').filter((file) => file !== '');
}

const isText = (bytes: Buffer): boolean => !bytes.subarray(0, 8000).includes(0);

describe('the repository', () => {
  const texts = trackedFiles()
    .filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile())
    .map((file) => ({ file, bytes: readFileSync(join(root, file)) }))
    .filter(({ bytes }) => isText(bytes))
    .map(({ file, bytes }) => ({ file, text: bytes.toString('utf8') }));

  test.each([
    ["a folder of somebody's machine", /(?<![\w.-])\/(?:home|root|Users|work|workspace|mnt)\/[\w.-]+/],
    ["a Windows user's folder", /[A-Z]:\\Users\\/],
    ['the address of a package registry', /https?:\/\/[^\s"']*registry/],
  ])('names no %s', (_, pattern) => {
    const found = texts.flatMap(({ file, text }) =>
      text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test('holds nothing that the build makes', () => {
    expect(trackedFiles().filter((file) => /^(dist|build|node_modules|coverage|reports)\//.test(file))).toEqual([]);
  });

  test('names modules in kebab-case, and layers as their kinds', () => {
    const modules = trackedFiles().filter((file) => /^src\/.*\.ts$/.test(file));
    const camel = modules.filter((file) => /[A-Z]/.test(file) && !/^src\/layers\//.test(file));
    expect(camel).toEqual([]);
  });

  test('has kernels of lines that fit beside each other', () => {
    const kernels = texts.filter(({ file }) => /^assembly\/.*\.ts$/.test(file));
    const long = kernels.flatMap(({ file, text }) =>
      text.split('\n').flatMap((line, at) => (line.length > 120 || /\s$/.test(line) ? [`${file}:${at + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });

  test('has at its top what a reader expects there, and no more', () => {
    expect(trackedFiles().filter((file) => !file.includes('/'))).toEqual([
      ...[
        '.gitignore',
        '.npmrc',
        'CHANGELOG.md',
        'CITATION.cff',
        'CONTRIBUTING.md',
        'LICENSE',
        'README.md',
        'SECURITY.md',
      ],
      ...[
        'asconfig.image.json',
        'asconfig.int8.json',
        'asconfig.json',
        'asconfig.training.json',
        'biome.json',
        'package-lock.json',
        'package.json',
      ],
      ...['tsconfig.build.json', 'tsconfig.json', 'vitest.config.ts'],
    ]);
  });

  test('holds no large file', () => {
    const large = trackedFiles().filter(
      (file) => (statSync(join(root, file), { throwIfNoEntry: false })?.size ?? 0) > 2e6,
    );
    expect(large).toEqual([]);
  });
});

describe('package.json', () => {
  test('the licence is the one in LICENSE', () => {
    expect(packageJson.license).toBe('Apache-2.0');
    expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toMatch(/^\s*Apache License\s+Version 2\.0/);
  });

  test('runs on Node 20', () => {
    expect(packageJson.engines.node).toBe('>=20.9');
  });

  test('CITATION.cff has this version and licence, and both papers', () => {
    const citation = readFileSync(join(root, 'CITATION.cff'), 'utf8');
    expect(citation).toContain(`\nversion: ${packageJson.version}\n`);
    expect(citation).toContain(`\nlicense: ${packageJson.license}\n`);
    expect(citation.match(/arXiv:\d{4}\.\d{5}/g)).toEqual(['arXiv:1704.04861', 'arXiv:1801.04381']);
  });

  test('the changelog has an entry for this version', () => {
    const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
    expect(changelog).toMatch(new RegExp(`^## (Unreleased|${packageJson.version.replaceAll('.', '\\.')})`, 'm'));
  });
});
