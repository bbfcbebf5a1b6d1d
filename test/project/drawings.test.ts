/** The drawings of docs are what the program draws; `npm run docs:drawings` writes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noData } from '../data.js';
import { drawings } from './drawings.js';
import { root } from './imports.js';

for (const { file, needsData, draw } of drawings) {
  test.skipIf(needsData && noData)(`${file}${needsData ? ' (needs DEPTHWISE_DATA)' : ''}`, async () => {
    const drawn = await draw();
    if (process.env.WRITE_DRAWINGS) writeFileSync(join(root, file), drawn);
    expect(readFileSync(join(root, file), 'utf8')).toBe(drawn);
  });
}
