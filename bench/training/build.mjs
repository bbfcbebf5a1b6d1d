/** TensorFlow.js registers its gradients in a module for bundlers only; here it becomes one that Node can import. */
import { build } from 'esbuild';

await build({
  stdin: {
    contents: `import '@tensorflow/tfjs-core/dist/register_all_gradients.js';`,
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  format: 'esm',
  outfile: `${import.meta.dirname}/build/gradients.mjs`,
  logLevel: 'warning',
});

/** Single training steps, which no entry of the package offers. */
await build({
  stdin: {
    contents: `
      export { createOptimizer } from './loop/optimizers.js';
      export { createProgram } from './programs.js';
      export { withoutSoftmax } from './step/losses.js';
      export { packParameters, parameterLayout } from './step/parameters.js';`,
    resolveDir: `${import.meta.dirname}/../../src/training`,
    loader: 'ts',
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: `${import.meta.dirname}/build/training-steps.mjs`,
  logLevel: 'warning',
});
