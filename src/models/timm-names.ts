/**
 * timm's modules of MobileNet, in the terms of `node-names.ts`. Its BatchNormAct2d is batch norm and activation in one module.
 *
 * timm/models/efficientnet.py: _gen_mobilenet_v1 and _gen_mobilenet_v2; the names within a block are those of DepthwiseSeparableConv and
 * InvertedResidual in timm/models/_efficientnet_blocks.py.
 */
import { MOBILENET_V2_TABLE } from './mobilenet-v2.js';
import type { UnitNames, V1Names, V2Names } from './node-names.js';

/** Blocks of each stage: dsa_r1_k3_s1_c64, dsa_r2_k3_s2_c128, dsa_r2_k3_s2_c256, dsa_r6_k3_s2_c512, dsa_r2_k3_s2_c1024. */
const V1_STAGES = [1, 2, 2, 6, 2];
/** Table 2's rows: ds_r1_k3_s1_c16, ir_r2_k3_s2_e6_c24, … */
const V2_STAGES = MOBILENET_V2_TABLE.flatMap(({ operator, n }) => (operator === 'bottleneck' ? [n] : []));

const modulesOf = (stages: readonly number[]): string[] =>
  stages.flatMap((blocks, stage) => Array.from({ length: blocks }, (_, block) => `blocks.${stage}.${block}`));

/** The module of each block: V1's from block 1 on, V2's from block 0 on. */
export const TIMM_V1_MODULES = modulesOf(V1_STAGES);
export const TIMM_V2_MODULES = modulesOf(V2_STAGES);

const unit = (layer: string, norm: string): UnitNames => ({ layer, norm, relu6: norm });

const stem = unit('conv_stem', 'bn1');
const head = { pool: 'global_pool', classifier: 'classifier', softmax: 'softmax' };

export const TIMM_V1: V1Names = {
  convolution: () => stem,
  depthwise: (block) => unit(`${TIMM_V1_MODULES[block - 1]}.conv_dw`, `${TIMM_V1_MODULES[block - 1]}.bn1`),
  pointwise: (block) => unit(`${TIMM_V1_MODULES[block - 1]}.conv_pw`, `${TIMM_V1_MODULES[block - 1]}.bn2`),
  head,
};

/** The first block has no expansion, and is depthwise separable to timm. */
export const TIMM_V2: V2Names = {
  stem,
  expand: (block) => unit(`${TIMM_V2_MODULES[block]}.conv_pw`, `${TIMM_V2_MODULES[block]}.bn1`),
  depthwise(block) {
    const module = TIMM_V2_MODULES[block];
    return unit(`${module}.conv_dw`, block === 0 ? `${module}.bn1` : `${module}.bn2`);
  },
  project(block) {
    const module = TIMM_V2_MODULES[block];
    return block === 0
      ? { layer: `${module}.conv_pw`, norm: `${module}.bn2` }
      : { layer: `${module}.conv_pwl`, norm: `${module}.bn3` };
  },
  add: (block) => TIMM_V2_MODULES[block],
  last: unit('conv_head', 'bn2'),
  head,
};
