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
