/** The colours in which data sets draw their labels. */

export type Colour = readonly [red: number, green: number, blue: number];

/** Pascal VOC's colour of a label from 0 to 255: its bits, three at a time, from the highest bit of each channel down. */
export function vocColour(label: number): Colour {
  let [red, green, blue] = [0, 0, 0];
  for (let bit = 7, rest = label; bit >= 0; bit--, rest >>= 3) {
    red |= (rest & 1) << bit;
    green |= ((rest >> 1) & 1) << bit;
    blue |= ((rest >> 2) & 1) << bit;
  }
  return [red, green, blue];
}

/** For all 256 labels. */
export const vocPalette = (): Colour[] => Array.from({ length: 256 }, (_, label) => vocColour(label));

/** Cityscapes' 19 classes, in the order of their training ids. */
export const CITYSCAPES: readonly { readonly label: string; readonly colour: Colour }[] = [
  { label: 'road', colour: [128, 64, 128] },
  { label: 'sidewalk', colour: [244, 35, 232] },
  { label: 'building', colour: [70, 70, 70] },
  { label: 'wall', colour: [102, 102, 156] },
  { label: 'fence', colour: [190, 153, 153] },
  { label: 'pole', colour: [153, 153, 153] },
  { label: 'traffic light', colour: [250, 170, 30] },
  { label: 'traffic sign', colour: [220, 220, 0] },
  { label: 'vegetation', colour: [107, 142, 35] },
  { label: 'terrain', colour: [152, 251, 152] },
  { label: 'sky', colour: [70, 130, 180] },
  { label: 'person', colour: [220, 20, 60] },
  { label: 'rider', colour: [255, 0, 0] },
  { label: 'car', colour: [0, 0, 142] },
  { label: 'truck', colour: [0, 0, 70] },
  { label: 'bus', colour: [0, 60, 100] },
  { label: 'train', colour: [0, 80, 100] },
  { label: 'motorcycle', colour: [0, 0, 230] },
  { label: 'bicycle', colour: [119, 11, 32] },
];

/** The colours of the data set that these labels are of: Cityscapes', or else Pascal VOC's. */
export function paletteFor(labels: readonly string[] | undefined): readonly Colour[] {
  const isCityscapes =
    labels?.length === CITYSCAPES.length && CITYSCAPES.every(({ label }, at) => labels[at] === label);
  return isCityscapes ? CITYSCAPES.map(({ colour }) => colour) : vocPalette();
}
