import { describe, expect, test } from 'vitest';
import { commandsOf, examplesOf, firstDifference } from './markdown.js';

describe('examplesOf', () => {
  test('joins an example and the output right below it', () => {
    const markdown = [
      '# Title',
      '```sh',
      'a',
      '```',
      '',
      '```text',
      'printed',
      '```',
      '```ts',
      'b',
      '```',
      'words',
      '```text',
      'alone',
      '```',
    ];
    expect(examplesOf('X.md', markdown.join('\n'))).toEqual([
      { place: 'X.md:2', language: 'sh', code: 'a', output: 'printed' },
      { place: 'X.md:6', language: 'text', code: 'printed' },
      { place: 'X.md:9', language: 'ts', code: 'b' },
      { place: 'X.md:13', language: 'text', code: 'alone' },
    ]);
  });

  test('complains about a block without an end', () => {
    expect(() => examplesOf('X.md', '```sh\na')).toThrow('X.md:1: the block is never closed');
  });
});

test('commandsOf leaves comments out and joins continued lines', () => {
  expect(commandsOf('# first\nnpx a \\\n  --b\n\nnpx c')).toEqual(['npx a --b', 'npx c']);
});

describe('firstDifference', () => {
  test.each([
    ['a\nb', 'a\nb\n', undefined],
    ['a  \nb', 'a\nb', undefined],
    ['a\n…\nd', 'a\nb\nc\nd', undefined],
    ['a\n…', 'a\nb\nc', undefined],
    ['took … ms', 'took 12 ms', undefined],
    ['took … ms', 'took 12 s', 'took … ms'],
    ['a\nx', 'a\nb', 'x'],
    ['a\n…\nx', 'a\nb', 'x'],
    ['a\nb\nc', 'a\nb', 'c'],
    ['a', 'a\nb', "(the end, where it prints 'b')"],
    ['a.c', 'abc', 'a.c'],
  ])('%j against %j', (documented, printed, difference) => {
    expect(firstDifference(documented, printed)).toBe(difference);
  });
});
