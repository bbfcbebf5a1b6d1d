import { defineConfig } from 'vitest/config';

/** Tests of the built package: the command line as a child process, the exports, the examples of the documentation. */
const built = ['test/cli/**/*.test.ts', 'test/project/**/*.test.ts', 'test/browser/built/*.test.ts'];

const setupFiles = 'test/seed.ts';

/** Whatever the machine's locale and its terminal are: UTF-8, and no colours. */
const plainTerminal = { LC_ALL: 'C.UTF-8', FORCE_COLOR: '0' };

export default defineConfig({
  test: {
    // One for each core. Unasked, vitest leaves a core free, which is half of the machine where there are two.
    maxWorkers: '100%',
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'reports/vitest.json' }]] : ['default'],
    projects: [
      { test: { name: 'source', include: ['test/**/*.test.ts'], exclude: built, testTimeout: 60_000, setupFiles } },
      {
        test: {
          name: 'built',
          include: built,
          testTimeout: 120_000,
          setupFiles,
          globalSetup: 'test/build.ts',
          env: plainTerminal,
        },
      },
    ],
  },
});
