import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { supportedOperators } from '../../../src/formats/onnx/documentation.js';

test('docs/supported-operators.md is what the code supports; `npm run docs:operators` writes it', async () => {
  const page = await readFile(new URL('../../../docs/supported-operators.md', import.meta.url), 'utf8');
  expect(page).toBe(supportedOperators());
});
