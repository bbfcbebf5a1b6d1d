/** A TypeScript entry and all that it imports, as one classic script. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: fileURLToPath(new URL(entry, import.meta.url)), formats: ['iife'], name: 'depthwise' },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  for (const { output } of outputs as { output: { type: string; code?: string }[] }[]) {
    if (output.length === 1 && output[0].code !== undefined) return output[0].code;
  }
  throw new Error(`${entry} did not become one script`);
}
