/** Long texts made to keep a parser busy: each takes time that grows with its length, also where it is refused. */
import { PbfWriter } from 'pbf';
import { expect, test } from 'vitest';
import { openHdf5 } from '../../src/formats/hdf5/hdf5.js';
import { readNetwork } from '../../src/formats/index.js';
import { parseJson } from '../../src/formats/json.js';
import { encodeModel } from '../../src/formats/onnx/encode.js';
import { onnx } from '../../src/formats/readers/onnx.js';
import { tflite } from '../../src/formats/readers/tflite.js';
import { readNpy } from '../../src/formats/tensors/npy.js';
import { readSafetensors } from '../../src/formats/tensors/safetensors.js';
import { tfjsShards } from '../../src/formats/tfjs.js';
import { fromJson, type Network } from '../../src/network/index.js';
import { matchNames } from '../../src/oracle/names.js';
import { parseLabels } from '../../src/tasks/labels.js';
import { tensor } from '../../src/tensor.js';
import { h5File } from './h5.js';
import { buildTflite } from './tflite-builder.js';

const LENGTH = 400_000;
/** What quadratic time cannot do: 400,000² / 2 steps take 80 s and more. Linear time takes milliseconds. */
const MOST_CPU_MS = 3000;

/** Runs that end badly, in which regular expressions that can match in several ways try all of them. */
const texts: Readonly<Record<string, string>> = {
  tabs: `1${'\t'.repeat(LENGTH)}a\u2028b`,
  'blanks and colons': `1${' :'.repeat(LENGTH / 2)}\u2028`,
  digits: `${'1'.repeat(LENGTH)}\u2028`,
  NULs: `${'\0'.repeat(LENGTH)}x`,
  'line ends': `${'\r'.repeat(LENGTH)}x`,
  slashes: `${'/'.repeat(LENGTH)}\u2028`,
  folders: 'a/'.repeat(LENGTH / 2),
  dots: `${'.'.repeat(LENGTH)}\u2028`,
  'suffixes of names': `${':0'.repeat(LENGTH / 2)}x`,
  semicolons: 'conv;'.repeat(LENGTH / 5),
  quotes: `{"${'\\"'.repeat(LENGTH / 2)}`,
  backslashes: `"${'\\'.repeat(LENGTH)}`,
  brackets: '['.repeat(LENGTH),
  braces: '{"a":'.repeat(LENGTH / 5),
  'one key often': `{${'"a":1,'.repeat(LENGTH / 6)}"b":2}`,
  'a tuple': `{'shape': (${'1 '.repeat(LENGTH / 2)}`,
  'blanks within a header': `{'descr'${' '.repeat(LENGTH)}x`,
};

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function npy(header: string): Uint8Array {
  const text = ascii(header);
  const bytes = new Uint8Array(12 + text.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 3, 0]);
  new DataView(bytes.buffer).setUint32(8, text.length, true);
  bytes.set(text, 12);
  return bytes;
}

