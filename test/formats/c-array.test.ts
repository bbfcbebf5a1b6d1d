import { expect, test } from 'vitest';
import { cArrayOf } from '../../src/formats/c-array.js';

test('bytes as C, sixteen in a line, aligned for C++ and for GCC', () => {
  const bytes = Uint8Array.from({ length: 17 }, (_, i) => 15 * i);
  expect(cArrayOf(bytes, '1 net.v2.h')).toBe(`#ifndef _1_net_v2_tflite_included
#define _1_net_v2_tflite_included
#ifdef __cplusplus
extern "C" const unsigned char _1_net_v2_tflite[];
extern "C" const unsigned int _1_net_v2_tflite_len;
alignas(16)
#elif defined(__GNUC__)
__attribute__((aligned(16)))
#endif
const unsigned char _1_net_v2_tflite[] = {
  0x00, 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1,
  0xf0,
};
const unsigned int _1_net_v2_tflite_len = 17;
#endif
`);
});
