/** What classify, detect, segment and embed have in common: an answer for each picture. */
import type { Command } from 'commander';
import type { Picture, DecodeOptions as PictureLimits } from '../image/index.js';
import type { Network } from '../network/index.js';
import type { Executor } from '../tasks/index.js';
import { harmless } from './display.js';
import { addTargetOption, executor, type MirrorFlag, type TargetFlags } from './executor.js';
import { addIntegerOptions, type IntegerFlags } from './integers.js';
import { addModelOptions, type ModelFlags } from './model.js';
import { note, print, printJson } from './output.js';
import { addLimitOptions, eachPicture, errorJson, type Outcome } from './pictures.js';
import { withProgress } from './progress.js';

export interface PictureFlags extends ModelFlags, TargetFlags, PictureLimits {
  readonly model: string;
  readonly json?: true;
}

/** How the model is read, what computes it, and how large pictures may be. */
export const addPictureOptions = (command: Command): Command =>
  addLimitOptions(addTargetOption(addIntegerOptions(addModelOptions(command))));

/** The answer for each picture, computed as the flags say, with progress on stderr. */
export async function answer<Result>(
  task: string,
  network: Network,
  pictures: readonly string[],
  flags: TargetFlags & MirrorFlag & IntegerFlags & PictureLimits,
  ask: (run: Executor) => (picture: Picture, path: string) => Promise<Result>,
): Promise<Outcome<Result>[]> {
  return withProgress(task, async (progress) => {
    return await eachPicture(pictures, flags, ask(executor(network, flags, progress, pictures.length)));
  });
}

/** As text, nothing is printed for a picture that cannot be read: that is said on stderr. */
export function printAnswers<Result>(
  outcomes: readonly Outcome<Result>[],
  { json }: { readonly json?: true },
  toJson: (result: Result) => object,
  toText: (result: Result) => string,
): void {
  if (json) {
    printJson(
      outcomes.map(({ picture, ...outcome }) =>
        'error' in outcome ? { picture, error: errorJson(outcome.error) } : { picture, ...toJson(outcome.result) },
      ),
    );
  } else {
    const texts = outcomes.flatMap((one) =>
      'error' in one ? [] : [`${harmless(one.picture)}\n${toText(one.result)}`],
    );
    print(texts.join('\n\n'));
  }
}

/** Says that classes have numbers alone where nothing names them. */
export function noteUnnamed(
  { name, conventions }: Network,
  labels: readonly string[] | undefined,
  { json }: { readonly json?: true },
): void {
  if (json || labels !== undefined || conventions.labels !== undefined) return;
  note(`${name} does not name its outputs: --labels FILE does`);
}
