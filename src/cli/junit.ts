/** Verdicts as JUnit XML, which continuous integration shows as tests. */
import type { Report, Verdict } from '../oracle/index.js';
import { blame } from './compare-table.js';

export interface TestCase {
  /** What the case belongs to: a network or a folder, and within it the kind of layer. */
  readonly group: string;
  readonly name: string;
  /** Why it did not pass: a difference, or what could not be decided. */
  readonly failure?: { readonly type: string; readonly message: string };
  /** Why there was nothing to judge. */
  readonly error?: string;
}

export function junit(suite: string, cases: readonly TestCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const errors = cases.filter(({ error }) => error !== undefined).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="depthwise compare" ${counts}>`,
    `  <testsuite name="${escaped(suite)}" ${counts}>`,
    ...cases.map(element),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function element({ group, name, failure, error }: TestCase): string {
  const open = `    <testcase classname="${escaped(group)}" name="${escaped(name)}"`;
  if (failure) {
    const { type, message } = failure;
    return `${open}><failure type="${escaped(type)}" message="${escaped(message)}"/></testcase>`;
  }
  if (error !== undefined) return `${open}><error type="failed" message="${escaped(error)}"/></testcase>`;
  return `${open}/>`;
}

/** A test case for each layer of one comparison. */
export function junitOfLayers(network: string, { layers }: Report): string {
  const cases = layers.map((layer): TestCase => {
    const passed: readonly Verdict[] = ['exact', 'within rounding'];
    const failure = passed.includes(layer.verdict) ? undefined : { type: layer.verdict, message: blame(layer) };
    return { group: `${network}.${layer.kind}`, name: layer.name, ...(failure && { failure }) };
  });
  return junit(network, cases);
}

/** For an attribute. Control characters, which XML does not have, become spaces. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    '\n': '&#10;',
  };
  return text.replaceAll(/[&<>"\n]/g, (character) => entities[character]).replaceAll(/\p{Cc}/gu, ' ');
}
