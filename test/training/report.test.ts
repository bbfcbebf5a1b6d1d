import { expect, test } from 'vitest';
import { recipeWith } from '../../src/training/loop/recipe.js';
import { niceStep, reportHtml } from '../../src/training/loop/report.js';

const epoch = (number: number, trainLoss: number) => ({
  epoch: number,
  trainLoss,
  trainAccuracy: 0.25 * number,
  testAccuracy: 0.5,
  learningRate: 0.1,
  seconds: 1800,
});

const html = reportHtml({
  title: 'cats & <dogs>',
  recipe: recipeWith({ seed: 42 }),
  history: [epoch(1, 2), epoch(2, 1), epoch(3, 0.5)],
  evaluation: {
    top1: 0.625,
    top5: 1,
    perClass: { cat: 0.75, dog: 0.5 },
    confusion: [
      [3, 1],
      [2, 2],
    ],
  },
  classes: ['cat', 'dog'],
});

test('says what was reached, in which time, by which recipe', () => {
  expect(html).toContain('Test accuracy 62.50 %, among the best five 100.00 %, after 3 epochs and\n1.50 hours.');
  expect(html).toContain('&quot;seed&quot;: 42');
  expect(html).toContain('<h1>cats &amp; &lt;dogs&gt;</h1>');
});

test('a curve runs from the left edge to the right, the highest value on the top line', () => {
  // Loss 2, 1, 0.5 at x = 56, 344, 632; 2 is y = 8, 0 is y = 212.
  expect(html).toContain('<polyline class="curve0" points="56.0,8.0 344.0,110.0 632.0,161.0"/>');
});

test('a chart: its curves by name, and lines at round numbers from 0 to the top', () => {
  const [, loss, accuracy, rate] = html.split('<h2>');
  expect(loss.startsWith('Loss in training</h2>\n<p><span class="key0">training</span></p>\n')).toBe(true);
  expect(loss).toContain('<svg viewBox="0 0 640 240" role="img" aria-label="Loss in training by epoch">');
  // 204 pixels for 2, a line at every 0.5.
  const lines = [
    ...loss.matchAll(
      /<line x1="56" x2="632" y1="([^"]*)" y2="([^"]*)"\/>\n<text x="50" y="([^"]*)" text-anchor="end">([^<]*)</g,
    ),
  ];
  expect(lines.map(([, ...found]) => found)).toEqual([
    ['212.0', '212.0', '216.0', '0'],
    ['161.0', '161.0', '165.0', '0.5'],
    ['110.0', '110.0', '114.0', '1'],
    ['59.0', '59.0', '63.0', '1.5'],
    ['8.0', '8.0', '12.0', '2'],
  ]);
  expect(loss).toContain('<text x="344.0" y="232" text-anchor="middle">2</text>');
  expect(accuracy).toContain('Accuracy</h2>\n<p><span class="key0">training</span> <span class="key1">test</span></p>');
  // 0.5 of 0.8, the multiple of 0.1 above 0.75.
  expect(accuracy).toContain('<polyline class="curve1" points="56.0,84.5 344.0,84.5 632.0,84.5"/>');
  expect(rate).toContain('Learning rate</h2>\n<p><span class="key0">at the end of the epoch</span></p>');
});

test('a class without test pictures: no number of right ones, and no share', () => {
  const page = reportHtml({
    title: 'x',
    recipe: recipeWith({}),
    history: [],
    classes: ['cat', 'dog'],
    evaluation: {
      top1: 1,
      top5: 1,
      perClass: { cat: 1 },
      confusion: [
        [2, 0],
        [0, 0],
      ],
    },
  });
  expect(page).toContain(
    '<tr><th scope="row">dog</th><td class="wrong" style="--share:0.0%">0</td><td class="right" style="--share:0.0%">0</td><td></td></tr>',
  );
  expect(page).toContain(
    '<tr><td></td><th scope="col">cat</th><th scope="col">dog</th><th scope="col">right</th></tr>',
  );
});

test('the confusion matrix: counts, their share of the row, and what is right', () => {
  expect(html).toContain(
    '<tr><th scope="row">cat</th><td class="right" style="--share:75.0%">3</td><td class="wrong" style="--share:25.0%">1</td><td>75.00 %</td></tr>',
  );
});

test('needs nothing but itself', () => {
  expect(html).not.toMatch(/https?:|<script|<link|@import|url\(/);
});

test('epochs are marked by whole numbers, at most some eight', () => {
  const marks = (epochs: number): number[] => {
    const history = Array.from({ length: epochs }, (_, index) => epoch(index + 1, 1));
    const [chart] = reportHtml({
      title: 'x',
      recipe: recipeWith({}),
      classes: ['a'],
      evaluation: { top1: 0, top5: 0, perClass: {}, confusion: [[0]] },
      history,
    }).split('</svg>');
    return [...chart.matchAll(/text-anchor="middle">([^<]*)</g)].map(([, mark]) => Number(mark));
  };
  expect(marks(3)).toEqual([1, 2, 3]);
  expect(marks(20)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  expect(marks(100)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
});

test('a run of one epoch, and one of none', () => {
  const parts = {
    title: 'x',
    recipe: recipeWith({}),
    classes: ['a'],
    evaluation: { top1: 0, top5: 0, perClass: {}, confusion: [[0]] },
  };
  for (const history of [[epoch(1, 0)], []]) expect(reportHtml({ ...parts, history })).not.toContain('NaN');
});

test('steps of axes', () => {
  expect([0, 0.03, 0.2, 0.7, 1, 3, 90].map(niceStep)).toEqual([1, 0.02, 0.2, 0.5, 1, 2, 50]);
});
