/** Golden bundles as files. */
import { readFileSync } from 'node:fs';
import { type Golden, writeGolden } from '../oracle/index.js';
import { writeWhole } from './output.js';

export type BundleFormat = 'safetensors' | 'npz';

export interface Written {
  readonly out: string;
  readonly network: string;
  readonly layers: number;
  readonly bytes: number;
}

/** 'depthwise 0.1.0'. */
export function generator(): string {
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return `${name} ${version}`;
}

export async function writeBundle(
  golden: Golden,
  out: string,
  format: BundleFormat,
  weights: boolean,
): Promise<Written> {
  const bytes = await writeGolden(golden, { format, weights, generator: generator() });
  await writeWhole(out, bytes);
  return { out, network: golden.network.name, layers: golden.outputs.size, bytes: bytes.length };
}
