/** Small models in all the forms that `load` takes, and a server of files. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync } from 'node:zlib';
import { writeNetwork, writeTfjs } from '../../src/formats/index.js';
import type { Picture } from '../../src/image/picture.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, preprocessingPreset, randomWeights } from '../../src/network/index.js';
import type { QuantizedNetwork } from '../../src/network/quantized-network.js';
import { calibrate, quantizeNetwork } from '../../src/quantization/index.js';
import { uniformRandom } from '../../src/random.js';
import { inputTensor } from '../../src/tasks/execute.js';
import type { Tensor } from '../../src/tensor.js';

export const labels = ['ant', 'bee', 'cat'];

/** MobileNet V1 of width 0.1 for pictures of 32 × 32, with three classes; it ends in softmax. */
export function smallNetwork(seed = 1): Network {
  const network = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, classes: 3 }), seed);
  const preprocessing = preprocessingPreset('keras', [32, 32]);
  return { ...network, conventions: { ...network.conventions, labels, preprocessing } };
}

export const smallFile = (network = smallNetwork()): Promise<Uint8Array<ArrayBuffer>> =>
  writeNetwork(network, 'safetensors') as Promise<Uint8Array<ArrayBuffer>>;

export const tfjsFiles = (network = smallNetwork()): Promise<Map<string, Uint8Array>> => writeTfjs(network);

/** A picture of noise. */
export function noise(seed: number, width = 40, height = 48): Picture {
  const random = uniformRandom(seed);
  return {
    width,
    height,
    channels: 3,
    data: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(256 * random())),
  };
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export interface FileServer {
  /** 'http://localhost:PORT/' */
  readonly address: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  readonly close: () => void;
}

/** Serves answers by path; they may be changed later. Everything else is 404. */
export async function serveFiles(files: Map<string, Answer | Uint8Array>): Promise<FileServer> {
  const asked: string[] = [];
  const server = createServer(({ url = '/' }, response) => {
    const path = new URL(url, 'http://localhost').pathname.slice(1);
    asked.push(path);
    const found = files.get(path) ?? { status: 404, headers: { 'content-type': 'text/plain' }, body: 'no such file' };
    const { status = 200, headers = {}, body } = found instanceof Uint8Array ? { body: found } : found;
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://localhost:${port}/`,
    asked,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The network, and how often its weights were read: whoever compiles it reads them. */
export function watched(network: Network): { network: Network; reads: () => number } {
  let count = 0;
  const weights = new (class extends Map<string, Tensor> {
    override get(name: string) {
      count++;
      return super.get(name);
    }
    override [Symbol.iterator]() {
      count++;
      return super[Symbol.iterator]();
    }
  })(network.weights);
  return { network: { ...network, weights }, reads: () => count };
}

/** The picture as a PNG file: each row unfiltered, then deflated (https://www.w3.org/TR/png-3/). */
export function pngOf({ width, height, channels, data }: Picture): Uint8Array<ArrayBuffer> {
  const rows = Buffer.alloc(height * (1 + width * channels));
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(y * width * channels, (y + 1) * width * channels), y * (1 + width * channels) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 4 ? 6 : 2], 8);
  const chunk = (type: string, content: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), content]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(content.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return Uint8Array.from(Buffer.concat([signature, ...chunks]));
}

/** ISO 3309, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** `smallNetwork` in 8-bit integers, of a picture's bytes. */
export async function smallQuantized(): Promise<QuantizedNetwork> {
  const network = smallNetwork();
  const pictures = [1, 2, 3].map((seed) => inputTensor(network, noise(seed)));
  return quantizeNetwork(await calibrate(network, pictures), { input: 'uint8' });
}

/** Shown a picture, it answers with the picture: the class of a pixel is its strongest colour. */
export function coloursSegmenter(): Network {
  const net = new NetworkBuilder();
  const input = net.input('input', [1, 8, 8, 3]);
  return net.build('colours', [net.add('scores', 'relu', input, {})], {
    source: 'other',
    output: 'features',
    preprocessing: { ...preprocessingPreset('slim', [8, 8]), crop: { kind: 'stretch' } },
    labels: ['red', 'green', 'blue'],
  });
}
