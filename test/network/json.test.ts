import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DepthwiseError } from '../../src/errors.js';
import { mobilenet } from '../../src/models/index.js';
import { fromJson, NetworkBuilder, toJson } from '../../src/network/index.js';

// biome-ignore lint/suspicious/noExplicitAny: these tests break descriptions where the types would not let them
type Loose = any;

function small() {
  const net = new NetworkBuilder();
  const x = net.input('picture', [1, 5, 7, 3]);
  const conv = net.add('conv', 'conv2d', x, {
    filters: 4,
    kernelSize: [3, 3],
    strides: [2, 2],
    dilation: [1, 1],
    padding: { top: 0, bottom: 1, left: 0, right: 1 },
    bias: true,
  });
  const y = net.add('conv_relu', 'relu6', conv, {});
  return net.build('small', [y], {
    source: 'keras',
    output: 'features',
    preprocessing: {
      crop: { kind: 'central', fraction: 0.875 },
      resize: 'tf1-legacy',
      size: [5, 7],
      channels: 'rgb',
      scale: 1 / 127.5,
      mean: [1, 1, 1],
      deviation: [1, 1, 1],
    },
  });
}

/** The description as a model file would hold it, with one place changed. */
function changed(change: (json: Loose) => void): unknown {
  const json = JSON.parse(JSON.stringify(toJson(small())));
  change(json);
  return json;
}

