/** The command line, the same for every script. */
import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Simd } from './contest.js';
import { DRAWN_ROW, drawnV1, publishedRows, type Row } from './rows.js';

const HELP = `--models DIR     folder with the published .tflite files (default: $DEPTHWISE_DATA/models)
--rows NAMES     networks, of ${[DRAWN_ROW, ...Object.keys(publishedRows)].join(', ')} (default: ${DRAWN_ROW},v1-0.25-128,v2-1.0-224)
--seconds N      time for the turns of each network (default 10)
--simd LEVEL     scalar, simd (default) or relaxed; LiteRT.js has no build without SIMD
--clock CLOCK    wall (default), or cpu: the process's own time, for a machine that others use too; Node only
`;

export interface Options {
  readonly rows: readonly Row[];
  readonly seconds: number;
  readonly simd: Simd;
  readonly clock: 'wall' | 'cpu';
}

/** Ends the process after --help or a mistake. */
export async function readOptions(): Promise<Options> {
  try {
    const { values } = parseArgs({
      options: {
        models: { type: 'string', default: join(process.env.DEPTHWISE_DATA ?? '.', 'models') },
        rows: { type: 'string', default: `${DRAWN_ROW},v1-0.25-128,v2-1.0-224` },
        seconds: { type: 'string', default: '10' },
        simd: { type: 'string', default: 'simd' },
        clock: { type: 'string', default: 'wall' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const { simd, clock } = values;
    if (!['scalar', 'simd', 'relaxed'].includes(simd))
      throw new Error(`--simd: wanted scalar, simd or relaxed, found '${simd}'`);
    if (clock !== 'wall' && clock !== 'cpu') throw new Error(`--clock: wanted wall or cpu, found '${clock}'`);
    const seconds = Number(values.seconds);
    if (!(seconds > 0)) throw new Error(`--seconds: wanted a number above 0, found '${values.seconds}'`);
    const rows = await Promise.all(values.rows.split(',').map((name) => rowOf(name, values.models)));
    return { rows, seconds, simd: simd as Simd, clock };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

async function rowOf(name: string, models: string): Promise<Row> {
  if (name === DRAWN_ROW) return { name, file: drawnV1() };
  if (!Object.hasOwn(publishedRows, name)) throw new Error(`--rows: there is no '${name}'`);
  const file = join(models, publishedRows[name as keyof typeof publishedRows]);
  return { name, file: Uint8Array.from(await readFile(file)) };
}

export const machine = (): string =>
  `${cpus()[0].model.trim()}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`;
