/** How the golden layer tables of facts are read and compared. */
import { expect } from 'vitest';
import { inferShapes, type LayerSummary, type Network, summarize } from '../../src/network/index.js';

/** Totals in the words of the published tables. */
export function count(network: Network) {
  const { multiplyAdds, params } = summarize(network).totals;
  return { multiplyAdds, kernels: params.kernels, trainable: params.trainable, stored: params.stored };
}

const number = (text: string) => Number(text.replaceAll(',', ''));

/**
 * Compares each line of the table, columns two or more spaces apart, with the layer of that slim scope in the one network and of that
 * Keras name in the other. Returns the lines.
 */
export function checkGoldenTable(table: string, networks: { slim: Network; keras: Network }): string[] {
  const lines = table.trim().split('\n');
  for (const line of lines) {
    const [slim, keras, kernel, stride, input, output, , weights, multiplyAdds, field] = line.trim().split(/\s{2,}/);
    const wanted = {
      kernel,
      stride,
      input,
      output,
      weights: number(weights),
      multiplyAdds: number(multiplyAdds),
      field,
    };
    for (const [name, network] of [
      [slim, networks.slim],
      [keras, networks.keras],
    ] as const) {
      expect({ name, ...found(network, name) }).toEqual({ name, ...wanted });
    }
  }
  return lines;
}

/** The layer in the table's notation. */
function found(network: Network, name: string) {
  const shapes = inferShapes(network);
  const index = network.nodes.findIndex((node) => node.name === name);
  if (index < 0) return undefined;
  const layer = summarize(network).layers[index];
  const source = network.nodes.find((node) => node.name === network.nodes[index].inputs[0]);
  const read = source?.kind === 'pad' ? source.inputs[0] : network.nodes[index].inputs[0];
  return {
    kernel: kernelText(layer),
    stride: layer.strides ? `${layer.strides[0]}` : layer.kind === 'dense' ? '1' : '-',
    input: sizeText(shapes.get(read)!),
    output: sizeText(layer.output),
    weights: layer.params,
    multiplyAdds: layer.multiplyAdds,
    field: layer.receptiveField ? `${layer.receptiveField[0]}` : '-',
  };
}

function kernelText({ kind, kernel }: LayerSummary): string {
  const size = (kernel ?? [1, 1]).join('x');
  return size + (kind === 'depthwiseConv2d' ? 'dw' : kind === 'globalAveragePool' ? ' avg' : '');
}

/** 7x7x1024; a vector counts as a map of one position. */
function sizeText([, ...sizes]: readonly number[]): string {
  return (sizes.length === 1 ? [1, 1, ...sizes] : sizes).join('x');
}
