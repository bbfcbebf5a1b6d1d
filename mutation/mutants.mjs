/** Mutants of TypeScript, as Stryker makes them, each as the whole text of its file. */
import { readFileSync } from 'node:fs';
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { createInjector } from 'typed-inject';

const silent = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false };
const options = { plugins: null, ignorers: [], excludedMutations: [], noHeader: false };

/**
 * All mutants of lines 'src/x.ts:12:0-12:999', in the order of the lines: file, line, what it is, and the file's text with it. And the texts of all
 * files with every mutant in them, none of them active, which note by their ids those that a run reaches.
 */
export async function mutantsOf(lines) {
  const sources = new Map([...new Set(lines.map(fileOf))].map((name) => [name, readFileSync(name, 'utf8')]));
  const files = [...sources].map(([name, content]) => ({
    name,
    content,
    mutate: lines.filter((line) => fileOf(line) === name).map(rangeOf),
  }));
  const instrumenter = createInjector().provideValue('logger', silent).injectFunction(withInjector);
  const instrumented = await instrumenter.instrument(files, options);
  const mutants = instrumented.mutants.map(({ id, fileName, location, mutatorName, replacement }) => {
    const source = sources.get(fileName);
    return {
      id,
      file: fileName,
      line: location.start.line + 1,
      what: `${mutatorName}: ${replacement.replaceAll(/\s+/g, ' ')}`,
      text: () => source.slice(0, at(source, location.start)) + replacement + source.slice(at(source, location.end)),
    };
  });
  return { mutants, probes: new Map(instrumented.files.map(({ name, content }) => [name, content])) };
}

const withInjector = Object.assign((injector) => createInstrumenter(injector), { inject: ['$injector'] });

const fileOf = (position) => position.split(':')[0];

/** Stryker counts from 0. */
function rangeOf(position) {
  const line = Number(position.split(':')[1]) - 1;
  return { start: { line, column: 0 }, end: { line, column: 999 } };
}

function at(text, { line, column }) {
  let start = 0;
  for (let skipped = 0; skipped < line; skipped++) start = text.indexOf('\n', start) + 1;
  return start + column;
}
