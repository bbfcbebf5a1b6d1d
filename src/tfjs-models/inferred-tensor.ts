/** What `infer` returns: of tf.Tensor the part that programs use which only read the numbers. */
import type { Shape } from '../tensor.js';

/** A row for each picture, and each row a list of numbers. */
type Rows = number[][];

export class InferredTensor {
  /** [1, outputs] or [1, features]. */
  readonly shape: Shape;
  readonly dtype = 'float32';
  readonly #numbers: Float32Array;

  constructor(shape: Shape, numbers: Float32Array) {
    this.shape = shape;
    this.#numbers = numbers;
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return this.#numbers.length;
  }

  /** The numbers, row by row. They are the tensor's own, not a copy, as in TensorFlow.js. */
  dataSync(): Float32Array {
    return this.#numbers;
  }

  async data(): Promise<Float32Array> {
    return this.#numbers;
  }

  arraySync(): Rows {
    const width = this.shape.at(-1)!;
    return Array.from({ length: this.#numbers.length / width }, (_, row) =>
      Array.from(this.#numbers.subarray(row * width, (row + 1) * width)),
    );
  }

  async array(): Promise<Rows> {
    return this.arraySync();
  }

  /** To the console. */
  print(): void {
    console.log(`Tensor ${JSON.stringify(this.arraySync())}`);
  }

  /** Does nothing: the numbers are collected like any other JavaScript object. */
  dispose(): void {}
}
