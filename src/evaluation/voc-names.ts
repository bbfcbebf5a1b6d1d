/** Six of Pascal VOC's twenty classes have other names in COCO. */
const VOC_NAMES: Readonly<Record<string, string>> = {
  airplane: 'aeroplane',
  'dining table': 'diningtable',
  motorcycle: 'motorbike',
  'potted plant': 'pottedplant',
  couch: 'sofa',
  tv: 'tvmonitor',
};

/** What VOC calls the class that a label of COCO names; the label itself where both agree. */
export const vocName = (label: string): string => VOC_NAMES[label] ?? label;
