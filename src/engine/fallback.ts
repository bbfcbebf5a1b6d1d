/** The fall to JavaScript is told: whoever does not expect it takes the library for a slow one. */
import { type Link, reasonsOf, type Target } from './targets.js';

export const isFallback = (target: Target): boolean => target === 'javascript' || target === 'reference';

let told = false;

/** Says once in a page or process why no kernels could be used, and what helps. */
export function warnOfFallback({ chain }: { readonly chain: readonly Link[] }): void {
  if (told) return;
  told = true;
  const reasons = reasonsOf(chain.slice(0, -1));
  console.warn(
    `depthwise: no WASM kernels work here, JavaScript computes, many times slower.${reasons}${remedy(reasons)}`,
  );
}

function remedy(reasons: string): string {
  if (/csp|security p/i.test(reasons)) return "\nThe Content-Security-Policy must allow 'wasm-unsafe-eval'.";
  return /embedder/.test(reasons)
    ? '\nThe `module` option takes kernels that are compiled: depthwise/engine/simd.wasm.'
    : '';
}
