/** Kernels that the caller has compiled, from the files `depthwise/engine/*.wasm`: for hosts that compile no bytes. */
import { UsageError } from '../errors.js';
import { tagOf } from '../found.js';
import type { WasmModule, WasmTarget } from '../wasm/web-assembly.js';
import { FINGERPRINT } from './generated/wasm.js';

/** A `WebAssembly.Module` of one of the files, or several by their targets. */
export type KernelModules = WasmModule | { readonly [Target in WasmTarget]?: WasmModule };

/** Each module by the target that it says it is for. Throws a UsageError for what is no module of this version's kernels. */
export function modulesByTarget(given: KernelModules): Map<string, WasmModule> {
  const modules = tagOf(given) === 'Object' ? Object.values(given) : [given];
  return new Map(modules.map((module) => [targetOf(module), module]));
}

function targetOf(module: WasmModule): string {
  const isModule = tagOf(module) === 'WebAssembly.Module';
  const section = isModule ? WebAssembly.Module.customSections(module, 'depthwise')[0] : undefined;
  const [target, fingerprint] = String.fromCharCode(...new Uint8Array(section ?? new ArrayBuffer(0))).split(' ');
  if (fingerprint === FINGERPRINT) return target;
  const what = fingerprint ? 'kernels of another version' : isModule ? 'a module without our kernels' : tagOf(module);
  throw new UsageError(
    `module: wanted a WebAssembly.Module of depthwise/engine/*.wasm or { relaxed, simd, scalar } of them, found ${what}`,
  );
}
