/**
 * A copy of the project in which one file at a time is exchanged, and vitest, which stays alive between: what it has compiled it keeps. A run ends
 * at its first failure. A test that never ends is ended with its process.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { vitestConfig } from './stryker.mjs';

const LEFT_OUT = ['node_modules', '.git', 'build', 'dist', 'docs', 'reports', '.stryker-tmp', 'bench', 'python'];
/** A run may take so many times what it takes without a mutant, and a minute more. */
const PATIENCE = 5;

export class Sandbox {
  /** Test files, and what each took without a mutant, in ms. */
  durations = new Map();
  #folder;
  #config;
  #child;
  #importers = new Map();

  /** `tests` are patterns. Throws where one fails without a mutant: it would kill every one. */
  static async of(name, tests) {
    const sandbox = new Sandbox();
    mkdirSync('build', { recursive: true });
    sandbox.#folder = mkdtempSync(resolve('build', `mutants-${name}-`));
    for (const entry of readdirSync('.')) {
      if (!LEFT_OUT.includes(entry)) cpSync(entry, join(sandbox.#folder, entry), { recursive: true });
    }
    for (const entry of ['node_modules', 'python', 'docs']) symlinkSync(resolve(entry), join(sandbox.#folder, entry));
    sandbox.#config = join(sandbox.#folder, 'mutants.vitest.config.mjs');
    writeFileSync(sandbox.#config, `export default ${JSON.stringify(vitestConfig(tests))};\n`);
    const { failed, durations } = await sandbox.#ask({ all: true }, Infinity);
    if (failed) throw new Error(`fails without a mutant: ${failed}`);
    sandbox.durations = new Map(durations);
    return sandbox;
  }

  path(file) {
    return join(this.#folder, file);
  }

  /** What fails when the file has this text: the name of a test, or 'no end'; undefined where nothing does. */
  async failure(file, text) {
    const path = this.path(file);
    const given = readFileSync(path, 'utf8');
    try {
      writeFileSync(path, text);
      const tests = await this.#testsOf(file);
      const expected = tests.reduce((sum, test) => sum + this.durations.get(test), 0);
      const { failed } = await this.#ask({ changed: path, tests }, PATIENCE * expected + 60_000);
      return failed;
    } finally {
      writeFileSync(path, given);
      this.#child?.send({ changed: path });
    }
  }

  /** Those that import the file, the quickest first; all, where none is known to. */
  async #testsOf(file) {
    if (!this.#importers.has(file)) {
      const { importers } = await this.#ask({ importersOf: this.path(file) }, 60_000);
      this.#importers.set(file, importers.length > 0 ? importers : [...this.durations.keys()]);
    }
    return this.#importers.get(file).toSorted((a, b) => this.durations.get(a) - this.durations.get(b));
  }

  async #ask(question, limit) {
    this.#child ??= fork(resolve('mutation/vitest.mjs'), [this.#config], {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const child = this.#child;
    const timer = limit < Infinity ? setTimeout(() => child.kill('SIGKILL'), limit) : undefined;
    child.send({ ...question, asked: true });
    const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [])]);
    clearTimeout(timer);
    if (answer !== undefined) return answer;
    this.#child = undefined;
    return { failed: 'no end' };
  }

  close() {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true });
  }
}
