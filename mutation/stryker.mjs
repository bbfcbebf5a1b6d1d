/**
 * Mutation testing: npm run mutation. A script of its own, not part of CI, since it takes a while. It runs in two parts, because the
 * tests of the models run whole networks, which takes minutes through layers that are instrumented.
 */
export const strykerConfig = (name, mutate) => ({
  mutate,
  testRunner: 'vitest',
  vitest: { configFile: `mutation/${name}.vitest.mjs` },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  dryRunTimeoutMinutes: 60,
  // Added to the time that a mutant's tests take without it: what takes longer has lost its end.
  timeoutMS: 5_000,
  // Rewriting tsconfig.json wants a compiler interface that TypeScript 7 does not have, and nothing here needs it: no such file.
  tsconfigFile: 'none.json',
  ignorePatterns: ['assembly', 'assets', 'bench', 'build', 'dist', 'docs', 'reports'],
  reporters: ['clear-text', 'progress', 'html', 'json'],
  htmlReporter: { fileName: `reports/mutation/${name}.html` },
  jsonReporter: { fileName: `reports/mutation/${name}.json` },
  clearTextReporter: { allowColor: false, reportTests: false },
  thresholds: { high: 95, low: 90, break: 85 },
});

/** Only the tests of the mutated files; they need neither a build nor data, nor another runtime, which takes long to start. */
export const vitestConfig = (include) => ({
  test: { include, exclude: ['**/tfjs.test.ts'], setupFiles: 'mutation/setup.mjs', testTimeout: 60_000 },
});
