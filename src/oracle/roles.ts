/**
 * Every library's names of MobileNet's tensors, by the place that they have in it: 'depthwise 3 norm'. Modules of PyTorch that end with an
 * activation (torchvision's Conv2dNormActivation, timm's BatchNormAct2d) stand for the activation's tensor, blocks for their last.
 */

import { modelConventions, TABLE_2 } from '../models/index.js';
import { type UnitNames, V1_NAMES, V2_NAMES } from '../models/node-names.js';

/** Name → role. */
type RoleTable = Map<string, string>;

/** For V1 and V2 each, one table a library. */
export function roleTables(): RoleTable[][] {
  return [
    [...modelConventions.map(v1Roles), timmV1()],
    [...modelConventions.map(v2Roles), timmV2(), torchvisionModules()],
  ];
}

function addUnit(table: RoleTable, role: string, { layer, norm, relu6, pad }: UnitNames): void {
  table.set(layer, `${role} layer`).set(norm, `${role} norm`);
  if (relu6 !== undefined) table.set(relu6, `${role} relu6`);
  if (pad !== undefined) table.set(pad, `${role} pad`);
}

function addHead(table: RoleTable, head: (typeof V1_NAMES)['slim']['head']): void {
  for (const [role, name] of Object.entries(head)) table.set(name, `head ${role}`);
}

const V1_BLOCKS = 13;
const V2_BLOCKS = TABLE_2.filter(({ operator }) => operator === 'bottleneck').reduce((sum, { n }) => sum + n, 0);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function v1Roles(conventions: (typeof modelConventions)[number]): RoleTable {
  const names = V1_NAMES[conventions];
  const table: RoleTable = new Map();
  addUnit(table, 'stem', names.convolution(0));
  for (const block of range(1, V1_BLOCKS)) {
    addUnit(table, `depthwise ${block}`, names.depthwise(block));
    addUnit(table, `pointwise ${block}`, names.pointwise(block));
  }
  addHead(table, names.head);
  return table;
}

function v2Roles(conventions: (typeof modelConventions)[number]): RoleTable {
  const names = V2_NAMES[conventions];
  const table: RoleTable = new Map();
  addUnit(table, 'stem', names.stem);
  for (const block of range(0, V2_BLOCKS - 1)) {
    // The first block has no expansion; torchvision's name of it would be the depthwise convolution's.
    if (block > 0) addUnit(table, `expand ${block}`, names.expand(block));
    addUnit(table, `depthwise ${block}`, names.depthwise(block));
    addUnit(table, `project ${block}`, names.project(block));
    table.set(names.add(block), `add ${block}`);
  }
  addUnit(table, 'last', names.last);
  addHead(table, names.head);
  return table;
}

/** torchvision/models/mobilenetv2.py: modules that hold several layers, by what a forward hook on them sees. */
function torchvisionModules(): RoleTable {
  const table: RoleTable = new Map([
    ['features.0', 'stem relu6'],
    ['features.18', 'last relu6'],
    ['features', 'last relu6'],
    ['classifier', 'head classifier'],
  ]);
  for (const block of range(0, V2_BLOCKS - 1)) {
    const module = `features.${block + 1}`;
    if (block > 0) table.set(`${module}.conv.0`, `expand ${block} relu6`);
    table.set(`${module}.conv.${block === 0 ? 0 : 1}`, `depthwise ${block} relu6`);
    table.set(module, isResidual(block) ? `add ${block}` : `project ${block} norm`);
    table.set(`${module}.conv`, `project ${block} norm`);
  }
  return table;
}

/** timm/models/_efficientnet_blocks.py, DepthwiseSeparableConv: bn1 and bn2 hold their activation. */
function timmV1(): RoleTable {
  const table = timmEnds();
  // mobilenetv1_100: stages of 1, 2, 2, 6 and 2 blocks.
  for (const [index, module] of timmBlocks([1, 2, 2, 6, 2]).entries()) {
    const block = index + 1;
    table.set(`${module}.conv_dw`, `depthwise ${block} layer`).set(`${module}.bn1`, `depthwise ${block} relu6`);
    table.set(`${module}.conv_pw`, `pointwise ${block} layer`).set(`${module}.bn2`, `pointwise ${block} relu6`);
    table.set(module, `pointwise ${block} relu6`);
  }
  return table;
}

/** The same file, InvertedResidual: bn1 and bn2 hold their activation, bn3 has none; the first block is separable, its bn2 without one. */
function timmV2(): RoleTable {
  const table = timmEnds();
  const rows = TABLE_2.filter(({ operator }) => operator === 'bottleneck').map(({ n }) => n);
  for (const [block, module] of timmBlocks(rows).entries()) {
    const [expand, depthwise, project] = ['expand', 'depthwise', 'project'].map((part) => `${part} ${block}`);
    if (block === 0) {
      table.set(`${module}.conv_dw`, `${depthwise} layer`).set(`${module}.bn1`, `${depthwise} relu6`);
      table.set(`${module}.conv_pw`, `${project} layer`).set(`${module}.bn2`, `${project} norm`);
    } else {
      table.set(`${module}.conv_pw`, `${expand} layer`).set(`${module}.bn1`, `${expand} relu6`);
      table.set(`${module}.conv_dw`, `${depthwise} layer`).set(`${module}.bn2`, `${depthwise} relu6`);
      table.set(`${module}.conv_pwl`, `${project} layer`).set(`${module}.bn3`, `${project} norm`);
    }
    table.set(module, isResidual(block) ? `add ${block}` : `${project} norm`);
  }
  return table.set('conv_head', 'last layer').set('bn2', 'last relu6');
}

function timmEnds(): RoleTable {
  return new Map([
    ['conv_stem', 'stem layer'],
    ['bn1', 'stem relu6'],
    ['global_pool', 'head pool'],
    ['classifier', 'head classifier'],
  ]);
}

const timmBlocks = (stages: readonly number[]): string[] =>
  stages.flatMap((count, stage) => range(0, count - 1).map((block) => `blocks.${stage}.${block}`));

/** Of Table 2's rows every repeat but the first adds its input. */
function isResidual(block: number): boolean {
  let first = 0;
  for (const { operator, n } of TABLE_2) {
    if (operator !== 'bottleneck') continue;
    if (block === first) return false;
    first += n;
  }
  return true;
}
