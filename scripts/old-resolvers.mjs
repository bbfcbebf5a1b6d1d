/**
 * Folders for resolvers that do not know `exports`: Parcel 2 without packageExports, TypeScript's node10. For 'depthwise/engine' they look at
 * engine/package.json. They are made when the package is packed, and removed after it: `node scripts/old-resolvers.mjs [--remove]`.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
/** 'engine', 'image/browser': doors that are JavaScript, with the files for everybody but Node. */
const doors = Object.entries(exports)
  .map(([door, target]) => [door.replace('./', ''), forPages(target)])
  .filter(([door, { main }]) => door !== '.' && main?.endsWith('.js'));

/** What the condition `default` leads to, and its types, which may stand beside it or in it. */
function forPages({ types, default: main }) {
  return typeof main === 'object' ? forPages(main) : { types, main };
}

for (const [door, { types, main }] of doors) {
  if (process.argv.includes('--remove')) {
    rmSync(door.split('/')[0], { recursive: true, force: true });
    continue;
  }
  const from = (target) => posix.relative(door, target);
  mkdirSync(door, { recursive: true });
  writeFileSync(
    join(door, 'package.json'),
    `${JSON.stringify({ type: 'module', main: from(main), types: from(types) }, null, 2)}\n`,
  );
}
