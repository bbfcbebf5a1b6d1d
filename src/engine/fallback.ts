/** The fall to the TypeScript layers is told: whoever does not expect it takes the library for a slow one. */
import type { Link } from './targets.js';

let told = false;

/** Says once in a page or process why no kernels could be used, and what helps. */
export function warnOfFallback({ chain }: { readonly chain: readonly Link[] }): void {
  if (told) return;
  told = true;
  const reasons = chain
    .slice(0, -1)
    .map(({ target, reason }) => `\n  ${target}: ${reason}`)
    .join('');
  console.warn(
    `depthwise: no WASM kernels work here, TypeScript computes, many times slower.${reasons}${remedy(reasons)}`,
  );
}

function remedy(reasons: string): string {
  if (/content.security|\bCSP\b|unsafe-eval/i.test(reasons)) {
    return "\nAdd 'wasm-unsafe-eval' to script-src in the Content-Security-Policy.";
  }
  return /embedder/.test(reasons)
    ? '\nThis host compiles no bytes: give the `module` option a module of depthwise/engine/simd.wasm.'
    : '';
}
