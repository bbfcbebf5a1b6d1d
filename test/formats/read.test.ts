import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FormatError, UsageError } from '../../src/errors.js';
import { readFile, readNetworkFile, readTensorFile } from '../../src/formats/files.js';
import { readNetwork, readTensors, writeNetwork } from '../../src/formats/index.js';
import { writeNpy } from '../../src/formats/tensors/npy.js';
import { writeNpz } from '../../src/formats/tensors/npz.js';
import { writeSafetensors } from '../../src/formats/tensors/safetensors.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { expectSameNetwork } from './same.js';

const text = (content: string) => new TextEncoder().encode(content);
const network = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, classes: 2 }), 1);

describe('what no reader takes is named', () => {
  const html = 'is HTML, not a model: the server answered with a page, perhaps an error page; check the address';
  const other = (bytes: number, hex: string) =>
    `not a model or tensor file: wanted .h5, .keras, .tflite, .onnx, .safetensors, .npz, .npy, .pth or model.json, found ${bytes} bytes that begin with ${hex}`;
  test.each<[string, Uint8Array, string]>([
    ['nothing', Uint8Array.of(), 'the file is empty'],
    ['HTML', text('<!DOCTYPE html>\n<html>'), html],
    ['HTML after white space and a byte order mark', text('\ufeff\n  <html lang="en">'), html],
    ['an XML error of a bucket', text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), html],
    [
      'a Git LFS pointer',
      text('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'),
      'is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`',
    ],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), 'is compressed by gzip; decompress it first'],
    [
      'JSON',
      text('{"format": "layers-model"}'),
      'is JSON text, but no TensorFlow.js model, which has modelTopology and weightsManifest; wanted a model file',
    ],
    ['PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0), other(10, '89 50 4e 47 0d 0a 1a 0a')],
    ['one byte', Uint8Array.of(7), other(1, '07')],
  ])('%s', async (_, bytes, message) => {
    await expect(readNetwork(bytes, { fileName: 'x' })).rejects.toThrow(new FormatError(`x: ${message}`));
    await expect(readTensors(bytes, 'x')).rejects.toThrow(new FormatError(`x: ${message}`));
  });

  test('no name', async () => {
    await expect(readNetwork(Uint8Array.of())).rejects.toThrow(new FormatError('model file: the file is empty'));
    await expect(readTensors(Uint8Array.of())).rejects.toThrow(new FormatError('tensor file: the file is empty'));
  });

  test('a path instead of the bytes', async () => {
    await expect(readNetwork('model.h5' as never)).rejects.toThrow(
      new UsageError(
        "a file's content must be a Uint8Array or an ArrayBuffer, found the text 'model.h5'; load takes addresses, responses and blobs as they are",
      ),
    );
  });

  test('tensors where a network should be, and the other way round', async () => {
    await expect(readNetwork(writeNpy(tensor([1], [1])), { fileName: 'x' })).rejects.toThrow(
      new FormatError('x: a .npy file holds a single array, not a network'),
    );
    await expect(readTensors(text('....TFL3'), 'x')).rejects.toThrow(
      new FormatError('x: a .tflite file is a network; read it with readNetwork'),
    );
    await expect(readNetwork(text('{"modelTopology":{},"weightsManifest":[]}'), { fileName: 'x' })).rejects.toThrow(
      new FormatError(
        'x: is the model.json of a TensorFlow.js model, whose weights are in other files; use load with its address or path, or readNetwork with a .zip of them all',
      ),
    );
    await expect(readTensors(text('{"modelTopology":{},"weightsManifest":[]}'), 'x')).rejects.toThrow(
      new FormatError('x: a TensorFlow.js model is a network; read it with readNetwork'),
    );
    await expect(writeNetwork(network, 'h5' as never)).rejects.toThrow(
      new UsageError("networks are written as safetensors or npz or tflite or onnx, not as 'h5'"),
    );
  });
});

describe('the content decides, not the name', () => {
  const x = tensor([2], [1, 2]);
  test('readTensors', async () => {
    expect(await readTensors(writeNpy(x), 'x.npz')).toEqual(new Map([['array', x]]));
    expect(await readTensors(await writeNpz(new Map([['a', x]])), 'x.npy')).toEqual(new Map([['a', x]]));
    expect(await readTensors(writeSafetensors(new Map([['a', x]])), 'x.h5')).toEqual(new Map([['a', x]]));
  });

  test('readNetwork, from an ArrayBuffer as fetch gives it', async () => {
    const { buffer } = Uint8Array.from(await writeNetwork(network, 'npz'));
    expectSameNetwork(await readNetwork(buffer, { fileName: 'x.safetensors' }), network);
  });

  test('.tflite is handed to its reader', async () => {
    await expect(readNetwork(text('....TFL3'), { fileName: 'x' })).rejects.toThrow(FormatError);
  });
});

describe('files on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'depthwise-files-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = (name: string) => join(folder, name);

  test('networks and tensors', async () => {
    writeFileSync(path('net.safetensors'), await writeNetwork(network, 'safetensors'));
    expectSameNetwork(await readNetworkFile(path('net.safetensors')), network);
    writeFileSync(path('x.npy'), writeNpy(tensor([1], [5])));
    expect(await readTensorFile(path('x.npy'))).toEqual(new Map([['array', tensor([1], [5])]]));
  });

  test('errors name the path', async () => {
    await expect(readFile(path('none.h5'))).rejects.toThrow(
      new FormatError(`${path('none.h5')}: there is no such file or folder`),
    );
    await expect(readFile(folder)).rejects.toThrow(new FormatError(`${folder}: is a folder, not a file`));
    writeFileSync(path('empty.h5'), '');
    await expect(readNetworkFile(path('empty.h5'))).rejects.toThrow(
      new FormatError(`${path('empty.h5')}: the file is empty`),
    );
  });
});

test('an architecture that is no network', async () => {
  await expect(readNetwork(new Uint8Array(8), { architecture: 'mobilenet_v2' as never })).rejects.toThrow(
    new UsageError("architecture: wanted a network, such as mobilenetV1() makes, found the text 'mobilenet_v2'"),
  );
});
