/**
 * Mutants of the kernels: Stryker knows no AssemblyScript. In a copy of the project one operator, number or instruction of a line is exchanged,
 * the module is compiled, and its tests run. A mutant that does not compile, or whose modules are the same bytes, is none.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { codeLinesOf, drawn, filesOf, mulberry32 } from './lines.mjs';
import { Sandbox } from './sandbox.mjs';

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

/** One mutant in each of so many lines, until the time is over. Says of each what came of it. */
export async function assemblyMutants(count, seed, until) {
  const random = mulberry32(seed);
  const lines = filesOf('assembly')
    .flatMap(codeLinesOf)
    .filter((line) => mutantsOf(line).length > 0);
  const sandboxes = new Map();
  const counts = { killed: 0, survived: 0 };
  for (const line of drawn(lines, lines.length, seed, false)) {
    if (counts.killed + counts.survived >= count || Date.now() > until) break;
    const mutants = mutantsOf(line);
    const mutant = mutants[Math.floor(random() * mutants.length)];
    const [module, tests] = modules[folderOf(mutant.file)];
    if (!sandboxes.has(module)) sandboxes.set(module, new Sandbox('assembly', tests));
    const result = await resultOf(mutant, module, sandboxes.get(module));
    console.log(`${result}: ${mutant.file}:${mutant.line}: ${mutant.text.trim()}`);
    if (result in counts) counts[result]++;
  }
  for (const sandbox of sandboxes.values()) sandbox.close();
  return counts;
}

const folderOf = (file) => Object.keys(modules).find((name) => name && file.startsWith(`assembly/${name}/`)) ?? '';

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

async function resultOf({ file, line, text }, module, sandbox) {
  const source = readFileSync(file, 'utf8');
  const compiled = sandbox.path(module);
  const given = readFileSync(compiled, 'utf8');
  let mutated;
  try {
    writeFileSync(
      sandbox.path(file),
      source
        .split('\n')
        .with(line - 1, text)
        .join('\n'),
    );
    // The other modules are newer than every source, whatever was written last.
    const later = Date.now() / 1000 + 1e6;
    for (const [other] of Object.values(modules)) utimesSync(sandbox.path(other), later, other === module ? 0 : later);
    const { status } = spawnSync('node', ['scripts/embed-wasm.mjs'], { cwd: sandbox.path('.') });
    if (status !== 0) return 'does not compile';
    mutated = readFileSync(compiled, 'utf8');
    if (mutated === given) return 'the same module';
  } finally {
    writeFileSync(sandbox.path(file), source);
    writeFileSync(compiled, given);
  }
  return (await sandbox.failure(module, mutated)) ? 'killed' : 'survived';
}