const refusal = (value: unknown): string => {
  try {
    fromJson(value);
  } catch (error) {
    expect(error).toBeInstanceOf(DepthwiseError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('network as JSON', () => {
  test('what toJson writes, fromJson reads back, without the weights', () => {
    const network = small();
    expect(fromJson(JSON.parse(JSON.stringify(toJson(network))))).toEqual(network);
    expect(toJson(network)).not.toHaveProperty('weights');
  });

  test.each(['mobilenet_v1', 'mobilenet_v2'] as const)(
    '%s of every conventions makes the round trip',
    (architecture) => {
      for (const conventions of ['slim', 'keras', 'torchvision'] as const) {
        const network = mobilenet(architecture, { conventions, alpha: 0.35, resolution: [97, 160], outputStride: 16 });
        expect(fromJson(JSON.parse(JSON.stringify(toJson(network))))).toEqual(network);
      }
    },
  );

  test('whatever stands in whichever place: a network, or an error of this library', () => {
    const json = JSON.parse(JSON.stringify(toJson(small())));
    const places: string[][] = [];
    const collect = (value: unknown, path: string[]): void => {
      places.push(path);
      if (typeof value === 'object' && value !== null) {
        for (const [name, field] of Object.entries(value)) collect(field, [...path, name]);
      }
    };
    collect(json, []);
    fc.assert(
      fc.property(fc.constantFrom(...places.slice(1)), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const broken = structuredClone(json);
        const holder = path.slice(0, -1).reduce((object, name) => object[name], broken);
        holder[path.at(-1)!] = value;
        try {
          fromJson(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(DepthwiseError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each<[string, (json: Loose) => void, string]>([
    [
      'another format',
      (j) => (j.format = 'onnx'),
      "network description.format: wanted one of 'depthwise-network', found 'onnx'",
    ],
    ['a later version', (j) => (j.version = 2), 'network description.version: wanted one of 1, found 2'],
    ['no nodes', (j) => delete j.nodes, 'network description.nodes: wanted a list of 0 to 10000, found undefined'],
    [
      'a surplus field',
      (j) => (j.weights = {}),
      "network description: there is no field 'weights'; wanted format, version, name, inputs, nodes, outputs, conventions",
    ],
    [
      'an unknown kind',
      (j) => (j.nodes[0].kind = 'conv3d'),
      "network description.nodes[0] 'conv' ('conv3d'): there is no layer kind 'conv3d'",
    ],
    [
      'a kind out of the prototype',
      (j) => (j.nodes[0].kind = 'constructor'),
      "network description.nodes[0] 'conv' ('constructor'): there is no layer kind 'constructor'",
    ],
    [
      'half a filter',
      (j) => (j.nodes[0].attributes.filters = 1.5),
      "network description.nodes[0] 'conv' ('conv2d').filters: wanted a whole number from 1 to 2147483647, found 1.5",
    ],
    [
      'filters as text',
      (j) => (j.nodes[0].attributes.filters = '4'),
      "network description.nodes[0] 'conv' ('conv2d').filters: wanted a whole number from 1 to 2147483647, found '4'",
    ],
    [
      'strides of one number',
      (j) => (j.nodes[0].attributes.strides = [2]),
      "network description.nodes[0] 'conv' ('conv2d').strides: wanted a list of 2, found [2]",
    ],
    [
      'misspelt padding',
      (j) => (j.nodes[0].attributes.padding = 'SAME'),
      "network description.nodes[0] 'conv' ('conv2d').padding: wanted one of 'same', 'valid', found 'SAME'",
    ],
    [
      'half a padding',
      (j) => (j.nodes[0].attributes.padding = { top: 1, left: 1, right: 1 }),
      "network description.nodes[0] 'conv' ('conv2d').padding.bottom: wanted a whole number from 0 to 2147483647, found undefined",
    ],
    [
      'a missing attribute',
      (j) => delete j.nodes[0].attributes.dilation,
      "network description.nodes[0] 'conv' ('conv2d').dilation: wanted a list of 2, found undefined",
    ],
    [
      'a surplus attribute',
      (j) => (j.nodes[1].attributes.max = 6),
      "network description.nodes[1] 'conv_relu' ('relu6'): there is no field 'max'; wanted none",
    ],
    [
      'attributes as a list',
      (j) => (j.nodes[1].attributes = []),
      "network description.nodes[1] 'conv_relu' ('relu6'): wanted an object, found []",
    ],
    [
      'no inputs of a node',
      (j) => (j.nodes[1].inputs = []),
      'network description.nodes[1].inputs: wanted a list of 1 to 10000, found []',
    ],
    [
      'two inputs where one belongs',
      (j) => j.nodes[1].inputs.push('picture'),
      'conv_relu: relu6: takes one input, found 2',
    ],
    ['a forward reference', (j) => j.nodes.reverse(), "conv_relu: its input 'conv' is not a node before it"],
    [
      'a node that reads itself',
      (j) => (j.nodes[0].inputs = ['conv']),
      "conv: its input 'conv' is not a node before it",
    ],
    ['a name used twice', (j) => (j.nodes[1].name = 'conv'), "small: the name 'conv' is used twice"],
    ["an input's name used twice", (j) => (j.nodes[1].name = 'picture'), "small: the name 'picture' is used twice"],
    ['an unknown output', (j) => (j.outputs = ['softmax']), "small: output 'softmax' is not a node"],
    ['an output listed twice', (j) => (j.outputs = ['conv', 'conv']), "small: output 'conv' is listed twice"],
    ['no outputs', (j) => (j.outputs = []), 'network description.outputs: wanted a list of 1 to 10000, found []'],
    [
      'an input size of 0',
      (j) => (j.inputs[0].shape = [1, 0, 7, 3]),
      'network description.inputs[0].shape[1]: wanted a whole number from 1 to 2147483647, found 0',
    ],
    [
      'a tensor beyond reason',
      (j) => (j.inputs[0].shape = [1, 1e6, 1e6, 3]),
      "small: 'picture' would be [1,1000000,1000000,3], more than 2147483648 numbers",
    ],
    [
      'a padding beyond reason',
      (j) => (j.nodes[0].attributes.padding.bottom = 2 ** 31 - 1),
      "small: 'conv' would be [1,1073741825,3,4], more than 2147483648 numbers",
    ],
    [
      'an unknown source',
      (j) => (j.conventions.source = 'caffe'),
      "network description.conventions.source: wanted one of 'slim', 'keras', 'torchvision', 'tflite', 'other', found 'caffe'",
    ],
    [
      'a label offset of 2',
      (j) => (j.conventions.labelOffset = 2),
      'network description.conventions.labelOffset: wanted one of 0, 1, found 2',
    ],
    [
      'labels that are not text',
      (j) => (j.conventions.labels = ['cat', 7]),
      'network description.conventions.labels[1]: wanted a text of 1 to 1000 characters, found 7',
    ],
    [
      'an unknown crop',
      (j) => (j.conventions.preprocessing.crop.kind = 'random'),
      "network description.conventions.preprocessing.crop.kind: wanted one of 'stretch', 'central', 'shorter-side', 'pad', found 'random'",
    ],
    [
      'no crop',
      (j) => (j.conventions.preprocessing.crop = null),
      "network description.conventions.preprocessing.crop.kind: wanted one of 'stretch', 'central', 'shorter-side', 'pad', found undefined",
    ],
    [
      'a crop of nothing',
      (j) => (j.conventions.preprocessing.crop.fraction = 0),
      'network description.conventions.preprocessing.crop.fraction: wanted a fraction above 0, at most 1, found 0',
    ],
    [
      'a division by 0',
      (j) => (j.conventions.preprocessing.deviation[2] = 0),
      'network description.conventions.preprocessing.deviation[2]: wanted a number other than 0, found 0',
    ],
    [
      'one mean for three channels',
      (j) => (j.conventions.preprocessing.mean = [1]),
      "network description.conventions.preprocessing: 'rgb' wants 3 means and deviations, found 1 and 3",
    ],
  ])('refuses %s', (_, change, message) => {
    expect(refusal(changed(change))).toBe(message);
  });

  test.each([null, undefined, 3, 'network', [], true])('refuses %s in place of a description', (value) => {
    expect(refusal(value)).toMatch(/^network description: wanted an object, found /);
  });

  test('a __proto__ field is refused like any other surplus field and changes no prototype', () => {
    const text = JSON.stringify(toJson(small())).replace(
      '"attributes":{}',
      '"attributes":{"__proto__":{"polluted":true}}',
    );
    expect(refusal(JSON.parse(text))).toBe(
      "network description.nodes[1] 'conv_relu' ('relu6'): there is no field '__proto__'; wanted none",
    );
    expect({}).not.toHaveProperty('polluted');
  });

  test('a node may be called __proto__', () => {
    const json: Loose = changed((j) => {
      j.nodes[1].name = '__proto__';
      j.outputs = ['__proto__'];
    });
    expect(fromJson(json).outputs).toEqual(['__proto__']);
  });

  test('toJson refuses what JSON cannot say', () => {
    const network = small();
    const bad = { ...network, inputs: [{ name: 'picture', shape: [1, Number.POSITIVE_INFINITY, 7, 3] }] };
    expect(() => toJson(bad)).toThrow(
      "network 'small'.inputs[0].shape[1]: wanted a whole number from 1 to 2147483647, found Infinity",
    );
  });
});
