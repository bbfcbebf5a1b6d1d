/**
 * The packed package, installed in an empty folder, names the cat on the bundled picture in every runtime that there is:
 * `npm run test:runtimes`, or some of them, `npm run test:runtimes -- deno workerd`. npm carries the binaries of Node, Deno, Bun and workerd; Firefox
 * is FIREFOX, or Debian's.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const MODEL = 'assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors';
const PICTURE = 'assets/pictures/chelsea.jpg';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
/** Integers are the same everywhere; workerd computes the real numbers that they stand for. */
const tolerance = (runtime) => (runtime === 'workerd' ? 0.01 : 0);
const PATIENCE = 60_000; // ms

const root = resolve('.');
const binaries = resolve('build/runtimes');
const folder = mkdtempSync(join(tmpdir(), 'depthwise-runtimes-'));

const runtimes = {
  ...Object.fromEntries(['20', '22', '24', '26'].map((version) => [`node${version}`, () => inNode(version)])),
  deno: () => program(binary('deno', 'deno'), ['run', '--allow-all', 'program.mjs']),
  bun: () => program(binary('bun', 'bun'), ['program.mjs']),
  workerd: inWorkerd,
  firefox: inFirefox,
};
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(runtimes);
const unknown = wanted.find((name) => !(name in runtimes));
if (unknown !== undefined)
  throw new Error(`no runtime '${unknown}'; wanted some of ${Object.keys(runtimes).join(', ')}`);

