/** The packages whose code is in what the build writes, with their licences. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const require = createRequire(import.meta.url);

/**
 * The packages that modules come from and what they depend on, since jsfive carries pako within. `modules` are paths; those of embedded
 * decoders stand for the package that was embedded.
 */
export function packagesIn(modules) {
  const folders = new Set(modules.flatMap((id) => folderOf(id.replaceAll('\\', '/')) ?? []));
  for (const folder of folders) {
    const { dependencies = {} } = manifestOf(folder);
    for (const name of Object.keys(dependencies)) folders.add(rootOf(name, folder));
  }
  const packages = [...folders].map(licenceOf);
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The text of all of these licences. */
export function licenceText(packages) {
  const jpeg = packages.some(({ name }) => name.startsWith('@jsquash/jpeg'))
    ? 'This software is based in part on the work of the Independent JPEG Group.\n\n---\n\n'
    : '';
  return jpeg + packages.map(({ name, text }) => `${name}\n\n${text.trim()}\n`).join('\n---\n\n');
}

function folderOf(module) {
  const decoder = /\/src\/image\/generated\/(jpeg|png|webp)\.ts$/.exec(module)?.[1];
  if (decoder !== undefined) return rootOf(`@jsquash/${decoder}`);
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0];
}

/** The folder of a package, as a file in `from` finds it; some packages do not export their package.json. */
function rootOf(name, from = '.') {
  const places = [resolve(from, 'node_modules'), ...require.resolve.paths(name)];
  const found = places.map((place) => join(place, name)).find((folder) => readable(join(folder, 'package.json')));
  if (found === undefined) throw new Error(`${name}, which is bundled, is not installed`);
  return found;
}

function readable(file) {
  try {
    return readFileSync(file) !== undefined;
  } catch {
    return false;
  }
}

function licenceOf(folder) {
  const { name, version } = manifestOf(folder);
  // The decoders have a second one for what they compile.
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^(codec\/)?(licen[cs]e|copying)[\w.-]*$/i.test(file.replaceAll('\\', '/')),
  );
  if (files.length === 0) throw new Error(`${folder}: has no licence file`);
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
  return { name: `${name} ${version}`, text };
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
