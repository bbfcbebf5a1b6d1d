/** `depthwise compare` of a folder of bundles: one table of what fails, one verdict. */
import { readdir } from 'node:fs/promises';
import { DepthwiseError, DifferenceError, FormatError, UndecidedError, UsageError } from '../errors.js';
import { isFolder, isThere } from '../files/is-there.js';
import type { Verdict } from '../oracle/index.js';
import { judgedLayers, patternsOf } from '../oracle/patterns.js';
import { bundlesIn, stemOf, theirsOf } from './compare-files.js';
import { asJson, blame, columns, inWords, isListed } from './compare-table.js';
import { type CompareFlags, type Comparison, compareFiles } from './comparison.js';
import { harmless } from './display.js';
import { verdictOf } from './judgement.js';
import { junit, type TestCase } from './junit.js';
import { listed, plural, print, printJson, writeWhole } from './output.js';
import { withProgress } from './progress.js';
import { textTable } from './table.js';

/** 'missing': their folder has nothing for the bundle. 'unreadable': one of the two files is damaged, or fits in no way. */
type CaseVerdict = Exclude<Verdict, 'wrong shape'> | 'missing' | 'unreadable';

interface Case {
  /** The bundle's name. */
  readonly name: string;
  readonly verdict: CaseVerdict;
  readonly comparison?: Comparison;
  /** Why there is no comparison. */
  readonly message?: string;
}

const orderOfVerdicts: readonly CaseVerdict[] = [
  'exact',
  'within rounding',
  'beyond',
  'not decided',
  'missing',
  'unreadable',
];

/** Compares every bundle with the file or folder of the same name, and tells as `compare-table.ts` and `judgement.ts` do of one. */
export async function compareFolders(golden: string, theirs: string, flags: CompareFlags): Promise<void> {
  for (const [flag, value] of Object.entries({ '--model': flags.model, '--map': flags.map, '--names': flags.names })) {
    if (value !== undefined) throw new UsageError(`${flag} is for one bundle, and '${golden}' is a folder`);
  }
  if (!(await isThere(theirs))) throw new FormatError(`${theirs}: there is no such folder`);
  if (!(await isFolder(theirs)))
    throw new UsageError(`'${golden}' is a folder of bundles, so '${theirs}' must be a folder`);
  const cases = await compareAll(await bundlesIn(golden), theirs, flags);
  if (cases.every(({ verdict }) => verdict === 'missing')) {
    throw new FormatError(`${theirs}: has nothing for any of the bundles; wanted files such as ${cases[0].name}.npz`);
  }
  const surplus = await surplusIn(theirs, cases);
  if (flags.junit !== undefined)
    await writeWhole(
      flags.junit,
      junit(
        golden,
        cases.map((its) => asTestCase(golden, its)),
      ),
    );
  if (flags.json) printJson(asJsonOfFolders(golden, theirs, cases, surplus));
  else print(asTextOfFolders(cases, surplus, flags));
  expectAgreementOfAll(cases, theirs);
}

async function compareAll(bundles: readonly string[], theirs: string, flags: CompareFlags): Promise<Case[]> {
  return withProgress('compare', async (progress) => {
    const cases: Case[] = [];
    for (const [index, bundle] of bundles.entries()) {
      progress.at(index / bundles.length, stemOf(bundle));
      cases.push(await compareCase(bundle, await theirsOf(bundle, theirs), flags));
    }
    return cases;
  });
}

async function compareCase(bundle: string, theirs: string | undefined, flags: CompareFlags): Promise<Case> {
  const name = stemOf(bundle);
  if (theirs === undefined) return { name, verdict: 'missing', message: 'their folder has nothing for it' };
  try {
    const comparison = await compareFiles(bundle, theirs, flags);
    return { name, verdict: comparison.report.verdict, comparison };
  } catch (error) {
    if (!(error instanceof DepthwiseError) || error instanceof UsageError) throw error;
    return { name, verdict: 'unreadable', message: error.message };
  }
}

/** Their files that no bundle is called after. */
async function surplusIn(theirs: string, cases: readonly Case[]): Promise<string[]> {
  const names = new Set(cases.map(({ name }) => name));
  const found = await readdir(theirs);
  return found
    .filter((file) => !file.startsWith('.') && !names.has(file) && !names.has(file.replace(/\.\w+$/, '')))
    .sort();
}

const hasFailed = ({ verdict }: Case): boolean => verdict !== 'exact' && verdict !== 'within rounding';

