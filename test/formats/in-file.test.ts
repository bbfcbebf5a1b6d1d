import { expect, test } from 'vitest';
import { brief } from '../../src/formats/in-file.js';

test('five lines of each kind, which the first word tells, and how many more there are', () => {
  const lines = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `  ${kind} w${i}`);
  const message = ['m: wrong weights', ...lines('missing', 7), ...lines('misplaced', 6), ...lines('other', 2)];
  const wanted = [message[0], ...lines('missing', 5), ...lines('misplaced', 5), ...lines('other', 2), '  and 3 more'];
  expect(brief(message.join('\n'))).toBe(wanted.join('\n'));
  expect(brief('m: one\n  missing w0')).toBe('m: one\n  missing w0');
});
