/** What a value is, in the words of an error: "found a Response". By tag, since `instanceof` fails across frames and realms. */

/** 'Response', 'HTMLImageElement', 'Uint8Array', 'Object', 'Undefined': the same in every frame, realm and minified bundle. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** With its article: 'a Response', 'an HTMLImageElement', "the text '#photo'", 'undefined', 'an object'. */
export function found(value: unknown): string {
  if (typeof value === 'string') return `the text '${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) {
    return String(value);
  }
  const tag = tagOf(value);
  if (tag === 'Promise') return 'a Promise (await it first)';
  const name = /^(Object|Array|Function)$/.test(tag) ? tag.toLowerCase() : tag;
  return `${/^([aeio]|html|svg)/i.test(name) ? 'an' : 'a'} ${name}`;
}
