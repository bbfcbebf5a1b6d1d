/**
 * A copy of the project in which one file at a time is exchanged, and vitest, which stays alive between: what it has compiled it keeps. The first
 * failure is enough.
 */
import { fork } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { testsOf } from './imports.mjs';
import { vitestConfig } from './stryker.mjs';

const LINKED = ['node_modules', 'docs', 'bench'];
const LEFT_OUT = [...LINKED, '.git', 'build', 'dist', 'reports', '.stryker-tmp'];

export class Sandbox {
  #folder;
  #config;
  #child;
  /** What the child says is for this. */
  #answer;
  /** By test file: whether it passes without a mutant. Asked where one fails with a mutant. */
  #passing = new Map();
  /** By test file: how many mutants it has killed. */
  #kills = new Map();

  /** `tests` are patterns. */
  constructor(name, tests) {
    mkdirSync('build', { recursive: true });
    this.#folder = mkdtempSync(resolve('build', `mutants-${name}-`));
    for (const entry of readdirSync('.')) {
      if (!LEFT_OUT.includes(entry)) cpSync(entry, join(this.#folder, entry), { recursive: true });
    }
    for (const entry of LINKED) symlinkSync(resolve(entry), join(this.#folder, entry));
    this.#config = join(this.#folder, 'mutants.vitest.config.mjs');
    writeFileSync(this.#config, `export default ${JSON.stringify(vitestConfig(tests))};\n`);
  }

  path(file) {
    return join(this.#folder, file);
  }

  /** What fails when the file has this text: the name of a test, or that one has no end; undefined where nothing does. */
  async failure(file, text, tests = testsOf(file)) {
    for (const test of tests) {
      const failed = await this.#exchanged(file, text, () => this.#failureOf(test));
      if (failed && (await this.#passes(test))) {
        this.#kills.set(test, this.#killsOf(test) + 1);
        return failed;
      }
    }
    return undefined;
  }

  #killsOf(test) {
    return this.#kills.get(test) ?? 0;
  }

  /**
   * By the ids of mutants, the tests that reach them, those that kill most for their time first. `probes` are the files' texts of `mutantsOf`. A test that fails with
   * them, since it reads the sources, may notice everything.
   */
  async reached(probes) {
    // The project itself may have changed since it was copied.
    const given = [...probes.keys()].map((file) => [this.path(file), readFileSync(this.path(file), 'utf8')]);
    for (const [file, text] of probes) writeFileSync(this.path(file), text);
    const noted = this.path('reached.json');
    const runs = [];
    for (const test of new Set([...probes.keys()].flatMap(testsOf))) {
      rmSync(noted, { force: true });
      const { failed, seconds } = await this.#run(test);
      const ids = existsSync(noted) ? JSON.parse(readFileSync(noted, 'utf8')) : [];
      runs.push({ test, seconds, reaches: failed ? () => true : (id) => ids.includes(id) });
    }
    for (const [path, text] of given) {
      writeFileSync(path, text);
      this.#child?.send({ changed: path });
    }
    const worth = ({ test, seconds }) => (1 + this.#killsOf(test)) / (1 + seconds);
    return (id) => {
      const reaching = runs.filter(({ reaches }) => reaches(id)).sort((a, b) => worth(b) - worth(a));
      return reaching.map(({ test }) => test);
    };
  }

  async #passes(test) {
    if (!this.#passing.has(test)) {
      const failed = await this.#failureOf(test);
      if (failed) console.log(`left out, since it fails without a mutant: ${failed}`);
      this.#passing.set(test, !failed);
    }
    return this.#passing.get(test);
  }

  async #exchanged(file, text, action) {
    const path = this.path(file);
    const given = readFileSync(path, 'utf8');
    try {
      writeFileSync(path, text);
      this.#child?.send({ changed: path });
      return await action();
    } finally {
      writeFileSync(path, given);
      this.#child?.send({ changed: path });
    }
  }

  /** The name of what fails. */
  async #failureOf(test) {
    return this.#passing.get(test) === false ? undefined : (await this.#run(test)).failed;
  }

  /** What fails, and the processor time. */
  async #run(test) {
    this.#child ??= this.#started();
    const answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
    this.#child.send({ test });
    return answered;
  }

  #started() {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'];
    const child = fork(resolve('mutation/vitest.mjs'), [this.#config], { cwd: this.#folder, stdio });
    child.on('message', (answer) => this.#answer(answer));
    child.on('exit', () => {
      this.#child = undefined;
      this.#answer({ failed: 'no end', seconds: Infinity });
    });
    return child;
  }

  close() {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true });
  }
}
