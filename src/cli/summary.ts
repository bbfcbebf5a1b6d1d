/** `depthwise summary`: the layer table and the totals of a network. */
import { type Command, Option } from 'commander';
import { compileQuantized } from '../engine/int8/engine.js';
import { type MemoryPlan, planMemory } from '../engine/memory-plan.js';
import type { Rounding } from '../layers/int8/fixed-point.js';
import { assumptionsOf } from '../network/conventions.js';
import { type Counting, type Summary, summarize } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import { addIntegerOptions } from './integers.js';
import { addModelOptions, type ModelFlags, NETWORK, networkNamedOrIn, theModel } from './model.js';
import { formatBytes, print, printJson } from './output.js';
import { asCsv, asMarkdown, asText } from './summary-table.js';
import { hanging } from './table.js';

interface Flags extends ModelFlags {
  readonly model?: string;
  readonly grouped?: true;
  readonly counting: Counting;
  readonly markdown?: true;
  readonly csv?: true;
  readonly json?: true;
}

export function configure(command: Command): void {
  command
    .argument('[model]', NETWORK)
    .description('Print the layers of a network with their parameters and multiply-adds, and the totals.');
  command.option('--model <file>', 'the same as the argument');
  addIntegerOptions(addModelOptions(command))
    .option('--grouped', "rows as in the papers' tables: batch norm and activations counted with their convolution")
    .addOption(
      new Option('--counting <rule>', "'papers', or 'batch-norm' to count 2 for each of its outputs, as fvcore does")
        .choices(['papers', 'batch-norm'])
        .default('papers'),
    )
    .addOption(new Option('--markdown', 'a Markdown table').conflicts(['csv', 'json']))
    .addOption(new Option('--csv', 'comma-separated values, the layers alone').conflicts('json'))
    .option(
      '--json',
      '{"network", "layers", "totals", "convention", "memory"}, of a quantised network types and "rounding"; "assumed" where the file does not state how it is used',
    )
    .addHelpText(
      'after',
      `
Examples:
  depthwise summary mobilenet_v1 --alpha 0.75 --resolution 192
  depthwise summary mobilenet_v2 --grouped --markdown
  depthwise summary mobilenet_v2 --expansion 4 --classes 10 --json
  depthwise summary mobilenet_v1_0.25_224.h5`,
    )
    .action(async (name: string | undefined, flags: Flags) => {
      const network = await networkNamedOrIn(theModel(name, flags.model), flags);
      const integers = flags.asRealNumbers ? undefined : integersOf(network);
      const summary = summarize(integers ?? network, { counting: flags.counting, grouped: flags.grouped ?? false });
      const assumed = assumptionsOf(network.conventions);
      const memory = integers ? await memoryOfIntegers(integers) : planMemory(network);
      const rounding = integers && flags.rounding;
      show({ ...summary, memory, ...(rounding && { rounding }), ...(assumed.length > 0 && { assumed }) }, flags);
    });
}

/** What both engines can say. */
type Memory = Pick<MemoryPlan, 'weightBytes' | 'activationBytes'> & Partial<MemoryPlan>;

async function memoryOfIntegers(network: QuantizedNetwork): Promise<Memory> {
  const plan = await compileQuantized(network);
  const { weightBytes, activationBytes } = plan.report().memory;
  plan.dispose();
  return { weightBytes, activationBytes };
}

function show(
  summary: Summary & { memory: Memory; rounding?: Rounding; assumed?: string[] },
  { json, csv, markdown }: Flags,
): void {
  if (json) printJson(summary);
  else if (csv) print(asCsv(summary));
  else if (markdown) print(asMarkdown(summary));
  else {
    const { rounding, assumed = [] } = summary;
    const lines = [
      ...(rounding ? [`computed       with integers of 8 bits, rounding: ${rounding}`] : []),
      ...(assumed.length > 0 ? [`assumed        ${assumed.join('; ')}`] : []),
    ];
    print([asText(summary), ...[memoryLine(summary.memory), ...lines].map((line) => hanging(line))].join('\n'));
  }
}

/** What the WASM engine will need, and what its row blocks save. */
function memoryLine({ weightBytes, activationBytes, wholeMapsActivationBytes }: Memory): string {
  const saved =
    wholeMapsActivationBytes !== undefined && wholeMapsActivationBytes > activationBytes
      ? `; ${formatBytes(wholeMapsActivationBytes)} if every feature map existed whole`
      : '';
  return `memory         ${formatBytes(weightBytes)} packed weights, ${formatBytes(activationBytes)} activations at most${saved} (WASM engine)`;
}
