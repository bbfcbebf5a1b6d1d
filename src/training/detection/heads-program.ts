/**
 * The training step of a network from several maps to several maps, with a loss that is computed in TypeScript: SSD's heads have a few ten thousand
 * outputs a picture, so that matching and mining cost little beside the convolutions, which run on the WASM kernels.
 */
import { allocate } from '../../engine/wasm.js';
import type { Network } from '../../network/index.js';
import { machineOf } from '../program.js';
import { instantiateTraining } from '../wasm/kernels.js';
import { lowerForward } from '../wasm/lower.js';
import { Lowering } from '../wasm/lowering.js';
import type { FeatureMap } from '../wasm/maps.js';

/** From the outputs, [batch, rows, columns, channels] each, to the loss; writes its gradients by them. */
export type OutputLoss = (outputs: readonly Float32Array[], gradients: readonly Float32Array[]) => number;

export interface HeadsProgram {
  readonly batch: number;
  /** Numbers of one picture in each input. */
  readonly inputSizes: readonly number[];
  /** Computes the loss and writes its gradient by each trainable number, as `parameterLayout` lays them out. Maps are in the order of the inputs. */
  step(values: Float32Array, maps: readonly Float32Array[], loss: OutputLoss, gradients: Float32Array): number;
}

export async function compileHeads(network: Network, batch: number): Promise<HeadsProgram> {
  const lowering = new Lowering(network, batch);
  const inputs = network.inputs.map(({ name }) => {
    const map = lowering.define(name);
    const numbers = lowering.constant(map.pixels * map.channels * 4);
    lowering.step([map], ({ kernels, at, flat }) => {
      kernels.toGroups(at(numbers), map.pixels, map.channels, ...flat(map));
    });
    return numbers;
  });
  const units = lowerForward(lowering);
  const asked = { loss: (() => 0) as OutputLoss, result: 0 };
  const outputs = network.outputs.map((name) => {
    const map = lowering.mapOf(name);
    const numbers = () => new Float32Array(map.pixels * map.channels);
    return { map, gradient: lowering.gradientTarget(name).map, values: numbers(), slopes: numbers() };
  });
  const touched = outputs.flatMap(({ map, gradient }) => [map, gradient]);
  lowering.step(touched, ({ memory, at }) => {
    for (const { map, values, slopes } of outputs) {
      slopes.fill(0);
      eachNumber(map, at(map.buffer), (inMap, inRows) => {
        values[inRows] = memory[inMap];
      });
    }
    asked.result = asked.loss(
      outputs.map(({ values }) => values),
      outputs.map(({ slopes }) => slopes),
    );
    for (const { gradient, slopes } of outputs) {
      memory.fill(0, at(gradient.buffer) / 4, (at(gradient.buffer) + gradient.buffer.bytes) / 4);
      eachNumber(gradient, at(gradient.buffer), (inMap, inRows) => {
        memory[inMap] = slopes[inRows];
      });
    }
  });
  for (const unit of units.reverse()) unit.backward();

  const { constants, total } = lowering.layOut();
  const memory = allocate(network.name, total);
  const machine = machineOf(await instantiateTraining('simd', memory), memory, constants);
  const numbers = machine.memory;
  const { trainableSize } = lowering.layout;
  const steps = [...lowering.load, ...lowering.steps, ...lowering.unload];
  return {
    batch,
    inputSizes: inputs.map(({ bytes }) => bytes / 4 / batch),
    step(values, maps, loss, gradients) {
      numbers.set(values, machine.at(lowering.values) / 4);
      maps.forEach((map, index) => {
        numbers.set(map, machine.at(inputs[index]) / 4);
      });
      asked.loss = loss;
      for (const run of steps) run({ ...machine, seed: 0 });
      const first = machine.at(lowering.gradients) / 4;
      gradients.set(numbers.subarray(first, first + trainableSize));
      return asked.result;
    },
  };
}

/** Positions of a map's numbers in the memory, and in [images, rows, columns, channels]. */
function eachNumber(map: FeatureMap, address: number, visit: (inMap: number, inRows: number) => void): void {
  const { images, rows, columns, channels, group, image, row, first } = map;
  let inRows = 0;
  for (let n = 0; n < images; n++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const pixel = (address + first + n * image + y * row + x * 32) / 4;
        for (let c = 0; c < channels; c++) visit(pixel + ((c >> 3) * group) / 4 + (c & 7), inRows++);
      }
    }
  }
}
