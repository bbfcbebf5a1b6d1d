/**
 * A second witness beside LiteRT.js: every tensor of quantised files as tfjs-tflite computes it in Chromium, number by number. Each layer is computed
 * from the runtime's own inputs, as `depthwise verify FILE PICTURE --with litert` does it. tfjs-tflite runs in pages alone.
 *
 *   DEPTHWISE_DATA=… npm start [-- FILE …]
 */
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { importQuantizedTflite } from '../../../src/formats/tflite/read.js';
import { readPicture } from '../../../src/image/index.js';
import { preprocess } from '../../../src/image/preprocess.js';
import { type Rounding, roundings } from '../../../src/layers/int8/index.js';
import type { QuantizedNetwork } from '../../../src/network/index.js';
import { typedInputs } from '../../../src/network/run-quantized.js';
import {
  checkIntegers,
  type IntegerReport,
  type TheirNumbers,
  XNNPACK,
} from '../../../src/oracle/integers/peer-numbers.js';
import { withOutputs } from '../../../src/oracle/peers/litert.js';

const data = process.env.DEPTHWISE_DATA;
if (data === undefined) throw new Error('DEPTHWISE_DATA must name the folder with models and pictures');
const root = import.meta.dirname;
const wasm = join(root, '..', 'node_modules/@tensorflow/tfjs-tflite/wasm');
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** What the page is asked to run, and what it has answered: the bytes of each output, one after the other. */
let model: Uint8Array = new Uint8Array();
let input: Uint8Array = new Uint8Array();
let answer: Uint8Array = new Uint8Array();

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  try {
    if (path === '/')
      response
        .setHeader('Content-Type', 'text/html')
        .end('<!doctype html><script src="/tflite/tflite_web_api_client.js"></script>');
    else if (path === '/model') response.end(model);
    else if (path === '/input') response.end(input);
    else if (path === '/answer') {
      answer = await bodyOf(request);
      response.end();
    } else
      response
        .setHeader('Content-Type', TYPES[extname(path)] ?? 'text/plain')
        .end(await readFile(join(wasm, basename(path))));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part);
  return new Uint8Array(Buffer.concat(parts)); // whose slices are copies
}

/** Of one output. */
interface Shown {
  readonly type: string;
  readonly count: number;
}

/** The part of the runtime that is used here. */
interface Runner {
  getInputs(): { data(): { set(numbers: ArrayLike<number>): void } }[];
  getOutputs(): { data(): Int8Array | Uint8Array | Int32Array | Float32Array }[];
  infer(): boolean;
  cleanUp(): void;
}

async function infer(page: Page, signed: boolean): Promise<Shown[]> {
  return page.evaluate(async (signed) => {
    const { tfweb } = globalThis as unknown as {
      tfweb: {
        tflite_web_api: { setWasmPath(path: string): void };
        TFLiteWebModelRunner: { create(model: ArrayBuffer, options: object): Promise<Runner> };
      };
    };
    tfweb.tflite_web_api.setWasmPath('/tflite/');
    const [file, numbers] = await Promise.all(
      ['/model', '/input'].map(async (path) => (await fetch(path)).arrayBuffer()),
    );
    const runner = await tfweb.TFLiteWebModelRunner.create(file, { numThreads: 1 });
    runner
      .getInputs()[0]
      .data()
      .set(signed ? new Int8Array(numbers) : new Uint8Array(numbers));
    if (!runner.infer()) throw new Error('the runtime does not run this file');
    // A view of the runtime's memory, which the next one may move. Indices of 64 bits are no array here.
    const outputs = runner.getOutputs().map((output) => {
      const all = output.data();
      const isArray = ArrayBuffer.isView(all);
      const bytes = isArray ? new Uint8Array(all.buffer, all.byteOffset, all.byteLength).slice() : new Uint8Array();
      return { type: all.constructor.name, count: all.length, bytes };
    });
    await fetch('/answer', { method: 'POST', body: new Blob(outputs.map(({ bytes }) => bytes)) });
    const shown = outputs.map(({ type, count }) => ({ type, count }));
    runner.cleanUp();
    return shown;
  }, signed);
}

const ARRAYS = {
  Int8Array,
  Uint8Array,
  Int32Array,
  Float32Array,
} as const;

async function witness(page: Page, path: string): Promise<string[]> {
  const file = await readFile(path);
  const { network, tensors } = await importQuantizedTflite(file, basename(path));
  const isInput = new Set(network.inputs.map(({ name }) => name));
  const first = new Map(
    tensors
      .filter(({ node }) => !isInput.has(node))
      .reverse()
      .map((tensor) => [tensor.node, tensor]),
  );
  const picture = await pictureFor(network);
  const given = typedInputs(network, picture).values().next().value as { data: Int8Array | Uint8Array };
  model = withOutputs(
    file,
    [...first.values()].map(({ index }) => index),
  );
  input = new Uint8Array(given.data.buffer, given.data.byteOffset, given.data.length);
  const shown = await infer(page, given.data instanceof Int8Array);
  let at = 0;
  const theirs = new Map<string, TheirNumbers>();
  [...first.keys()].forEach((node, i) => {
    const Numbers = ARRAYS[shown[i].type as keyof typeof ARRAYS];
    if (Numbers === undefined) return;
    const bytes = shown[i].count * Numbers.BYTES_PER_ELEMENT;
    theirs.set(node, new Numbers(answer.slice(at, at + bytes).buffer as ArrayBuffer));
    at += bytes;
  });
  const of = (rounding: Rounding) => checkIntegers(network, picture, theirs, rounding, XNNPACK);
  const reports = new Map(roundings.map((rounding) => [rounding, of(rounding)]));
  return [
    `\`${basename(path)}\``,
    reports.get('single')!.compared.toLocaleString('en'),
    ...roundings.map((rounding) => text(reports.get(rounding)!)),
  ];
}

async function pictureFor(network: QuantizedNetwork) {
  const { preprocessing } = network.conventions;
  if (preprocessing === undefined) throw new Error(`${network.name} does not say how pictures are prepared`);
  const [{ name }] = network.inputs;
  return new Map([[name, preprocess(await readPicture(join(data!, 'images/chelsea.png')), preprocessing)]]);
}

/** By the kind of what computes them. */
function text({ layers, different }: IntegerReport): string {
  if (different === 0) return '0';
  const byKind = new Map<string, number>();
  for (const { kind, different } of layers) byKind.set(kind, (byKind.get(kind) ?? 0) + different);
  const parts = [...byKind]
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`);
  return `${parts.join(', ')}; by ${layers.reduce((most, { largest }) => Math.max(most, largest), 0)} at most`;
}

const folder = join(data, 'models');
const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : (await readdir(folder))
        .filter((file) => /(quant|int8|ptq)\.tflite$/.test(file))
        .map((file) => join(folder, file));
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
try {
  console.log('| file | numbers | differ, single rounding | double rounding |\n|---|---|---|---|');
  for (const file of files) {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const row = await witness(page, file).catch((error: Error) => [
      `\`${basename(file)}\``,
      error.message.split('\n')[0],
      '',
      '',
    ]);
    console.log(`| ${row.join(' | ')} |`);
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
}
