import { describe, expect, test } from 'vitest';
import { expandedWidth, roundChannels, v1Width, v2Width } from '../../src/models/channels.js';

describe('roundChannels', () => {
  test.each([
    // channels, result: the nearest multiple of 8, upwards where 10 % would be lost
    [32, 32],
    [11.2, 16], // 32 · 0.35: the nearest multiple, 8, is below 0.9 · 11.2
    [44.8, 48],
    [33.6, 32],
    [5.6, 8],
    [1, 8],
    [12, 16],
    [11.9, 16],
    [8.88, 8],
    [8.9, 16],
    [18.4, 24],
    [1792, 1792],
  ])('%d becomes %d', (channels, wanted) => {
    expect(roundChannels(channels)).toBe(wanted);
  });

  test('another divisor, another smallest', () => {
    expect(roundChannels(24, 16)).toBe(32);
    expect(roundChannels(3.2, 8, 32)).toBe(32);
    expect(roundChannels(10, 1)).toBe(10);
    expect(roundChannels(80, 72)).toBe(72); // exactly 90 %
  });
});

describe('width rules', () => {
  test('V1: slim and Keras do not round to multiples of 8; slim never goes below 8, Keras does', () => {
    expect(v1Width.slim(64, 0.3)).toBe(19);
    expect(v1Width.keras(64, 0.3)).toBe(19);
    expect(v1Width.torchvision(64, 0.3)).toBe(24);
    expect(v1Width.slim(32, 0.1)).toBe(8);
    expect(v1Width.keras(32, 0.1)).toBe(3);
  });

  test('V2: Keras drops the fraction before it rounds: 16 · 0.56 = 8.96 gives 16 in slim, 8 in Keras', () => {
    expect(roundChannels(v2Width.slim(16, 0.56))).toBe(16);
    expect(roundChannels(v2Width.keras(16, 0.56))).toBe(8);
  });

  const TABLE_2_CHANNELS = [16, 24, 32, 64, 96, 160, 320];

  test('all variants agree at the published alphas', () => {
    for (const alpha of [0.35, 0.5, 0.75, 1, 1.3, 1.4]) {
      for (const channels of TABLE_2_CHANNELS) {
        const exact = roundChannels(channels * alpha);
        expect(roundChannels(v2Width.keras(channels, alpha))).toBe(exact);
        expect(roundChannels(Math.round(channels * alpha))).toBe(exact);
      }
    }
  });

  test("rounding to whole channels first, as Hugging Face's int(round()), differs for 48 pairs of α in 0.10 … 2.00 and c", () => {
    let differing = 0;
    for (let hundredths = 10; hundredths <= 200; hundredths++) {
      for (const channels of TABLE_2_CHANNELS) {
        const exact = channels * (hundredths / 100);
        if (roundChannels(Math.round(exact)) !== roundChannels(exact)) differing += 1;
      }
    }
    expect(differing).toBe(48);
  });

  test('expansion: whole for whole t; for fractions each library rounds its own way', () => {
    for (const rule of Object.values(expandedWidth)) expect(rule(24, 6)).toBe(144);
    expect(expandedWidth.slim(8, 2.3)).toBe(24);
    expect(expandedWidth.keras(8, 2.3)).toBe(18);
    expect(expandedWidth.torchvision(8, 2.3)).toBe(18);
    expect(expandedWidth.torchvision(8, 2.4)).toBe(19);
    expect(expandedWidth.torchvision(8, 1.1)).toBe(9);
    // Python's round(): half to even
    expect(expandedWidth.torchvision(8, 1.0625)).toBe(8);
    expect(expandedWidth.torchvision(8, 1.1875)).toBe(10);
  });
});
