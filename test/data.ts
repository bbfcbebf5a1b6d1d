/** Where the tests' weights, pictures and tables lie: the folder that the environment variable DEPTHWISE_DATA names. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = process.env.DEPTHWISE_DATA;

/** undefined when there is no data folder: the tests that need it are skipped and say so. */
export const dataFolder = folder && existsSync(folder) ? resolve(folder) : undefined;

if (folder && !dataFolder)
  console.warn(`DEPTHWISE_DATA is ${folder}, which does not exist: tests that need data are skipped`);

/** For `describe.skipIf(noData)`; name such tests with "(needs DEPTHWISE_DATA)". */
export const noData = dataFolder === undefined;

/** Path of a file below the data folder. */
export function dataPath(...parts: string[]): string {
  if (dataFolder === undefined) throw new Error('this test needs DEPTHWISE_DATA to name the data folder');
  return join(dataFolder, ...parts);
}
