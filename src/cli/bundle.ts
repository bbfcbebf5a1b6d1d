/** Golden bundles as files, and the same problem in other runtimes' formats beside them. */
import { readFileSync } from 'node:fs';
import { DepthwiseError } from '../errors.js';
import { writeNetwork } from '../formats/index.js';
import { cHeader } from '../oracle/c-header.js';
import { type Golden, writeGolden } from '../oracle/golden.js';
import type { QuantizedGolden } from '../oracle/index.js';
import { stemOf } from './compare-files.js';
import { writeWhole } from './output.js';

export type BundleFormat = 'safetensors' | 'npz';

/** What may lie beside a bundle: the network for other runtimes, or everything as a C header. */
export const besides = ['onnx', 'tflite', 'c'] as const;
export type Beside = (typeof besides)[number];

export interface Written {
  readonly out: string;
  readonly network: string;
  readonly layers: number;
  readonly bytes: number;
  /** Files beside the bundle. */
  readonly with?: readonly string[];
  /** What could not be written in a format, and why. */
  readonly without?: readonly string[];
}

export interface BundleOptions {
  readonly weights: boolean;
  readonly beside?: readonly Beside[];
}

/** 'depthwise 0.1.0'. */
export function generator(): string {
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return `${name} ${version}`;
}

export async function writeBundle(
  golden: Golden | QuantizedGolden,
  out: string,
  format: BundleFormat,
  { weights, beside }: BundleOptions,
): Promise<Written> {
  const bytes = await writeGolden(golden, { format, weights, generator: generator() });
  await writeWhole(out, bytes);
  const written = { out, network: golden.network.name, layers: golden.outputs.size, bytes: bytes.length };
  return beside && 'precision' in golden ? { ...written, ...(await writeBeside(golden, out, beside)) } : written;
}

const endings: Readonly<Record<Beside, string>> = { onnx: '.onnx', tflite: '.tflite', c: '.h' };

const besideOf = (out: string, format: Beside): string => out.replace(/\.(safetensors|npz)$/, '') + endings[format];

/** The bundle's file and those beside it. */
export const filesOf = (out: string, beside: readonly Beside[]): string[] => [
  out,
  ...beside.map((format) => besideOf(out, format)),
];

/** A network that a format has no operator for is left out, which the caller tells. */
async function writeBeside(
  golden: Golden,
  out: string,
  beside: readonly Beside[],
): Promise<Pick<Written, 'with' | 'without'>> {
  const files: string[] = [];
  const without: string[] = [];
  for (const format of beside) {
    const path = besideOf(out, format);
    try {
      await writeWhole(path, await contentOf(golden, out, format));
      files.push(path);
    } catch (error) {
      if (!(error instanceof DepthwiseError)) throw error;
      without.push(`${path}: ${error.message}`);
    }
  }
  return { with: files, without };
}

async function contentOf(golden: Golden, out: string, format: Beside): Promise<Uint8Array | string> {
  return format === 'c' ? cHeader(golden, stemOf(out), generator()) : writeNetwork(golden.network, format);
}
