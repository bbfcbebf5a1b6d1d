/** Which lines are mutated. */
import { readdirSync, readFileSync } from 'node:fs';

/** The source files in a folder, or the file itself. */
export function filesOf(path) {
  if (path.endsWith('.ts')) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name));
  return files.map(({ parentPath, name }) => `${parentPath}/${name}`).filter((file) => !file.includes('/generated/'));
}

/** 'src/x.ts:12:0-12:999' for each line that is neither empty nor a comment nor an import. */
export function codeLinesOf(file) {
  const isCode = (line) => !/^\s*(\/\*|\*|\/\/|import |export (type )?\{|export \*|[})\];,]*$)/.test(line);
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => (isCode(line) ? [`${file}:${index + 1}:0-${index + 1}:999`] : []));
}

/** `count` members at random, in their order or in that in which they are drawn. */
export function drawn(all, count, seed, inOrder = true) {
  const random = mulberry32(seed);
  const left = all.sort();
  const picked = Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(Math.floor(random() * left.length), 1).at(0),
  );
  return inOrder ? picked.sort() : picked;
}

/** Numbers in [0, 1), always the same for a seed. */
export function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
