/** Mutants of TypeScript, as Stryker makes them, each as the whole text of its file. */
import { readFileSync } from 'node:fs';
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { createInjector } from 'typed-inject';

const silent = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false };
const options = { plugins: null, ignorers: [], excludedMutations: [], noHeader: true };

/** All mutants of lines 'src/x.ts:12:0-12:999', in the order of the lines: file, line, what it is, and the file's text with it. */
export async function mutantsOf(lines) {
  const files = [...new Set(lines.map(fileOf))].map((name) => ({
    name,
    content: readFileSync(name, 'utf8'),
    mutate: lines.filter((line) => fileOf(line) === name).map(rangeOf),
  }));
  const instrumenter = createInjector().provideValue('logger', silent).injectFunction(withInjector);
  const { mutants } = await instrumenter.instrument(files, options);
  return mutants.map(({ fileName, location, mutatorName, replacement }) => {
    const source = files.find(({ name }) => name === fileName).content;
    return {
      file: fileName,
      line: location.start.line + 1,
      what: `${mutatorName}: ${replacement.replaceAll(/\s+/g, ' ')}`,
      text: source.slice(0, at(source, location.start)) + replacement + source.slice(at(source, location.end)),
    };
  });
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
