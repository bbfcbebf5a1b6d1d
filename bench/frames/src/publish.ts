/** Where this package lies, and what the report says of the machine. */
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';

/** The package's folder; the bundles lie in build/. */
export const ROOT = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');
export const REPOSITORY = join(ROOT, '../..');

export const loadNow = (): number => loadavg()[0];

export const describeMachine = (): string => `${cpus()[0].model.trim()}, ${cpus().length} cores`;
