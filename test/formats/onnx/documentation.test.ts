import { expect, test } from 'vitest';
import { supportedOperators } from './supported-operators.js';

test('docs/supported-operators.md is what the code supports; `npm run docs:operators` writes it', async () => {
  await expect(supportedOperators()).toMatchFileSnapshot('../../../docs/supported-operators.md');
});
