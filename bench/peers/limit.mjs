/**
 * Writes the kernels of the machine's limit in AssemblyScript and compiles them: n chains of two rounds per loop, and nothing else.
 *
 *   plain     c = c · factor + summand: two dependent operations a round, so that no compiler can move the product out of the loop
 *   relaxed   c = relaxed_madd(factor, summand, c)
 *
 * 12 chains and 2 constants are all that 15 vector registers hold without spilling (V8 keeps the sixteenth for itself).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const CHAINS = [10, 11, 12];

const rounds = {
  plain: (c) => `${c} = f32x4.add(f32x4.mul(${c}, factor), summand);`,
  relaxed: (c) => `${c} = f32x4.relaxed_madd(factor, summand, ${c});`,
};

const kernel = (chains, round) => {
  const names = Array.from({ length: chains }, (_, i) => `c${i}`);
  const body = names.map(round).join('\n    ');
  return `
export function chains${chains}(count: i32, x: f32, y: f32): f32 {
  const factor = f32x4.splat(x), summand = f32x4.splat(y);
  let ${names.map((name, i) => `${name} = f32x4.splat(${i}.0)`).join(', ')};
  for (let i = 0; i < count; ++i) {
    ${body}
    ${body}
  }
  return f32x4.extract_lane(${names.reduce((sum, name) => `f32x4.add(${sum}, ${name})`)}, 0);
}`;
};

/** Writes build/limit-plain.wasm and build/limit-relaxed.wasm. */
export async function buildLimit(folder) {
  await mkdir(folder, { recursive: true });
  for (const [level, round] of Object.entries(rounds)) {
    const source = `${folder}/limit-${level}.ts`;
    const output = `${folder}/limit-${level}.wasm`;
    await writeFile(source, CHAINS.map((chains) => kernel(chains, round)).join('\n'));
    const features = ['--enable', 'simd', ...(level === 'relaxed' ? ['--enable', 'relaxed-simd'] : [])];
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
    if (!WebAssembly.validate(await readFile(output)) && level === 'plain') throw new Error(`${output} is not valid`);
  }
}
