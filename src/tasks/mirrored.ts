/**
 * What a network says of a picture and of its mirror image, averaged. Networks that have learnt from pictures of both kinds make other mistakes about
 * each, and fewer about both (ten views of each picture in Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
 * networks", 2012, §4.1; here two). It takes twice the time.
 */
import { NetworkError } from '../errors.js';
import { mirrorRows } from '../image/picture.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Executor } from './execute.js';

/**
 * An executor of classifiers that asks `execute` twice and answers with the mean of each output. It is not for outputs that say where something
 * is. The function that it makes throws a NetworkError for an input that is no picture [N, H, W, C].
 */
export function mirrored(execute: Executor): Executor {
  const twice: Executor = async (network, input) => {
    const image = mirrorImage(input);
    const plain = await execute(network, input);
    const answers = new Map([...plain].map(([name, x]) => [name, tensor(x.shape, x.data.slice())]));
    const turned = await execute(network, image);
    for (const [name, { data }] of answers) {
      const other = turned.get(name)!.data;
      for (let i = 0; i < data.length; i++) data[i] = (data[i] + other[i]) / 2;
    }
    return answers;
  };
  return execute.prepare ? Object.assign(twice, { prepare: execute.prepare }) : twice;
}

/** Left and right exchanged. */
function mirrorImage(input: Tensor): Tensor {
  const { shape, data } = input;
  if (shape.length !== 4) throw new NetworkError(`mirrored: wanted pictures [N, H, W, C], found [${shape}]`);
  const [, , width, channels] = shape;
  return { ...input, data: mirrorRows(data, data.slice(), width, channels) };
}
