/**
 * The training step of a network from several maps to several maps, with a loss that is computed in TypeScript: SSD's heads have a few ten thousand
 * outputs a picture, so that matching and mining cost little beside the convolutions, which run on the WASM kernels.
 */
import type { Network } from '../../network/index.js';
import { sizeOf } from '../../tensor.js';
import { instantiateProgram } from '../wasm/instantiate.js';
import { lowerBackward, lowerForward, lowerInput } from '../wasm/lower.js';
import { Lowering } from '../wasm/lowering.js';
import { flat } from '../wasm/maps.js';

/** Writes the loss's gradients by the outputs, [batch, rows, columns, channels] each. */
export type OutputLoss = (outputs: readonly Float32Array[], gradients: readonly Float32Array[]) => void;

export interface HeadsProgram {
  readonly batch: number;
  /** Numbers of one picture in each input. */
  readonly inputSizes: readonly number[];
  /** Writes the loss's gradient by each trainable number, as `parameterLayout` lays them out. Maps are in the order of the inputs. */
  step(values: Float32Array, maps: readonly Float32Array[], loss: OutputLoss, gradients: Float32Array): void;
}

export async function compileHeads(network: Network, batch: number): Promise<HeadsProgram> {
  const lowering = new Lowering(network, batch);
  const { program } = lowering;
  const inputs = network.inputs.map(({ name }) => lowerInput(lowering, name));
  const units = lowerForward(lowering);
  lowering.begin('loss');
  // The loss reads and writes [batch, rows, columns, channels].
  const outputs = network.outputs.map((name) => {
    const { pixels, channels, ...map } = lowering.mapOf(name);
    const bytes = pixels * channels * 4;
    const [values, slopes] = [program.constant(bytes), program.constant(bytes)];
    program.step('fromGroups', map.place, map.group, pixels, channels, values);
    return { name, pixels, channels, values, slopes };
  });
  program.add('loss');
  for (const { name, pixels, channels, slopes } of outputs) {
    program.step('toGroups', slopes, pixels, channels, ...flat(lowering.gradientTarget(name).map));
  }
  lowerBackward(lowering, units);

  let asked: OutputLoss = () => {};
  const typescript = () => ({
    loss() {
      for (const slope of slopes) slope.fill(0);
      asked(values, slopes);
    },
  });
  const { numbers, calls, addressOf } = await instantiateProgram(network.name, program, 'simd', typescript);
  const [values, slopes] = (['values', 'slopes'] as const).map((which) =>
    outputs.map(({ [which]: place, pixels, channels }) => {
      const first = addressOf(place) / 4;
      return numbers.subarray(first, first + pixels * channels);
    }),
  );
  const { trainableSize } = lowering.layout;
  return {
    batch,
    inputSizes: network.inputs.map(({ name }) => sizeOf(lowering.shapeOf(name)) / batch),
    step(givenValues, maps, loss, gradients) {
      numbers.set(givenValues, addressOf(lowering.values) / 4);
      maps.forEach((map, index) => {
        numbers.set(map, addressOf(inputs[index]) / 4);
      });
      asked = loss;
      for (const { kernel, args } of calls) kernel(...args);
      const first = addressOf(lowering.gradients) / 4;
      gradients.set(numbers.subarray(first, first + trainableSize));
    },
  };
}
