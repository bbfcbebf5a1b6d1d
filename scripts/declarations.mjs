/**
 * Makes the declarations that tsc has written stand alone: beside them lie the platform's types of src/globals.d.ts, to which each file that
 * names one refers; what they say of packages that are bundled, and so not installed, becomes unknown, which only inner parts of readers do;
 * typed arrays lose their parameter, which TypeScript up to 5.6 does not know; and a generated text is a string, no type of its own.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const globals = readFileSync('src/globals.d.ts', 'utf8');
const names = [...globals.matchAll(/^(?:interface|declare namespace) (\w+)/gm)].map(([, name]) => name);
const namesGlobal = new RegExp(`\\b(${[...names, 'Symbol.dispose'].join('|')})\\b`);
const typedArray = /\b(DataView|(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array)<ArrayBuffer(?:Like)?>/g;
const text = / = "[^"]{1000,}"/g;
const ofPackage = /^import type \{ ([\w, ]+) \} from '(?!\.|node:)[^']+';$/gm;

writeFileSync('dist/globals.d.ts', globals);
const files = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.d.ts') && file !== 'globals.d.ts');
for (const file of files) {
  const path = join('dist', file);
  const before = readFileSync(path, 'utf8');
  const alone = before
    .replaceAll(typedArray, '$1')
    .replaceAll(text, ': string')
    .replaceAll(ofPackage, (_, names) =>
      names
        .split(', ')
        .map((name) => `declare const ${name}: unknown; type ${name} = unknown;`)
        .join(' '),
    );
  const refers = namesGlobal.test(alone);
  const to = posix.relative(posix.dirname(file), 'globals.d.ts');
  const after = refers ? `/// <reference path="${to.startsWith('.') ? to : `./${to}`}" />\n${alone}` : alone;
  if (after !== before) writeFileSync(path, after);
  if (refers) shiftMap(`${path}.map`);
}

/** A source map for one more line at the top: ';' ends a line of its mappings. */
function shiftMap(path) {
  const map = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...map, mappings: `;${map.mappings}` }));
}
