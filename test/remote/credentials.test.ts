import { expect, test } from 'vitest';
import { withoutCredentials } from '../../src/remote/credentials.js';

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

test.each([
  ['https://own.example/a@b', 'https://own.example/a@b', undefined],
  ['https://own.example?a@b', 'https://own.example?a@b', undefined],
  ['model.h5', 'model.h5', undefined],
  ['data:text/plain,a@b', 'data:text/plain,a@b', undefined],
  ['https://user:secret@own.example/a', 'https://own.example/a', 'user:secret'],
  ['HTTPS://user@own.example', 'HTTPS://own.example', 'user:'],
  ['http:user:secret@own.example', 'http:own.example', 'user:secret'],
  ['http:\\\\user:secret@own.example', 'http:\\\\own.example', 'user:secret'],
  ['https://user:p%40ss@own.example', 'https://own.example', 'user:p@ss'],
  ['https://user:100%@own.example', 'https://own.example', 'user:100%'],
  ['https://user:p@ss@own.example', 'https://own.example', 'user:p@ss'],
  ['https://%C3%A9:%E6%97%A5@own.example', 'https://own.example', 'é:日'],
  ['ftp://user:secret@own.example/a', 'ftp://own.example/a', 'user:secret'],
])('%s', (text, address, pair) => {
  expect(withoutCredentials(text)).toEqual({ address, ...(pair !== undefined && { authorization: basic(pair) }) });
});

test('of what is no address nothing before the @ is shown either', () => {
  expect(withoutCredentials('http://user:secret@own example:x/')).toEqual({ address: 'http://own example:x/' });
});
