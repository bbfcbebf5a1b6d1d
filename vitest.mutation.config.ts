import { defineConfig } from 'vitest/config';

/** The tests of the files that are mutated; they need neither a build nor data. */
export default defineConfig({
  test: {
    include: [
      'test/padding.test.ts',
      'test/layers/**/*.test.ts',
      'test/models/**/*.test.ts',
      'test/network/{summary,receptiveField}.test.ts',
    ],
    testTimeout: 60_000,
  },
});
