/** A file's bytes as a C array, for programs without a file system: what `xxd -i` writes, aligned as TensorFlow Lite Micro wants it. */

/**
 * A C source text or header with `const unsigned char NAME[]` and `const unsigned int NAME_len`. NAME is the file's name with `_tflite` for its
 * ending, so that it is no keyword of C, and `_` for what C does not allow.
 */
export function cArrayOf(bytes: Uint8Array, fileName: string): string {
  const name = `${fileName.replace(/\.\w+$/, '')}_tflite`.replace(/^(?=\d)/, '_').replaceAll(/[^A-Za-z0-9_]/g, '_');
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16)
    lines.push(`  ${[...bytes.subarray(at, at + 16)].map(hex).join(', ')},`);
  return [
    `#ifndef ${name}_included`,
    `#define ${name}_included`,
    '#ifdef __cplusplus',
    `extern "C" const unsigned char ${name}[];`,
    `extern "C" const unsigned int ${name}_len;`,
    'alignas(16)',
    '#elif defined(__GNUC__)',
    '__attribute__((aligned(16)))',
    '#endif',
    `const unsigned char ${name}[] = {`,
    ...lines,
    '};',
    `const unsigned int ${name}_len = ${bytes.length};`,
    '#endif',
    '',
  ].join('\n');
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;
