/** Builds the package and packs it, once, before the tests that run it. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pack } from './project/packed.js';

export function setup(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  try {
    execFileSync('npm', ['run', '--silent', 'build'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the package does not build:\n${stdout}${stderr}`);
  }
  pack();
}
