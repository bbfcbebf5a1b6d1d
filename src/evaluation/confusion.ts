/** Evaluation of label maps: one confusion matrix over the whole set. The mean of single pictures' IoU is another number. */
import { ShapeError } from '../errors.js';

/** Label of pixels that are not evaluated: borders of objects in Pascal VOC, "void" elsewhere. */
export const IGNORED_LABEL = 255;

/**
 * Which classes the mean is of. 'present': those with a union, as TensorFlow has it: a class that was only predicted counts 0.
 * 'in-truth': those that the truth has a pixel of.
 */
export type MeanRule = 'present' | 'in-truth';

export class ConfusionMatrix {
  readonly classes: number;
  /** Row: truth, column: prediction; pixels. */
  readonly counts: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  /** Adds a picture. Pixels whose truth is 255 are left out; any other label must be a class. */
  add(truth: ArrayLike<number>, predicted: ArrayLike<number>): void {
    if (truth.length !== predicted.length) {
      throw new ShapeError(`confusion: the truth has ${truth.length} pixels, the prediction ${predicted.length}`);
    }
    const { classes, counts } = this;
    for (let i = 0; i < truth.length; i++) {
      if (truth[i] === IGNORED_LABEL) continue;
      if (!(truth[i] < classes && predicted[i] < classes)) this.#refuse(truth[i], predicted[i]);
      counts[truth[i] * classes + predicted[i]] += 1;
    }
  }

  #refuse(truth: number, predicted: number): never {
    const [what, found] = truth < this.classes ? ['the prediction', predicted] : ['the truth', truth];
    throw new ShapeError(`confusion: ${what} has label ${found}, where there are ${this.classes} classes`);
  }

  #row(label: number): number {
    let sum = 0;
    for (let other = 0; other < this.classes; other++) sum += this.counts[label * this.classes + other];
    return sum;
  }

  #column(label: number): number {
    let sum = 0;
    for (let other = 0; other < this.classes; other++) sum += this.counts[other * this.classes + label];
    return sum;
  }

  #hits(label: number): number {
    return this.counts[label * this.classes + label];
  }

  /** Intersection over union of each class; NaN where truth and prediction have none of it. */
  iouByClass(): number[] {
    return Array.from({ length: this.classes }, (_, label) => {
      const hits = this.#hits(label);
      return hits / (this.#row(label) + this.#column(label) - hits);
    });
  }

  /** NaN without any such class. */
  meanIou(rule: MeanRule = 'present'): number {
    const counted = this.iouByClass().filter((iou, label) =>
      rule === 'present' ? !Number.isNaN(iou) : this.#row(label) > 0,
    );
    return counted.reduce((sum, iou) => sum + iou, 0) / counted.length;
  }

  /** Share of the pixels with the right label. */
  pixelAccuracy(): number {
    let hits = 0;
    for (let label = 0; label < this.classes; label++) hits += this.#hits(label);
    return hits / this.counts.reduce((sum, count) => sum + count, 0);
  }
}
