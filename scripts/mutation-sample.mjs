/**
 * A random sample of mutants of one part, and the share that its tests kill:
 *
 *   npm run mutation:sample -- formats [--lines 150] [--seed 1]
 *
 * Lines of code are drawn, each as likely as any other, and Stryker makes every mutant that fits into one of them; 150 lines are about 200
 * mutants. The same seed draws the same lines of the same source. Exit code 1 below 95 %.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { strykerConfig, vitestConfig } from '../mutation/stryker.mjs';

/** Source folders, and the tests that are held to notice. */
const parts = {
  layers: [
    ['src/padding.ts', 'src/layers'],
    ['test/padding.test.ts', 'test/layers/**/*.test.ts'],
  ],
  models: [
    ['src/models'],
    ['test/models/**/*.test.ts', 'test/detection/**/*.test.ts', 'test/segmentation/**/*.test.ts'],
  ],
  network: [['src/network'], ['test/network/**/*.test.ts', 'test/layers/**/*.test.ts']],
  engine: [['src/engine'], ['test/engine/**/*.test.ts']],
  formats: [['src/formats'], ['test/formats/**/*.test.ts']],
  image: [['src/image'], ['test/image/**/*.test.ts']],
  oracle: [['src/oracle'], ['test/oracle/**/*.test.ts']],
  training: [['src/training'], ['test/training/**/*.test.ts']],
};
const LEAST_SCORE = 95;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { lines: { type: 'string', default: '150' }, seed: { type: 'string', default: '1' } },
});
const [part] = positionals;
if (!Object.hasOwn(parts, part ?? '')) throw new Error(`wanted one of ${Object.keys(parts).join(', ')}, found ${part}`);
const [sources, tests] = parts[part];

const lines = drawn(sources.flatMap(filesOf).flatMap(codeLinesOf), Number(values.lines), Number(values.seed));
mkdirSync('build', { recursive: true });
const configFile = `build/${part}.vitest.config.mjs`;
writeFileSync(configFile, `export default ${JSON.stringify(vitestConfig(tests))};\n`);

const stryker = new Stryker({
  ...strykerConfig(part, lines),
  vitest: { configFile },
  ignorePatterns: ['assets', 'bench', 'dist', 'docs', 'reports'],
  disableTypeChecks: false,
  thresholds: { high: 95, low: 90, break: null },
  reporters: ['progress-append-only', 'html', 'json'],
});
const results = await stryker.runMutationTest();
const of = (...states) => results.filter(({ status }) => states.includes(status));
const [killed, missed] = [of('Killed', 'Timeout'), of('Survived', 'NoCoverage')];
for (const { fileName, location, mutatorName, replacement, status } of missed) {
  console.log(`${status}: ${fileName}:${location.start.line}: ${mutatorName}: ${replacement.split('\n')[0]}`);
}
const score = (100 * killed.length) / (killed.length + missed.length);
const counted = `${killed.length} of ${killed.length + missed.length} mutants in ${lines.length} lines`;
console.log(`${part}, seed ${values.seed}: ${counted} killed, ${score.toFixed(1)} %`);
process.exitCode = score >= LEAST_SCORE ? 0 : 1;

function filesOf(path) {
  if (path.endsWith('.ts')) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name));
  return files.map(({ parentPath, name }) => `${parentPath}/${name}`).filter((file) => !file.includes('/generated/'));
}

/** 'src/x.ts:12:0-12:999' for each line that is neither empty nor a comment nor an import. */
function codeLinesOf(file) {
  const isCode = (line) => !/^\s*(\/\*|\*|\/\/|import |export (type )?\{|export \*|[})\];,]*$)/.test(line);
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => (isCode(line) ? [`${file}:${index + 1}:0-${index + 1}:999`] : []));
}

/** `count` members, by a shuffle whose numbers come from mulberry32. */
function drawn(all, count, seed) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const left = all.sort();
  const picked = Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(Math.floor(random() * left.length), 1).at(0),
  );
  return picked.sort();
}
