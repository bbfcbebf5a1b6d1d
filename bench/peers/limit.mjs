/**
 * Writes the kernels of the machine's limit in AssemblyScript and compiles them: n chains of two rounds per loop, and nothing else.
 *
 *   plain     c = c · factor + summand: two dependent operations a round, so that no compiler can move the product out of the loop
 *   relaxed   c = relaxed_madd(factor, summand, c)
 *   none      as plain, with one number in place of a vector
 *
 * 12 chains and 2 constants are all that 15 vector registers hold without spilling (V8 keeps the sixteenth for itself).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const CHAINS = [10, 11, 12];

const rounds = {
  none: (c) => `${c} = ${c} * factor + summand;`,
  plain: (c) => `${c} = f32x4.add(f32x4.mul(${c}, factor), summand);`,
  relaxed: (c) => `${c} = f32x4.relaxed_madd(factor, summand, ${c});`,
};

const kernel = (chains, level) => {
  const names = Array.from({ length: chains }, (_, i) => `c${i}`);
  const body = names.map(rounds[level]).join('\n    ');
  const [splat, add, firstLane] =
    level === 'none'
      ? ['<f32>', (a, b) => `${a} + ${b}`, (sum) => sum]
      : ['f32x4.splat', (a, b) => `f32x4.add(${a}, ${b})`, (sum) => `f32x4.extract_lane(${sum}, 0)`];
  return `
export function chains${chains}(count: i32, x: f32, y: f32): f32 {
  const factor = ${splat}(x), summand = ${splat}(y);
  let ${names.map((name, i) => `${name} = ${splat}(${i}.0)`).join(', ')};
  for (let i = 0; i < count; ++i) {
    ${body}
    ${body}
  }
  return ${firstLane(names.reduce(add))};
}`;
};

/** Writes build/limit-none.wasm, build/limit-plain.wasm and build/limit-relaxed.wasm. */
export async function buildLimit(folder) {
  await mkdir(folder, { recursive: true });
  for (const level of Object.keys(rounds)) {
    const source = `${folder}/limit-${level}.ts`;
    const output = `${folder}/limit-${level}.wasm`;
    await writeFile(source, CHAINS.map((chains) => kernel(chains, level)).join('\n'));
    const features = [
      level === 'none' ? '--disable' : '--enable',
      'simd',
      ...(level === 'relaxed' ? ['--enable', 'relaxed-simd'] : []),
    ];
    const { error, stderr } = await asc.main([
      source,
      '-o',
      output,
      '-O3',
      '--runtime',
      'stub',
      '--noAssert',
      ...features,
    ]);
    if (error) throw new Error(`${source}: ${stderr}`);
    if (!WebAssembly.validate(await readFile(output)) && level !== 'relaxed') throw new Error(`${output} is not valid`);
  }
}
