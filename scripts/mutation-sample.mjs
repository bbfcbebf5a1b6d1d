/**
 * A random sample of mutants of one part, and the share that its tests kill:
 *
 *   npm run mutation:sample -- formats [--lines 150] [--seed 1]
 *
 * Lines of code are drawn, each as likely as any other, and Stryker makes every mutant that fits into one of them; 150 lines are about 200
 * mutants. The same seed draws the same lines of the same source. `assembly` has a mutator of its own, one mutant a line. Mutants of constants
 * of modules take a run of all tests each; `--without-static` leaves them out. Exit code 1 below 95 %.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { assemblyMutants } from '../mutation/assembly.mjs';
import { codeLinesOf, drawn, filesOf } from '../mutation/lines.mjs';
import { strykerConfig, vitestConfig } from '../mutation/stryker.mjs';

/** Source folders, and the tests that are held to notice. */
const parts = {
  layers: [
    ['src/padding.ts', 'src/layers'],
    ['test/padding.test.ts', 'test/layers/**/*.test.ts', 'test/network/run-quantized.test.ts'],
  ],
  models: [
    ['src/models'],
    [
      ...['models', 'detection', 'segmentation', 'formats/pytorch'].map((room) => `test/${room}/**/*.test.ts`),
      'test/formats/state-dict.test.ts',
    ],
  ],
  network: [['src/network'], ['test/network/**/*.test.ts', 'test/layers/**/*.test.ts']],
  engine: [['src/engine'], ['test/engine/**/*.test.ts']],
  formats: [['src/formats'], ['test/formats/**/*.test.ts']],
  image: [['src/image'], ['test/image/**/*.test.ts']],
  oracle: [['src/oracle'], ['test/oracle/**/*.test.ts']],
  training: [['src/training'], ['test/training/**/*.test.ts']],
  detection: [['src/detection'], ['test/detection/**/*.test.ts', 'test/evaluation/**/*.test.ts']],
  segmentation: [['src/segmentation'], ['test/segmentation/**/*.test.ts']],
  evaluation: [['src/evaluation'], ['test/evaluation/**/*.test.ts']],
  quantization: [['src/quantization'], ['test/quantization/**/*.test.ts']],
  tasks: [['src/tasks'], ['test/tasks/**/*.test.ts']],
  load: [['src/load'], ['test/load/**/!(browser|memory).test.ts']],
};
const LEAST_SCORE = 95;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lines: { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
    'without-static': { type: 'boolean' },
  },
});
const [part] = positionals;
const [lineCount, seed] = [Number(values.lines), Number(values.seed)];
if (part === 'assembly') {
  const { killed, survived } = await assemblyMutants(lineCount, seed);
  finish(killed.length, survived.length, lineCount);
  process.exit();
}
if (!Object.hasOwn(parts, part ?? ''))
  throw new Error(`wanted one of assembly, ${Object.keys(parts).join(', ')}, found ${part}`);
const [sources, tests] = parts[part];

const lines = drawn(sources.flatMap(filesOf).flatMap(codeLinesOf), lineCount, seed);
mkdirSync('build', { recursive: true });
const configFile = `build/${part}.vitest.config.mjs`;
writeFileSync(configFile, `export default ${JSON.stringify(vitestConfig(tests))};\n`);

const stryker = new Stryker({
  ...strykerConfig(part, lines),
  vitest: { configFile },
  ignorePatterns: ['assets', 'bench', 'dist', 'docs', 'reports'],
  disableTypeChecks: false,
  ignoreStatic: values['without-static'] ?? false,
  thresholds: { high: 95, low: 90, break: null },
  reporters: ['progress-append-only', 'html', 'json'],
});
const results = await stryker.runMutationTest();
const of = (...states) => results.filter(({ status }) => states.includes(status));
const [killed, missed] = [of('Killed', 'Timeout'), of('Survived', 'NoCoverage')];
for (const { fileName, location, mutatorName, replacement, status } of missed) {
  console.log(`${status}: ${fileName}:${location.start.line}: ${mutatorName}: ${replacement.split('\n')[0]}`);
}
finish(killed.length, missed.length, lines.length);

function finish(killed, missed, lines) {
  const score = (100 * killed) / (killed + missed);
  console.log(
    `${part}, seed ${seed}: ${killed} of ${killed + missed} mutants in ${lines} lines killed, ${score.toFixed(1)} %`,
  );
  process.exitCode = score >= LEAST_SCORE ? 0 : 1;
}
