/** Which tests reach which file, by the text of their imports. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesOf } from './lines.mjs';

/** By file: those that import it. */
const importers = new Map();

for (const file of [...filesOf('src'), ...filesOf('test')]) {
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g)) {
    const imported = join(dirname(file), path).replace(/\.js$/, '.ts');
    if (existsSync(imported)) importers.set(imported, [...(importers.get(imported) ?? []), file]);
  }
}

/** The test files that import the file, perhaps through others, the closest first. */
export function testsOf(file) {
  const found = new Set([file]);
  for (const reached of found) for (const importer of importers.get(reached) ?? []) found.add(importer);
  return [...found].filter((path) => path.endsWith('.test.ts'));
}
