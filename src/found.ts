/** What a value is, in the words of an error: "found a Response". By tag, since `instanceof` fails across frames and realms. */
import { UsageError } from './errors.js';

/** 'Response', 'HTMLImageElement', 'Uint8Array', 'Object', 'Undefined': the same in every frame, realm and minified bundle. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** With its article: 'a Response', 'an HTMLImageElement', "the text '#photo'", 'a compiled plan', 'undefined'. */
export function found(value: unknown): string {
  const tag = tagOf(value);
  if (tag === 'String') return `the text '${(value as string).slice(0, 60)}'`;
  if (value === null || !/object|function/.test(typeof value)) return String(value);
  const { classify, report } = value as { classify?: unknown; report?: unknown };
  const name = classify ? 'loaded model' : report ? 'compiled plan' : tag;
  return `${/^[AEIO]|^HTML|^SVG/.test(name) ? 'an' : 'a'} ${name}`;
}

/** For callers without types: throws "summarize: wanted a network, found a loaded model". */
export function expectNetwork(call: string, network: { readonly nodes?: unknown } | undefined): void {
  if (!network?.nodes) throw new UsageError(`${call}: wanted a network, found ${found(network)}`);
}