function asTextOfFolders(cases: readonly Case[], surplus: readonly string[], { only }: CompareFlags): string {
  const told = cases.filter((its) =>
    only === undefined ? hasFailed(its) : isListed(its.verdict as Verdict, verdictOf(only)),
  );
  const rows = told.filter(({ comparison }) => comparison !== undefined);
  const lines: string[] = [];
  if (rows.length > 0) {
    lines.push(textTable([{ title: 'bundle', align: 'left' }, ...columns], rows.map(rowOf)), '');
  }
  lines.push(...[...causesOf(cases), ...patternsAcross(cases)].map(harmless));
  for (const { name, message } of told) if (message !== undefined) lines.push(harmless(`${name}: ${message}`));
  if (surplus.length > 0) lines.push(harmless(`Theirs without a bundle: ${listed(surplus)}.`));
  lines.push(`${countsOf(cases)} of ${plural(cases.length, 'bundle')}.`);
  return lines.join('\n');
}

/** Each cause once, with the bundles that it explains. */
function causesOf(cases: readonly Case[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, comparison } of cases) {
    const { explanation, precision, rounding } = comparison?.context ?? {};
    if (explanation === undefined) continue;
    const words = inWords(explanation.cause, rounding ? undefined : precision!.name, explanation.atPrecision?.name);
    names.set(words, [...(names.get(words) ?? []), name]);
  }
  return [...names].map(([words, its]) => `${listed(its)}: ${words}`);
}

/** What all wrong layers of all bundles have in common. */
function patternsAcross(cases: readonly Case[]): string[] {
  const judged = cases.flatMap(({ comparison }) =>
    comparison?.report.mode === 'isolated' ? judgedLayers(comparison.context.network, comparison.report) : [],
  );
  return patternsOf(judged);
}

/** Of the first wrong layer, the first undecided one or, where all is well, the one nearest to its bound. */
function rowOf({ name, comparison }: Case): string[] {
  const { first, undecided, worst, layers } = comparison!.report;
  const layer = first ?? undecided ?? worst?.layer ?? layers[0];
  return [name, ...columns.map(({ text }) => text(layer))];
}

function countsOf(cases: readonly Case[]): string {
  const always: readonly CaseVerdict[] = ['exact', 'within rounding', 'beyond'];
  return orderOfVerdicts
    .map((verdict) => ({ verdict, count: cases.filter((its) => its.verdict === verdict).length }))
    .filter(({ verdict, count }) => count > 0 || always.includes(verdict))
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(', ');
}

function asTestCase(golden: string, { name, verdict, comparison, message }: Case): TestCase {
  const layer = comparison?.report.first ?? comparison?.report.undecided;
  const group = `${golden}.${comparison?.context.network.nodes[0]?.kind ?? 'bundle'}`;
  if (verdict === 'missing' || verdict === 'unreadable') return { group, name, error: message! };
  return layer ? { group, name, failure: { type: layer.verdict, message: blame(layer) } } : { group, name };
}

function asJsonOfFolders(golden: string, theirs: string, cases: readonly Case[], surplus: readonly string[]): unknown {
  return {
    golden,
    theirs,
    verdict: verdictOfAll(cases),
    cases: cases.map(({ name, verdict, comparison, message }) => ({
      name,
      verdict,
      ...(message && { message }),
      ...(comparison && { report: asJson(comparison.report, comparison.context) }),
    })),
    surplus,
  };
}

function verdictOfAll(cases: readonly Case[]): CaseVerdict {
  const worstFirst: readonly CaseVerdict[] = [
    'beyond',
    'unreadable',
    'not decided',
    'missing',
    'within rounding',
    'exact',
  ];
  return worstFirst.find((verdict) => cases.some((its) => its.verdict === verdict))!;
}

/** What fails, fails as its exit code says: a difference before a damaged file, and that before what is not decided or missing. */
function expectAgreementOfAll(cases: readonly Case[], theirs: string): void {
  const verdict = verdictOfAll(cases);
  if (verdict === 'exact' || verdict === 'within rounding') return;
  const failed = cases.filter((its) => its.verdict === verdict);
  const message = `${theirs}: ${failed.length} of ${plural(cases.length, 'bundle')} ${verdict}, the first is '${failed[0].name}'`;
  if (verdict === 'beyond') throw new DifferenceError(message);
  throw verdict === 'unreadable' ? new FormatError(message) : new UndecidedError(message);
}
