/** The command line, the same for every script. */
import { parseArgs } from 'node:util';
import type { SimdLevel } from './contestants/contestant.js';
import { type RowName, rowNames } from './rows.js';

export interface Options {
  readonly rows: readonly RowName[];
  readonly seconds: number;
  /** Parts of names; all peers when empty. */
  readonly peers: readonly string[];
  /** Default: relaxed wherever it exists. */
  readonly simd?: SimdLevel;
  /** What is measured: time on the wall, or the processor's time in this process. */
  readonly clock: 'wall' | 'cpu';
  readonly out?: string;
}

const HELP = `--rows NAMES     networks, of ${rowNames.join(', ')}
--seconds N      time for the turns of each network (default 10)
--peers NAMES    only these peers, by any part of their names: litert,onnxruntime
--simd LEVEL     javascript, none, plain or relaxed, for those that have such kernels (default: relaxed where it exists)
--clock CLOCK    wall (default), or cpu: the process's own time, for a machine that others use too; Node only
--out FILE       where the results go as JSON (default: reports/, named after the runtime)
`;

/** Ends the process after --help or a mistake. */
export function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        rows: { type: 'string', default: rowNames.join(',') },
        seconds: { type: 'string', default: '10' },
        peers: { type: 'string', default: '' },
        simd: { type: 'string' },
        clock: { type: 'string', default: 'wall' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const rows = values.rows.split(',');
    const unknown = rows.find((row) => !(rowNames as readonly string[]).includes(row));
    if (unknown !== undefined) throw new Error(`--rows: there is no '${unknown}'`);
    const seconds = Number(values.seconds);
    if (!(seconds > 0)) throw new Error(`--seconds: wanted a number above 0, found '${values.seconds}'`);
    const { simd, clock, out } = values;
    if (clock !== 'wall' && clock !== 'cpu') throw new Error(`--clock: wanted wall or cpu, found '${clock}'`);
    if (simd !== undefined && simd !== 'javascript' && simd !== 'none' && simd !== 'plain' && simd !== 'relaxed') {
      throw new Error(`--simd: wanted javascript, none, plain or relaxed, found '${simd}'`);
    }
    return {
      rows: rows as RowName[],
      seconds,
      peers: values.peers.toLowerCase().split(',').filter(Boolean),
      clock,
      ...(simd && { simd }),
      ...(out && { out }),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}
