/** The licences of the packages whose code is bundled into dist, as one text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `files` are those that were bundled; what does not lie in node_modules is our own. */
export function licencesOf(files) {
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== undefined));
  const texts = [...folders].map(licenceOf).sort((a, b) => a.name.localeCompare(b.name));
  return [
    'Code of these packages is part of the files in this folder. The decoder of JPEG is based in part on the work of the Independent JPEG Group.',
    ...texts.map(({ name, text }) => `${'='.repeat(100)}\n${name}\n\n${text}`),
  ].join('\n\n');
}

/** '…/node_modules/@jsquash/png/codec/x.js' → '…/node_modules/@jsquash/png' */
function packageFolder(file) {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file.replaceAll('\\', '/'))?.[0];
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(^|[\\/])(licen[cs]e|copying)[\w.-]*$/i.test(file) && !file.includes('node_modules'),
  );
  if (files.length === 0) throw new Error(`${name} comes without its licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { name, text: `${name} ${version}, ${license}\n\n${texts.join('\n\n')}` };
}
