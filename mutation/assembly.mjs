/**
 * Mutants of the kernels: Stryker knows no AssemblyScript. In a copy of the project one operator, number or instruction of a line is exchanged,
 * the module is compiled, and its tests run. A mutant that does not compile, or whose modules are the same bytes, is none.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { codeLinesOf, drawn, filesOf, mulberry32 } from './lines.mjs';
import { vitestConfig } from './stryker.mjs';

const COPY = resolve('build/assembly-mutants');
const LEFT_OUT = ['node_modules', '.git', 'build', 'dist', 'docs', 'reports', '.stryker-tmp', 'bench', 'python'];
const VITEST = 'node_modules/vitest/vitest.mjs';
/** A run of the tests takes seconds; a loop without end does not come back. */
const TIME_LIMIT = 300_000;

/** By folder in assembly/: the module that its files become, and the tests that are held to notice, the quickest first. */
const modules = {
  '': ['src/engine/generated/wasm.ts', ['test/kernels/*.test.ts', 'test/engine/{agreement,blocks,operations}.test.ts']],
  int8: ['src/engine/int8/generated/wasm.ts', ['test/kernels/int8/*.test.ts', 'test/engine/int8/*.test.ts']],
  training: ['src/training/wasm/generated/wasm.ts', ['test/kernels/kernels.test.ts', 'test/training/program.test.ts']],
  image: ['src/image/generated/wasm.ts', ['test/image/prepare.test.ts']],
};

/** What a part of a line becomes. Each pattern finds one operator, number or instruction. */
const mutators = [
  [/ \+ /g, () => ' - '],
  [/ - /g, () => ' + '],
  [/ \* /g, () => ' + '],
  [/ \/ /g, () => ' * '],
  [/ << /g, () => ' >> '],
  [/ >> /g, () => ' << '],
  [/ & /g, () => ' | '],
  [/ \| /g, () => ' & '],
  [/ <(=?) /g, (_, orEqual) => (orEqual ? ' < ' : ' <= ')],
  [/ >(=?) /g, (_, orEqual) => (orEqual ? ' > ' : ' >= ')],
  [/ == /g, () => ' != '],
  [/ != /g, () => ' == '],
  [/ && /g, () => ' || '],
  [/ \|\| /g, () => ' && '],
  [/(?<= [+-])=(?= )/g, () => '= -'],
  [/(?<![\w.])\d+(?![\w.])/g, (number) => `${Number(number) + 1}`],
  [/\bmin\b/g, () => 'max'],
  [/\bmax\b/g, () => 'min'],
  [/(?<=\.)(add|sub|mul|min|max|pmin|pmax)(?=\()/g, (name) => (name === 'add' ? 'sub' : 'add')],
];

/** One mutant in each of so many lines. Prints those that survive. */
export async function assemblyMutants(count, seed) {
  rmSync(COPY, { recursive: true, force: true });
  for (const entry of readdirSync('.')) {
    if (!LEFT_OUT.includes(entry)) cpSync(entry, join(COPY, entry), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(COPY, 'node_modules'));
  const random = mulberry32(seed);
  const lines = filesOf('assembly')
    .flatMap(codeLinesOf)
    .filter((line) => mutantsOf(line).length > 0);
  const [killed, survived] = [[], []];
  for (const line of drawn(lines, lines.length, seed, false)) {
    if (killed.length + survived.length >= count) break;
    const mutants = mutantsOf(line);
    const mutant = mutants[Math.floor(random() * mutants.length)];
    const result = resultOf(mutant);
    console.log(`${result}: ${mutant.file}:${mutant.line}: ${mutant.text.trim()}`);
    if (result === 'killed') killed.push(mutant);
    if (result === 'survived') survived.push(mutant);
  }
  return { killed, survived };
}

/** All mutants of a line 'assembly/x.ts:12:0-12:999'. */
function mutantsOf(position) {
  const [file, line] = position.split(':');
  const given = readFileSync(file, 'utf8').split('\n')[line - 1];
  const code = given.replace(/\/\/.*/, '');
  return mutators.flatMap(([pattern, replacement]) =>
    [...code.matchAll(pattern)].map((found) => {
      const end = found.index + found[0].length;
      return { file, line, text: given.slice(0, found.index) + replacement(...found) + given.slice(end) };
    }),
  );
}

function resultOf({ file, line, text }) {
  const source = readFileSync(file, 'utf8');
  const folder = Object.keys(modules).find((name) => name && file.startsWith(`assembly/${name}/`)) ?? '';
  const [module, tests] = modules[folder];
  const path = join(COPY, file);
  for (const pattern of tests) expectToPass(pattern);
  try {
    writeFileSync(
      path,
      source
        .split('\n')
        .with(line - 1, text)
        .join('\n'),
    );
    // The other modules are newer than every source, whatever was written last.
    const later = Date.now() / 1000 + 1e6;
    for (const [other] of Object.values(modules)) utimesSync(join(COPY, other), later, other === module ? 0 : later);
    if (run('node', ['scripts/embed-wasm.mjs']) !== 0) return 'does not compile';
    if (readFileSync(join(COPY, module), 'utf8') === readFileSync(module, 'utf8')) return 'the same module';
    return tests.every(passes) ? 'survived' : 'killed';
  } finally {
    writeFileSync(path, source);
  }
}

const known = new Set();

/** Tests that fail without a mutant would kill every one. */
function expectToPass(pattern) {
  if (!known.has(pattern) && !passes(pattern)) throw new Error(`${pattern} fails without a mutant`);
  known.add(pattern);
}

const passes = (pattern) =>
  run('node', [VITEST, 'run', '--config', configFor(pattern), '--bail', '1', '--pool', 'threads']) === 0;

function configFor(pattern) {
  const config = join(COPY, `${pattern.replace(/\W+/g, '-')}.vitest.config.mjs`);
  if (!existsSync(config)) writeFileSync(config, `export default ${JSON.stringify(vitestConfig([pattern]))};\n`);
  return config;
}

/** The exit code; null where the time is over. */
const run = (command, args) =>
  spawnSync(command, args, { cwd: COPY, timeout: TIME_LIMIT, killSignal: 'SIGKILL' }).status;