function safetensors(header: string): Uint8Array {
  const text = ascii(header);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const named = (name: string): string => JSON.stringify({ [name]: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });

const onnxFile = (name: string): Uint8Array =>
  encodeModel(
    {
      name,
      opset: 13,
      inputs: new Map([[name, [1, 2, 2, 2]]]),
      outputs: new Map([[`${name}y`, [1]]]),
      constants: new Map(),
      nodes: [{ op: 'Relu', inputs: [name], output: `${name}y`, attributes: {} }],
      metadata: new Map(),
    },
    PbfWriter,
  );

const tfliteFile = (name: string): Uint8Array =>
  buildTflite({
    tensors: { [name]: { shape: [1, 2] }, [`${name}y`]: { shape: [1, 2] } },
    operators: [{ code: 'RELU', inputs: [name], outputs: [`${name}y`] }],
    inputs: [name],
    outputs: [`${name}y`],
  });

const network = { name: 'n', inputs: [{ name: 'x', shape: [1, 2] }], nodes: [], outputs: ['x'] } as unknown as Network;

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  labels: (text) => parseLabels(text),
  'labels of several lines': (text) => parseLabels(`0 cat\n${text}\n${text}`),
  JSON: (text) => parseJson(text, 'text'),
  'the keys of JSON': (text) => parseJson(JSON.stringify({ [text]: text }), 'text'),
  'a network description': (text) => fromJson({ format: text, version: 1, name: text, inputs: [{ name: text }] }),
  'a TensorFlow.js manifest': (text) =>
    tfjsShards(ascii(JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths: [text], weights: [] }] }))),
  'a TensorFlow.js model': (text) =>
    readNetwork(ascii(JSON.stringify({ modelTopology: { node: [{ name: text, op: text }] } })), {
      fileName: 'model.json',
    }),
  'a safetensors header': (text) => readSafetensors(safetensors(text)),
  'names of a safetensors header': (text) => readNetwork(safetensors(named(text)), { fileName: 'x.safetensors' }),
  'an npy header': (text) => readNpy(npy(text)),
  'names of .onnx': (text) => onnx.read(onnxFile(text), {}),
  'names of .tflite': (text) => tflite.read(tfliteFile(text), {}),
  'text attributes of HDF5': async (text) => {
    const file = await h5File((root) => {
      root.create_attribute('a', text.slice(-60_000), [], 'S60000');
    });
    return openHdf5(file).text('a');
  },
  'names of a backend': (text) => matchNames(network, new Map([[text, tensor([1, 2], [1, 2])]])),
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

test.each(Object.entries(parsers))('%s takes long texts in linear time', async (_, parse) => {
  for (const [what, text] of Object.entries(texts)) {
    const begin = cpuMs();
    try {
      await parse(text);
    } catch (error) {
      expect((error as Error).name, `${what}: ${error}`.slice(0, 500)).toMatch(/^(Format|Network|Usage|Shape)Error$/);
    }
    expect(cpuMs() - begin, what).toBeLessThan(MOST_CPU_MS);
  }
});

test('labels with an index are the same in every spelling', () => {
  const spellings = ['0:cat', '0 : cat', '0,cat', '0\tcat', '0 \t cat', '0  cat', '0\t:\tcat'];
  for (const spelling of spellings) expect(parseLabels(spelling), spelling).toEqual(['cat']);
  expect(parseLabels('0 :: cat')).toEqual([': cat']);
  expect(parseLabels('0, 1,2')).toEqual(['0', '1', '2']);
  expect(parseLabels('0, tench, Tinca tinca')).toEqual(['tench, Tinca tinca']);
  expect(parseLabels('0:')).toEqual(['0:']);
});

test('a TensorFlow.js manifest may list a file once, however its path is written', async () => {
  const manifest = (...groups: string[][]) =>
    ascii(JSON.stringify({ modelTopology: {}, weightsManifest: groups.map((paths) => ({ paths, weights: [] })) }));
  expect(await tfjsShards(manifest(['a.bin', 'b/a.bin'], ['b.bin']))).toEqual(['a.bin', 'b/a.bin', 'b.bin']);
  for (const groups of [[['a.bin', 'a.bin']], [['a.bin'], ['a.bin']], [['a.bin'], ['.//a.bin']]]) {
    await expect(tfjsShards(manifest(...groups), 'model.json')).rejects.toThrow(
      "model.json: weightsManifest: lists the weights file 'a.bin' more than once",
    );
  }
});

test('a header of more tensors than any file has is refused', () => {
  const entries = Array.from({ length: 100_001 }, (_, i) => `"t${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`);
  expect(() => readSafetensors(safetensors(`{${entries.join()}}`), 'x')).toThrow(
    'x: the header has an object of more than 100000 entries',
  );
  expect(readSafetensors(safetensors(`{${entries.slice(1).join()}}`)).tensors.size).toBe(100_000);
});
