/** A detector's training as one HTML page. */
import { escaped, percent, runHtml } from '../loop/report.js';
import type { DetectorEpoch } from './train-detector.js';

interface Report {
  readonly title: string;
  readonly recipe: object;
  readonly history: readonly DetectorEpoch[];
  /** AP at IoU 0.5 of each class, of the held-back pictures. */
  readonly byLabel: ReadonlyMap<string, number>;
}

export function detectorReportHtml({ byLabel, ...run }: Report): string {
  const rows = [...byLabel].map(
    ([label, ap]) => `<tr><th scope="row">${escaped(label)}</th><td>${percent(ap)}</td></tr>`,
  );
  const ap50 = run.history.at(-1)?.ap50 ?? null;
  return runHtml({
    ...run,
    reached: ap50 === null ? 'No pictures held back' : `Average precision at IoU 0.5 ${percent(ap50)}`,
    charts: {
      'Loss in training': { boxes: ({ boxLoss }) => boxLoss, classes: ({ classLoss }) => classLoss },
      'Average precision of held-back pictures': { 'AP of COCO': ({ ap }) => ap, 'at IoU 0.5': ({ ap50 }) => ap50 },
    },
    results: `<h2>Average precision at IoU 0.5</h2>
<table>${rows.join('\n')}</table>`,
  });
}