let failed = 0;
try {
  installPackage();
  const expected = answerOf(program(process.execPath, ['program.mjs']));
  for (const name of wanted) {
    try {
      const found = answerOf(await runtimes[name]());
      const right =
        found.label === expected.label && Math.abs(found.probability - expected.probability) <= tolerance(name);
      const text = `${found.label} ${(100 * found.probability).toFixed(2)} %, ${found.target}`;
      if (!right) throw new Error(`${text}; wanted ${expected.label} ${(100 * expected.probability).toFixed(2)} %`);
      console.log(`${name}: ${text}`);
    } catch (error) {
      failed++;
      console.log(`${name}: FAILED: ${error.message}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${wanted.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** The tarball as a user installs it, and the programs beside it. */
function installPackage() {
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', packed.trim().split('\n').at(-1)], {
    cwd: folder,
    stdio: 'inherit',
  });
  const files = './node_modules/depthwise/';
  writeFileSync(
    join(folder, 'program.mjs'),
    `import { load } from 'depthwise';
     const model = await load('${files}${MODEL}');
     const [best] = await model.classify('${files}${PICTURE}');
     console.log(JSON.stringify({ ...best, target: model.report().target }));`,
  );
}

function program(command, args) {
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8', timeout: PATIENCE });
}

/** Warnings may stand before the answer. */
function answerOf(printed) {
  return JSON.parse(printed.trim().split('\n').at(-1));
}

function inNode(version) {
  return program(binary(`node-${process.platform}-${process.arch}`, 'node', version), ['program.mjs']);
}

/** Path of a program that npm carries, installed below build/ once. */
function binary(name, command, version = 'latest') {
  const prefix = join(binaries, `${name}-${version}`);
  const path = join(prefix, 'node_modules', name.startsWith('node-') ? `${name}/bin` : '.bin', command);
  if (existsSync(path)) return path;
  mkdirSync(prefix, { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', prefix];
  execFileSync('npm', ['install', ...quiet, `${name}@${version}`], { stdio: 'inherit' });
  return path;
}

/** Where no picture can be decoded it comes as bytes. */
async function decodedPicture() {
  const { readPicture } = await import('depthwise/image');
  return readPicture(join(root, PICTURE));
}

/** workerd forbids to compile bytes: the kernels, which are those of real numbers, are a module of the worker's configuration. */
async function inWorkerd() {
  const { width, height, channels, data } = await decodedPicture();
  writeFileSync(
    join(folder, 'worker.mjs'),
    `import { load } from 'depthwise/load';
     import { quantizedSafetensors } from 'depthwise/formats/quantized';
     import simd from './simd.wasm';
     import bytes from './model.bin';
     import pixels from './pixels.bin';
     export default {
       async fetch() {
         const model = await load(bytes, { readers: [quantizedSafetensors], asRealNumbers: true, module: { simd } });
         const picture = { width: ${width}, height: ${height}, channels: ${channels}, data: new Uint8Array(pixels) };
         const [best] = await model.classify(picture);
         return Response.json({ ...best, target: model.report().target });
       },
     };`,
  );
  await build({
    entryPoints: [join(folder, 'worker.mjs')],
    outfile: join(folder, 'workerd/worker.js'),
    bundle: true,
    format: 'esm',
    external: ['./*.wasm', './*.bin'],
    conditions: ['workerd'],
    logLevel: 'error',
  });
  const files = {
    'simd.wasm': 'node_modules/depthwise/dist/engine/simd.wasm',
    'model.bin': `node_modules/depthwise/${MODEL}`,
  };
  for (const [name, path] of Object.entries(files))
    writeFileSync(join(folder, 'workerd', name), readFileSync(join(folder, path)));
  writeFileSync(join(folder, 'workerd/pixels.bin'), data);
  writeFileSync(
    join(folder, 'workerd/config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (
       services = [(name = "main", worker = (
         modules = [
           (name = "worker.js", esModule = embed "worker.js"),
           (name = "simd.wasm", wasm = embed "simd.wasm"),
           (name = "model.bin", data = embed "model.bin"),
           (name = "pixels.bin", data = embed "pixels.bin"),
         ],
         compatibilityDate = "2025-01-01",
       ))],
       sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
     );`,
  );
  const workerd = spawn(binary('workerd', 'workerd'), [
    'serve',
    '--control-fd=1',
    join(folder, 'workerd/config.capnp'),
  ]);
  let complaints = '';
  workerd.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  try {
    const port = await new Promise((listening, reject) => {
      workerd.stdout.on('data', (chunk) => {
        const found = /"port":(\d+)/.exec(chunk);
        if (found) listening(found[1]);
      });
      workerd.on('exit', () => reject(new Error(complaints)));
    });
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}\n${complaints}`);
    return await response.text();
  } finally {
    workerd.kill();
  }
}

/** The page sends its answer back to the server that it came from. */
async function inFirefox() {
  if (!existsSync(FIREFOX)) throw new Error(`there is no ${FIREFOX}; FIREFOX may name another`);
  writeFileSync(
    join(folder, 'page.mjs'),
    `import { load } from 'depthwise';
     const answer = async () => {
       const model = await load('/model.safetensors');
       const picture = document.querySelector('img');
       await picture.decode();
       const [best] = await model.classify(picture);
       return JSON.stringify({ ...best, target: model.report().target });
     };
     await fetch('/answer', { method: 'POST', body: await answer().catch((error) => String(error)) });`,
  );
  await build({
    entryPoints: [join(folder, 'page.mjs')],
    outdir: join(folder, 'page'),
    bundle: true,
    splitting: true,
    format: 'esm',
    logLevel: 'error',
  });
  let firefox;
  const profile = mkdtempSync(join(folder, 'profile-'));
  const server = createServer();
  try {
    const answer = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE).unref();
      server.on('request', (request, response) => {
        if (request.method === 'POST') {
          let body = '';
          request.on('data', (chunk) => {
            body += chunk;
          });
          request.on('end', () => {
            response.end();
            if (body.startsWith('{')) resolve(body);
            else reject(new Error(body));
          });
          return;
        }
        const file = pageFile(request.url);
        if (file) response.setHeader('Content-Type', file.type).end(file.content);
        else response.writeHead(404).end();
      });
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    const address = `http://127.0.0.1:${server.address().port}/`;
    firefox = spawn(FIREFOX, ['--headless', '--no-remote', '--profile', profile, address], { stdio: 'ignore' });
    return await answer;
  } finally {
    if (firefox) await new Promise((ended) => firefox.on('exit', ended).kill());
    server.close();
    server.closeAllConnections();
  }
}

/** undefined for what there is not, such as the icon that browsers ask for. */
function pageFile(url) {
  const html = '<!doctype html><img src="/picture.jpg"><script type="module" src="/page.js"></script>';
  if (url === '/') return { type: 'text/html', content: html };
  if (url === '/picture.jpg') return { type: 'image/jpeg', content: readFileSync(join(root, PICTURE)) };
  if (url === '/model.safetensors')
    return { type: 'application/octet-stream', content: readFileSync(join(root, MODEL)) };
  const script = /^\/([\w-]+\.js)$/.exec(url)?.[1];
  return script && { type: 'text/javascript', content: readFileSync(join(folder, 'page', script)) };
}
