/**
 * Folders for resolvers that do not know `exports`: Parcel 2 without packageExports, TypeScript's node10. For 'depthwise/engine' they look at
 * engine/package.json. They are made when the package is packed, and removed after it: `node scripts/old-resolvers.mjs [--remove]`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
/** 'engine', 'image/browser': doors that are JavaScript, with the files for everybody but Node. */
const doors = Object.entries(exports)
  .map(([door, target]) => [door.replace('./', ''), forPages(target)])
  .filter(([door, { main }]) => door !== '.' && main?.endsWith('.js'));

/** What the condition `default` leads to, and its types, which may stand beside it or in it. */
function forPages({ types, default: main }) {
  return typeof main === 'object' ? forPages(main) : { types, main };
}

if (process.argv.includes('--remove')) {
  for (const [door] of doors) rmSync(join(door, 'package.json'), { force: true });
  // Inner folders first; a folder that holds anything else stays.
  for (const [door] of doors.toSorted(([a], [b]) => b.length - a.length)) removeEmpty(door);
} else {
  for (const [door, { types, main }] of doors) {
    const from = (target) => posix.relative(door, target);
    const stub = { type: 'module', main: from(main), types: from(types) };
    mkdirSync(door, { recursive: true });
    writeFileSync(join(door, 'package.json'), `${JSON.stringify(stub, null, 2)}\n`);
  }
}

function removeEmpty(folder) {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  if (dirname(folder) !== '.') removeEmpty(dirname(folder));
}
