/** Programs of one script, where `import()` is not possible: each brings its reader, and no other's packages. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { zipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { type Reader, writeNetwork } from '../../src/formats/index.js';
import { keras } from '../../src/formats/readers/keras.js';
import { npz } from '../../src/formats/readers/npz.js';
import { onnx } from '../../src/formats/readers/onnx.js';
import { quantizedNpz, quantizedSafetensors } from '../../src/formats/readers/quantized.js';
import { safetensors } from '../../src/formats/readers/safetensors.js';
import { tfjs } from '../../src/formats/readers/tfjs.js';
import { tflite } from '../../src/formats/readers/tflite.js';
import { zip } from '../../src/formats/zip.js';
import { integerEngine } from '../../src/load/integers.js';
import type { Load } from '../../src/load/load.js';
import { load as anyLoad } from '../../src/load/node.js';
import { load } from '../../src/load/static.js';
import { load as loadSafetensors } from '../../src/safetensors.js';
import { inputTensor } from '../../src/tasks/execute.js';
import { probabilities } from '../../src/tasks/index.js';
import type { Tensor } from '../../src/tensor.js';
import { dataPath, noData } from '../data.js';
import { noise, smallNetwork, smallQuantized, tfjsFiles } from './models.js';

const network = smallNetwork();
const { preprocessing } = network.conventions;
const fileOf = (format: 'safetensors' | 'npz' | 'tflite' | 'onnx') => writeNetwork(network, format);
let input: Tensor;
let wanted: Tensor;
beforeAll(async () => {
  input = inputTensor(network, noise(1));
  wanted = await probabilities(network, noise(1));
});

function expectWanted(found: Tensor): void {
  expect(found.shape).toEqual(wanted.shape);
  found.data.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted.data[i], 5);
  });
}

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('a bundle of one file', () => {
  test.each([
    ['safetensors', []],
    ['npz', ['fflate']],
    ['tflite', ['fflate', 'flatbuffers']],
    ['onnx', ['pbf']],
    ['tfjs', []],
    ['keras', ['jsfive']],
  ])('with the reader of %s: it reads, has no import(), and the packages %j', async (name, packages) => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: `
          export { load } from './src/load/static.ts';
          export { ${name} as reader } from './src/formats/readers/${name}.ts';`,
        resolveDir: root,
      },
      absWorkingDir: root,
      bundle: true,
      format: 'iife',
      globalName: 'program',
      platform: 'browser',
      target: 'es2022',
      write: false,
      metafile: true,
      logLevel: 'error',
    });
    expect(outputFiles).toHaveLength(1);
    const script = outputFiles[0].text;
    expect(script).not.toMatch(/\bimport\s*\(|import\.meta/);
    const used = Object.keys(metafile.inputs).flatMap((file) => /node_modules\/(.*?)\//.exec(file)?.[1] ?? []);
    expect([...new Set(used)].sort()).toEqual(packages);
    expect(Object.keys(metafile.inputs).filter((file) => /formats\/readers/.test(file))).toEqual([
      `src/formats/readers/${name}.ts`,
    ]);

    const program = new Function(`${script}\nreturn program;`)() as { load: Load; reader: Reader };
    const options = { readers: [program.reader], preprocessing: preprocessing! };
    if (name === 'tfjs') {
      const files = await tfjsFiles(network);
      const fetch = async (address: string) => {
        const content = files.get(address.replace('https://a.example/', '')) as Uint8Array<ArrayBuffer> | undefined;
        return new Response(content ?? null, { status: content ? 200 : 404 });
      };
      expectWanted(
        await (await program.load('https://a.example/model.json', { ...options, fetch })).probabilities(input),
      );
    } else if (name !== 'keras') {
      const bytes = await fileOf(name as Parameters<typeof fileOf>[0]);
      expectWanted(await (await program.load(bytes, options)).probabilities(input));
    } else if (!noData) {
      const bytes = await readFile(dataPath('models', 'mobilenet_v1_0.25_224.h5'));
      const cat = new URL('../../assets/pictures/chelsea.jpg', import.meta.url);
      const { readPicture } = await import('../../src/image/index.js');
      const model = await program.load(bytes, { readers: [program.reader] });
      const [best] = await model.classify(await readPicture(await readFile(cat)));
      expect(best.index).toBe(285); // Egyptian cat
    }
  });
});

describe('a reader that is missing is named, with its door', () => {
  const missing = (what: string, name: string, door: string) =>
    new UsageError(
      `model file: is ${what}, whose reader was not given: import { ${name} } from 'depthwise/${door}', and load(…, { readers: [${name}] })`,
    );

  test.each<[string, () => Promise<Uint8Array>, UsageError]>([
    ['tflite', () => fileOf('tflite'), missing('a TensorFlow Lite file', 'tflite', 'formats/tflite')],
    ['onnx', () => fileOf('onnx'), missing('an ONNX file', 'onnx', 'formats/onnx')],
    ['npz', () => fileOf('npz'), missing('a .npz file', 'npz', 'formats/npz')],
    [
      'zip',
      async () => zipSync({ 'metadata.json': Uint8Array.of(123, 125) }),
      missing('a .keras file', 'kerasZip', 'formats/keras-zip'),
    ],
    ['safetensors', () => fileOf('safetensors'), missing('a .safetensors file', 'safetensors', 'safetensors')],
    [
      'hdf5',
      async () => Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0),
      missing('a Keras HDF5 file', 'keras', 'formats/keras'),
    ],
    [
      'tfjs',
      async () => (await tfjsFiles(network)).get('model.json')!,
      missing('a TensorFlow.js model', 'tfjs', 'formats/tfjs'),
    ],
  ])('%s', async (format, bytes, error) => {
    const file = await bytes();
    await expect(load(file)).rejects.toThrow(error);
    const others = [tflite, onnx, npz, keras, tfjs, safetensors].filter(
      (reader) => reader.format !== (format === 'npz' ? 'zip' : format),
    );
    await expect(load(file, { readers: others })).rejects.toThrow(error);
    await expect(anyLoad(file, { readers: others })).rejects.toThrow(error);
    if (format !== 'safetensors') await expect(loadSafetensors(file)).rejects.toThrow(error);
  });

  test('what is no network', async () => {
    const { writeTensors } = await import('../../src/formats/index.js');
    await expect(load(await writeTensors(new Map([['x', input]]), 'npy'))).rejects.toThrow(
      new FormatError('model file: a .npy file holds a single array, not a network'),
    );
    await expect(load(Uint8Array.of(1, 2))).rejects.toThrow(/^model file: not a model or tensor file/);
    const archive = zip(new Map([['model.json', Uint8Array.of(0x7b, 0x7d)]]));
    await expect(load(archive, { readers: [npz] })).rejects.toThrow(/TensorFlow\.js model in a zip archive/);
  });
});

describe('quantised networks', () => {
  const readers = { tflite, safetensors: quantizedSafetensors, npz: quantizedNpz };

  test.each(['tflite', 'safetensors', 'npz'] as const)(
    '%s: with their kernels, the bits of the page',
    async (format) => {
      const file = await writeNetwork(await smallQuantized(), format);
      for (const rounding of ['single', 'double'] as const) {
        const page = await anyLoad(file, { rounding });
        const model = await load(file, { readers: [readers[format]], rounding, integers: integerEngine });
        expect(await model.trace(noise(7))).toEqual(await page.trace(noise(7)));
        expect(await model.logits([noise(8), noise(9)])).toEqual(await page.logits([noise(8), noise(9)]));
        expect(model.report()).toEqual(page.report());
        expect(model.report()).toMatchObject({ rounding, weights: 'kept' });
      }
      const [exact, real] = [await anyLoad(file), await anyLoad(file, { asRealNumbers: true })];
      expect(await exact.logits(noise(8))).not.toEqual(await real.logits(noise(8)));
    },
  );

  test('without their kernels, an error says where they are', async () => {
    const file = await writeNetwork(await smallQuantized(), 'safetensors');
    const given = { readers: [quantizedSafetensors] };
    for (const door of [load, loadSafetensors]) {
      await expect(door(file, given)).rejects.toThrow(
        new UsageError(
          `load: mobilenet_v1_0.1_32 has integers, whose kernels were not given: import { integerEngine } from 'depthwise/engine/integers', and load(…, { integers: integerEngine }); or asRealNumbers: true`,
        ),
      );
      const [real, page] = [
        await door(file, { ...given, asRealNumbers: true }),
        await anyLoad(file, { asRealNumbers: true }),
      ];
      expect(await real.logits(noise(8))).toEqual(await page.logits(noise(8)));
      expect(real.report().rounding).toBeUndefined();
    }
  });

  test.each([
    ['safetensors', safetensors, 'quantizedSafetensors'],
    ['npz', npz, 'quantizedNpz'],
  ] as const)('%s: the reader of real numbers names the other one', async (format, reader, other) => {
    await expect(load(await writeNetwork(await smallQuantized(), format), { readers: [reader] })).rejects.toThrow(
      new FormatError(
        `model file: holds a quantised network, whose reader was not given: import { ${other} } from 'depthwise/formats/quantized', and load(…, { readers: [${other}] })`,
      ),
    );
    expectWanted(
      await (
        await load(await fileOf(format), { readers: [{ quantizedSafetensors, quantizedNpz }[other]] })
      ).probabilities(input),
    );
  });

  test('`integers` has no effect with real numbers', async () => {
    expectWanted(await (await load(network, { integers: integerEngine })).probabilities(input));
  });
});

test('depthwise/safetensors: its reader is there, and others may be given', async () => {
  expectWanted(await (await loadSafetensors(await fileOf('safetensors'))).probabilities(input));
  expectWanted(await (await loadSafetensors(await fileOf('tflite'), { readers: [tflite] })).probabilities(input));
  await expect(
    load(await writeNetwork({ ...network, name: 'x' }, 'safetensors'), { readers: [tflite] }),
  ).rejects.toThrow('safetensors');
});

test('a network is its own reader; the first bytes decide, whatever the order of readers', async () => {
  expectWanted(await (await load(network)).probabilities(input));
  for (const readers of [
    [tflite, onnx],
    [onnx, tflite],
  ]) {
    expectWanted(await (await load(await fileOf('onnx'), { readers })).probabilities(input));
  }
});

test('weights alone: the static reader wants their architecture', async () => {
  const { writeTensors } = await import('../../src/formats/index.js');
  const file = await writeTensors(network.weights, 'safetensors');
  await expect(loadSafetensors(file)).rejects.toThrow(
    new UsageError(
      'model file: holds weights without a network; give its architecture, or convert the file: depthwise convert',
    ),
  );
  expectWanted(
    await (await loadSafetensors(file, { architecture: { ...network, weights: new Map() } })).probabilities(input),
  );
});

test('without import() a network that was read is not changed, and the error says where it is', async () => {
  const file = await fileOf('onnx');
  const [height, width] = network.inputs[0].shape.slice(1);
  const readers = [onnx];
  (await load(file, { readers, resolution: [height, width], outputs: network.outputs })).dispose();
  // Two readers end at an earlier layer by themselves.
  (await load(file, { readers, outputs: ['conv_pw_3_relu'] })).dispose();
  (await load(await fileOf('tflite'), { readers: [tflite], outputs: ['conv_pw_3_relu'] })).dispose();
  await expect(load(await fileOf('npz'), { readers: [npz], outputs: ['conv_pw_3_relu'] })).rejects.toThrow(
    new UsageError(
      "load: outputs: only load of 'depthwise' changes a network that was read; or give it a network, made by upTo of 'depthwise/network'",
    ),
  );
  await expect(load(network, { resolution: [height + 8, width] })).rejects.toThrow(
    new UsageError(
      "load: resolution: only load of 'depthwise' changes a network that was read; or give it a network, made by atResolution of 'depthwise/network'",
    ),
  );
});
