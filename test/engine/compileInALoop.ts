/** A program that does nothing but compile and run, for hang.test.ts: nothing keeps its process alive except what `compile` waits for. */
import { compile } from '../../src/engine/index.js';
import { mobilenetV2 } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/weights.js';
import { zeros } from '../../src/tensor.js';

const network = randomWeights(mobilenetV2({ alpha: 0.35, resolution: 32 }), 1);
const picture = zeros([1, 32, 32, 3]);
const count = Number(process.argv[2]);
for (let i = 0; i < count; i++) {
  const plan = await compile(network, { target: 'simd' });
  plan.run(picture);
  plan.dispose();
}
console.log(`${count} compiled`);
