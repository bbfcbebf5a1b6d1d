/** The page docs/supported-operators.md, from the tables that the readers themselves use, and from the words of their errors. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kerasClasses } from '../../../src/formats/keras/layers.js';
import type { Rule } from '../../../src/formats/onnx/attributes.js';
import { expansions } from '../../../src/formats/onnx/expansions.js';
import { folds } from '../../../src/formats/onnx/folding.js';
import { operators } from '../../../src/formats/onnx/operators.js';
import { operators as tfjs } from '../../../src/formats/tfjs/operators.js';
import { operators as tflite } from '../../../src/formats/tflite/operators.js';

export function supportedOperators(): string {
  const rows = Object.entries(operators)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, { attributes, becomes, notes = '' }]) => row(name, describe(attributes), becomes, notes));
  const constants = Object.keys(folds).sort().join(', ');
  return `# ONNX operators that are read

This page is generated from the code (\`npm run docs:operators\`). An operator, an attribute or a value that is not listed here is an
error that names the operator, its node, the attribute, what was found and what was wanted. Pictures, [batch, channels, height, width]
in the file, are [batch, height, width, channels] in the network.

${row('operator', 'attributes', 'becomes', 'limits')}
|---|---|---|---|
${rows.join('\n')}

Where all inputs are constants, these are computed while the file is read: ${constants}. Shape is, whatever its input.

These stand for several operators and are read as such, of constant scales and zero points: ${Object.keys(expansions).sort().join(', ')}.

Layers of 8-bit integers: convolutions, Gemm and MatMul of such inputs, whose kernels are uint8 with one scale, or int8 with one for each output and no zero point,
whose bias int32 holds, and whose result QuantizeLinear reads, perhaps behind an activation; and Add, Mul, Concat, pools, Resize, Pad, HardSwish,
activations, ArgMax, and Softmax and Sigmoid with results in 1/256. All other operators compute real numbers between 'dequantize' and 'quantize'. Where
more than a tenth of the multiply-adds would be real, the whole network is: each result is held to the range of its integers and not rounded, and \`summary\`
names the first such layer. So are networks with DynamicQuantizeLinear or integers of 16 bits, and those where only weights are integers.

# Other formats

What is not in these lists is an error that names it and says what is.

- TensorFlow Lite: ${Object.keys(tflite).sort().join(', ')}; SHAPE and PACK where sizes follow from them, SPLIT and SPLIT_V, SPACE_TO_BATCH_ND round a convolution.
- TensorFlow.js graph models: ${Object.keys(tfjs).sort().join(', ')}.
- Keras layers, in HDF5, .keras and TensorFlow.js layers models: ${[...kerasClasses].sort().join(', ')}; models inside models.

# What is refused, and why

These are the errors of the readers, with … for names and numbers. Each begins with the file and the layer, operator or tensor that it is about.

${Object.entries(FORMATS)
  .map(
    ([title, paths]) =>
      `## ${title}\n\n${refusals(paths)
        .map((text) => `- ${text}`)
        .join('\n')}\n`,
  )
  .join('\n')}`;
}

const FORMATS = {
  'TensorFlow Lite': ['tflite', 'tensorflow-operators.ts', 'affine.ts'],
  'TensorFlow.js graph models': ['tfjs', 'tensorflow-operators.ts', 'affine.ts'],
  'Keras and TensorFlow.js layers models': ['keras'],
  PyTorch: ['pytorch'],
  ONNX: ['onnx', 'affine.ts'],
  'Files that are recognised and not read': ['unread.ts'],
};

/** Text of a call that ends reading: `fail('…')`, `fail(where, `…`)`, `new FormatError(…)`. */
const REFUSAL = /(?:fail|FormatError)\(\s*(?:[\w.]+,\s*|`[^`]*`,\s*|'[^'\n]*',\s*)?(`[^`]*`|'[^'\n]*'|"[^"\n]*")/g;

function refusals(paths: readonly string[]): string[] {
  const files = paths.flatMap((path) => {
    const at = fileURLToPath(new URL(`../../../src/formats/${path}`, import.meta.url));
    if (path.endsWith('.ts')) return [at];
    const names = readdirSync(at, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.ts')).map((name) => `${at}/${name}`);
  });
  const texts = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(REFUSAL)].map(([, text]) => asWords(text.slice(1, -1))),
  );
  return [...new Set(texts)].filter((text) => text.length > 12).sort();
}

/** What is put in becomes '…', also where more is put into it. */
function asWords(template: string): string {
  let text = template;
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…');
  }
  return text
    .replace(/^(…: )+/, '')
    .replace(/\s+/g, ' ')
    .replace(/[<|]/g, '\\$&');
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function describe(rules: Readonly<Record<string, Rule<unknown>>>): string {
  const entries = Object.entries(rules).map(([name, { accepts, ...rule }]) => {
    const fallback = 'fallback' in rule && rule.fallback !== undefined ? ` (default ${rule.fallback})` : '';
    return `${name}: ${accepts}${`${rule.fallback}` === accepts ? '' : fallback}`;
  });
  return entries.join('<br>') || 'none';
}
