/** The engine of this repository, from dist/. */
import { compile } from '../../../../dist/engine/index.js';
import { javascriptKernels } from '../../../../dist/engine/javascript.js';
import { tensor, zeros } from '../../../../dist/index.js';
import type { Contestant, Surroundings } from './contestant.js';

const TARGETS = { javascript: 'javascript', none: 'scalar', plain: 'simd', relaxed: 'relaxed' } as const;

/** The target is forced: falling back to another one is an error here. */
export const depthwise = ({ simd }: Surroundings): Contestant => ({
  name: 'depthwise',
  kind: 'engine',
  async load(network) {
    const plan = await compile(network, { target: TARGETS[simd], javascript: javascriptKernels });
    const { shape } = network.inputs[0];
    const into = new Map([[network.outputs[0], zeros(plan.run(zeros(shape)).get(network.outputs[0])!.shape)]]);
    return {
      run: (picture) => plan.run(tensor(shape, picture), into).get(network.outputs[0])!.data as Float32Array,
      dispose: () => plan.dispose(),
    };
  },
});

/** The layers as `src/layers` defines them. */
export const readableLayers = (): Contestant => ({
  name: 'readable layers',
  kind: 'javascript',
  async load(network) {
    const plan = await compile(network, { target: 'reference' });
    const { shape } = network.inputs[0];
    return {
      run: (picture) => plan.run(tensor(shape, picture)).get(network.outputs[0])!.data as Float32Array,
      dispose: () => plan.dispose(),
    };
  },
});
