/** The built package as its users meet it: every export loads; pages find files on CDNs. What is packed: packed.test.ts. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { describe, expect, test } from 'vitest';
import { importsOf, root } from './imports.js';

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Without those that are no modules: a module's target says its types too, and Node 20 imports no WebAssembly. */
const entries = Object.keys(packageJson.exports).filter(
  (entry) => typeof packageJson.exports[entry] !== 'string' && !entry.endsWith('.wasm'),
);
const specifiers = entries.map((entry) => entry.replace(/^\./, packageJson.name));

test('publint finds nothing to complain about', async () => {
  const { messages, pkg } = await publint({ pkgDir: root, level: 'warning', strict: true });
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
});

describe('exports', () => {
  test.each(specifiers)('%s loads in Node and exports something', (specifier) => {
    const script = `console.log(Object.keys(await import('${specifier}')).length)`;
    const count = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(Number(count)).toBeGreaterThan(0);
  });
});

test.each(['simd', 'scalar'])('depthwise/engine/%s.wasm holds the kernels that compile takes', (target) => {
  const script = `
    import { readFile } from 'node:fs/promises';
    import { compile } from 'depthwise/engine';
    import { mobilenetV1 } from 'depthwise/models';
    import { randomWeights } from 'depthwise/network';
    const file = await readFile(new URL(import.meta.resolve('depthwise/engine/${target}.wasm')));
    const network = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32 }), 1);
    const plan = await compile(network, { module: new WebAssembly.Module(file) });
    console.log(plan.report().target);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
  expect(output).toBe(`${target}\n`);
});

describe('the files for CDNs', () => {
  const cdn = join(root, 'dist', 'cdn');

  test('unpkg and jsDelivr serve the classic script', () => {
    for (const field of ['unpkg', 'jsdelivr']) {
      expect(join(root, packageJson[field])).toBe(join(cdn, 'depthwise.global.js'));
    }
  });

  test('the script sets one global, with the names of the module', async () => {
    const context = createContext({ TextDecoder, TextEncoder, console });
    runInContext(readFileSync(join(cdn, 'depthwise.global.js'), 'utf8'), context);
    const { depthwise } = context as { depthwise: object };
    expect(Object.keys(context).filter((name) => !/^(Text(De|En)coder|console)$/.test(name))).toEqual(['depthwise']);
    const names = Object.keys(await import(join(cdn, 'depthwise.js')));
    expect(names).toEqual(expect.arrayContaining(Object.keys(depthwise)));
    expect(Object.keys(depthwise)).toEqual(expect.arrayContaining(['load', 'webcam', 'fromElement', 'compile']));
  });

  test('nothing is imported that is not beside them', () => {
    for (const file of readdirSync(cdn).filter((name) => name.endsWith('.js'))) {
      const imports = importsOf(file, readFileSync(join(cdn, file), 'utf8'));
      if (file === 'depthwise.global.js') expect(imports).toEqual([]);
      for (const { to, isPackage } of imports) {
        expect(!isPackage && existsSync(join(cdn, to.replace(/\.ts$/, '.js'))), `${file} imports ${to}`).toBe(true);
      }
    }
  });

  test('the licences of the packages inside are beside them', () => {
    const licences = readFileSync(join(cdn, 'LICENSES.txt'), 'utf8');
    const [banner] = readFileSync(join(cdn, 'depthwise.js'), 'utf8').split('\n');
    const packages = /contains (.*): their licences/.exec(banner)?.[1].split(', ') ?? [];
    expect(packages.map((name) => name.split(' ')[0])).toEqual(expect.arrayContaining(['fflate', 'jsfive', 'pako']));
    for (const name of packages) expect(licences).toContain(`${name}\n\n`);
    expect(licences).toMatch(/Permission is hereby granted/);
  });
});
