/** A golden bundle as a C header, for tests on devices without a file system: weights, inputs, outputs and isolated bounds as arrays. */
import { weightsOfNodes } from '../network/graph.js';
import { weightName } from '../network/network.js';
import { type Shape, sizeOf, type Tensor } from '../tensor.js';
import type { Golden } from './golden.js';

/**
 * Every array is called `<prefix>_<tensor>`: `conv2d_normal_input`, `…_conv2d_kernel`, `…_conv2d_output`, `…_conv2d_bound`. Numbers are
 * float, in the bundle's order; attributes stand in comments.
 */
export function cHeader(golden: Golden, name: string, generator: string): string {
  const { network, inputs, outputs, isolated, bounds, precision } = golden;
  const prefix = identifier(name);
  const claim = claimer(prefix);
  const lines = [
    `/* ${name}: ${network.name} by ${generator}, bounds for ${precision.name}.`,
    '   Feature maps are NHWC; kernels HWIO, HWC(M) or IO. Each layer fed with the numbers in this file',
    '   gives its output to within its bound: |yours - output| <= bound. */',
    `#ifndef ${prefix.toUpperCase()}_H`,
    `#define ${prefix.toUpperCase()}_H`,
    '#include <math.h>',
    '',
    ...[...inputs].flatMap(([input, x]) => arrayOf(claim(input), x)),
  ];
  for (const node of network.nodes) {
    const weights = weightsOfNodes(network.weights, new Set([node.name]));
    const attributes = JSON.stringify(node.attributes).replaceAll('*/', '* /');
    lines.push('', `/* ${node.name}: ${node.kind} of ${node.inputs.join(', ')}; ${attributes} */`);
    for (const [weight, x] of weights) lines.push(...arrayOf(claim(weight), x));
    lines.push(...arrayOf(claim(weightName(node.name, 'output')), outputs.get(node.name)!));
    lines.push(...arrayOf(claim(weightName(node.name, 'bound')), (isolated ?? bounds).get(node.name)!));
  }
  return [...lines, '', '#endif', ''].join('\n');
}

const PER_LINE = 6;

function arrayOf(name: string, { shape, data }: Tensor): string[] {
  const numbers = Array.from(data, literal);
  const rows = Array.from({ length: Math.ceil(numbers.length / PER_LINE) }, (_, row) =>
    numbers.slice(row * PER_LINE, (row + 1) * PER_LINE).join(', '),
  );
  return [`static const float ${name}[${sizeOf(shape)}] = { /* ${inWords(shape)} */`, `  ${rows.join(',\n  ')}`, '};'];
}

const inWords = (shape: Shape): string => (shape.length === 0 ? 'a single number' : shape.join(' x '));

/** Nine digits give every float back. */
function literal(value: number): string {
  if (Number.isNaN(value)) return 'NAN';
  if (!Number.isFinite(value)) return value > 0 ? 'INFINITY' : '-INFINITY';
  const text = `${Number(value.toPrecision(9))}`;
  return /[.e]/.test(text) ? `${text}f` : `${Object.is(value, -0) ? '-0' : text}.0f`;
}

const identifier = (name: string): string => name.replaceAll(/[^A-Za-z0-9]+/g, '_').replace(/^(?=\d)/, '_');

/** Names that differ in marks alone become different identifiers. */
function claimer(prefix: string): (name: string) => string {
  const claimed = new Map<string, number>();
  return (name) => {
    const wanted = `${prefix}_${identifier(name)}`;
    const times = (claimed.get(wanted) ?? 0) + 1;
    claimed.set(wanted, times);
    return times === 1 ? wanted : `${wanted}_${times}`;
  };
}
