/** Lets runtimes that were made for pages load in Node: their loader scripts run as CommonJS modules, which they support. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { compileFunction } from 'node:vm';

/** The globals exist only while `load` runs, since libraries tell Node and pages apart by them. */
export async function asPage<T>(load: () => Promise<T>): Promise<T> {
  const restore = stubGlobals({
    self: globalThis,
    location: { origin: '', href: '' },
    importScripts: runAsCommonJs,
    fetch: fetchFile,
    navigator: { hardwareConcurrency: 1, gpu: { requestAdapter: async () => NO_GPU } },
    Module: { print: () => {}, printErr },
    SharedArrayBuffer: undefined, // without it no runtime chooses its build with threads
  });
  try {
    return await load();
  } finally {
    restore();
  }
}

/** An adapter without a device: LiteRT.js then uses the processor, and does not warn about it. */
const NO_GPU = { limits: {}, features: new Set(), requestDevice: async () => null };

/** What a runtime reports of itself is left out; its errors are shown. */
function printErr(line: string): void {
  if (!/^(INFO|WARNING):/.test(line)) console.error(line);
}

async function fetchFile(path: string): Promise<Response> {
  return new Response(new Uint8Array(await readFile(path)), { headers: { 'Content-Type': 'application/wasm' } });
}

/** Where each loader's factory is looked for. */
const FACTORIES = [
  [/^litert/, 'ModuleFactory'],
  [/^tflite_web_api/, 'tflite_web_api_ModuleFactory'],
] as const;

function runAsCommonJs(path: string): void {
  const factory = FACTORIES.find(([name]) => name.test(basename(path)))?.[1];
  if (factory === undefined) throw new Error(`${path} is no known loader`);
  const module = { exports: undefined as unknown };
  const parameters = ['module', 'exports', 'require', '__filename', '__dirname'];
  const script = compileFunction(readFileSync(path, 'utf8'), parameters, { filename: path });
  script(module, {}, createRequire(path), path, dirname(path));
  (globalThis as Record<string, unknown>)[factory] = module.exports;
}

function stubGlobals(stubs: Record<string, unknown>): () => void {
  const before = Object.keys(stubs).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  for (const [name, value] of Object.entries(stubs)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete (globalThis as Record<string, unknown>)[name];
    }
  };
}
