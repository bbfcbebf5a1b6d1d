/** Running the command line: in this process where that is enough, or as users do. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { commandLine } from '../../src/cli/program.js';
import { writeNetwork } from '../../src/formats/index.js';
import { type MobilenetV1Options, mobilenetV1 } from '../../src/models/index.js';
import { type Network, randomWeights } from '../../src/network/index.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const main = join(root, 'dist', 'cli', 'main.js');
export const cat = join(root, 'assets', 'pictures', 'chelsea.jpg');
export const rocket = join(root, 'assets', 'pictures', 'rocket.jpg');

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process. */
export async function depthwise(...args: string[]): Promise<Outcome> {
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  try {
    return { exitCode: await commandLine(args), stdout: stdout.text(), stderr: withoutProgress(stderr.text()) };
  } finally {
    stdout.restore();
    stderr.restore();
  }
}

/** Keeps what is written to a stream away from it. */
export function capture(stream: NodeJS.WriteStream): { text: () => string; restore: () => void } {
  const written: string[] = [];
  const write = vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  return { text: () => written.join(''), restore: () => write.mockRestore() };
}

/** Runs a command in this process and reads the JSON that it prints. */
export async function depthwiseJson(...args: string[]) {
  const { exitCode, stdout, stderr } = await depthwise(...args, '--json');
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Runs the built package's command as a process of its own. */
export function built(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', input: '' });
  return { exitCode: status, stdout, stderr: withoutProgress(stderr) };
}

/** The lines of a job that takes longer than a second, as any may on a busy machine. */
export const withoutProgress = (stderr: string): string => stderr.replaceAll(/^[a-z]+: \d+ % .*\n/gm, '');

/** A folder that goes away with the test file, and what lies in it. */
export function temporaryFolder(): { path: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'depthwise-cli-'));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A network that runs in milliseconds: V1 with 8 to 256 channels on 32 × 32 pixels, seeded random weights. */
export function smallNetwork(options: MobilenetV1Options = {}): Network {
  return randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 7, ...options }), 5);
}

export async function writeModel(path: string, network: Network): Promise<string> {
  writeFileSync(path, await writeNetwork(network, path.endsWith('.npz') ? 'npz' : 'safetensors'));
  return path;
}
