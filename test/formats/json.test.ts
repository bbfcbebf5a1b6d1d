/** JSON of files: what is refused beyond what JSON.parse refuses. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { parseJson } from '../../src/formats/json.js';

const refusal = (json: string): string => {
  try {
    return `read: ${parseJson(json, 'f: the header')}`;
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return (error as FormatError).message;
  }
};

test('any JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(parseJson(json, 'x')).toEqual(JSON.parse(json));
    }),
  );
});

test.each([
  ['{"a": 1, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]}', 'read: [object Object]'],
  ['{"a": 1, "b": 2, "a" : 3}', "f: the header has two entries 'a'"],
  ['[{"b": {"x": 1, "\\u0078": 2}}]', "f: the header has two entries 'x'"],
  ['{"__proto__": 1, "__proto__": 2}', "f: the header has two entries '__proto__'"],
  ['{"a": "\\"a\\":", "b": ":"}', 'read: [object Object]'],
  ['['.repeat(101), 'f: the header nests deeper than 100, at character 100'],
  [`"${'['.repeat(101)}"`, `read: ${'['.repeat(101)}`],
])('%s', (json, wanted) => {
  expect(refusal(json)).toBe(wanted);
});

test.each(['{', '{"a": 1', '{"a', '"\\', 'nan', '', ']', '{"\\x": 1}'])('%s is not JSON', (json) => {
  expect(refusal(json)).toMatch(/^f: the header is not JSON: ./);
});

test('as deep as it may be', () => {
  expect(parseJson('['.repeat(100) + ']'.repeat(100), 'x')).toHaveLength(1);
});
