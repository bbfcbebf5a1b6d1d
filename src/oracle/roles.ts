/**
 * Every library's names of MobileNet's tensors, by the place that they have in it: 'depthwise 3 norm'. Modules of PyTorch that end with an
 * activation (torchvision's Conv2dNormActivation, timm's BatchNormAct2d) stand for the activation's tensor, blocks for their last.
 */

import { MOBILENET_V2_TABLE } from '../models/mobilenet-v2.js';
import { type UnitNames, V1_NAMES, type V1Names, V2_NAMES, type V2Names } from '../models/node-names.js';
import { TIMM_V1, TIMM_V1_MODULES, TIMM_V2, TIMM_V2_MODULES } from '../models/timm-names.js';

/** Name → role. */
type RoleTable = Map<string, string>;

/** For V1 and V2 each, one table a library. */
export function roleTables(): RoleTable[][] {
  return [
    [...[...Object.values(V1_NAMES), TIMM_V1].map(v1Roles), timmV1Modules()],
    [...[...Object.values(V2_NAMES), TIMM_V2].map(v2Roles), torchvisionModules(), timmV2Modules()],
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

const V1_BLOCKS = TIMM_V1_MODULES.length;
const V2_BLOCKS = TIMM_V2_MODULES.length;
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function v1Roles(names: V1Names): RoleTable {
  const table: RoleTable = new Map();
  addUnit(table, 'stem', names.convolution(0));
  for (const block of range(1, V1_BLOCKS)) {
    addUnit(table, `depthwise ${block}`, names.depthwise(block));
    addUnit(table, `pointwise ${block}`, names.pointwise(block));
  }
  addHead(table, names.head);
  return table;
}

function v2Roles(names: V2Names): RoleTable {
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

/** timm's blocks, by what a forward hook on them sees. */
function timmV1Modules(): RoleTable {
  return new Map(TIMM_V1_MODULES.map((module, index) => [module, `pointwise ${index + 1} relu6`]));
}

function timmV2Modules(): RoleTable {
  return new Map(
    TIMM_V2_MODULES.map((module, block) => [module, isResidual(block) ? `add ${block}` : `project ${block} norm`]),
  );
}

/** Of Table 2's rows every repeat but the first adds its input. */
function isResidual(block: number): boolean {
  let first = 0;
  for (const { operator, n } of MOBILENET_V2_TABLE) {
    if (operator !== 'bottleneck') continue;
    if (block === first) return false;
    first += n;
  }
  return true;
}
