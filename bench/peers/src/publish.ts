/** Where a report goes, and what it says of the machine. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { markdown, type Report } from './report.js';

/** The package's folder; the bundles lie in build/. */
export const ROOT = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');

export const loadNow = (): number => loadavg()[0];

export const describeMachine = (): string => `${cpus()[0].model.trim()}, ${cpus().length} cores`;

/** Prints the tables and writes the JSON to `out`, or into reports/ under a name made of the runtime and the SIMD level. */
export async function publish(report: Report, out?: string): Promise<void> {
  const name = `${report.runtime
    .split(' (')[0]
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')}-${report.simd}.json`;
  const path = out ?? join(ROOT, 'reports', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${markdown(report)}\n\nJSON: ${path}`);
}
