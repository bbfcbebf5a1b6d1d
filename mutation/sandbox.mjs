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
  /** By source file: the tests that import it. */
  #importers;

  /** `tests` are patterns. A file of which a test fails without a mutant is left out: it would kill every one. */
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
    const { durations, failing, importers } = await sandbox.#ask({ all: true }, Infinity);
    for (const test of failing) console.log(`left out, since it fails without a mutant: ${test}`);
    sandbox.#importers = importers;
    sandbox.durations = new Map(durations.filter(([test]) => !failing.includes(test)));
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
      const tests = this.#testsOf(file);
      const expected = tests.reduce((sum, test) => sum + this.durations.get(test), 0);
      const { failed } = await this.#ask({ changed: path, tests }, PATIENCE * expected + 60_000);
      return failed;
    } finally {
      writeFileSync(path, given);
      this.#child?.send({ changed: path });
    }
  }

  /** Those that import the file, the quickest first; all, where none is known to. */
  #testsOf(file) {
    const importers = this.#importers[this.path(file)] ?? [];
    const known = importers.filter((test) => this.durations.has(test));
    const tests = known.length > 0 ? known : [...this.durations.keys()];
    return tests.toSorted((a, b) => this.durations.get(a) - this.durations.get(b));
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
