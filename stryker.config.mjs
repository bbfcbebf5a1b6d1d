/**
 * Mutation testing of the layers, the padding, the models and the cost code: npm run mutation [-- --mutate src/padding.ts]
 * A script of its own, not part of CI: it takes a while.
 */
export default {
  mutate: [
    'src/padding.ts',
    'src/layers/**/*.ts',
    'src/models/**/*.ts',
    'src/network/summary.ts',
    'src/network/receptiveField.ts',
  ],
  // Rewriting tsconfig.json wants a compiler interface that TypeScript 7 does not have, and nothing here needs it: no such file.
  tsconfigFile: 'none.json',
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // A mutant without an end is stopped soon: the tests that meet it take seconds.
  timeoutMS: 10_000,
  ignorePatterns: ['assembly', 'assets', 'bench', 'build', 'dist', 'docs', 'reports'],
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false },
  thresholds: { high: 95, low: 90, break: 85 },
};
