/** Archives as NumPy 2.4 wrote them (numpy.savez, numpy.savez_compressed of float32 [1, 2] under the name a), and damaged ones. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, test, vi } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { writeNpy } from '../../src/formats/tensors/npy.js';
import { readNpz, writeNpz } from '../../src/formats/tensors/npz.js';
import { unzip, zip } from '../../src/formats/zip.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { tensorMaps } from './arbitrary.js';
import { expectSameTensors } from './same.js';

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const NPY = [
  '934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028322c292c207d20',
  '20'.repeat(59),
  '0a0000803f00000040',
].join('');
const STORED = fromHex(
  `504b03042d0000000000000021009acaabe7ffffffffffffffff05001400612e6e70790100100088000000000000008800000000000000${NPY}504b01022d032d0000000000000021009acaabe78800000088000000050000000000000000000000800100000000612e6e7079504b0506000000000100010033000000bf0000000000`,
);
const DEFLATED = fromHex(
  '504b03042d0000000800000021009acaabe7ffffffffffffffff05001400612e6e70790100100088000000000000004c000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e0686067b0606060700504b01022d032d0000000800000021009acaabe74c00000088000000050000000000000000000000800100000000612e6e7079504b0506000000000100010033000000830000000000',
);

const only = (name: string, x: Tensor) => new Map([[name, x]]);

describe('NumPy archives', () => {
  test.each([
    ['savez', STORED],
    ['savez_compressed', DEFLATED],
  ])('%s', async (_, bytes) => {
    expect(await readNpz(bytes)).toEqual({ tensors: only('a', tensor([2], [1, 2])), others: new Map() });
  });

  const python = spawnSync('python3', ['-c', 'import numpy']).status === 0;
  test.skipIf(!python)('NumPy reads what is written (needs python3 with numpy)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'depthwise-npz-'));
    try {
      const tensors = new Map([
        ['conv1/kernel', tensor([2, 1, 3], [1, -2, 0.5, 0, 4, 5])],
        ['scalar', tensor([], Float64Array.of(0.1))],
      ]);
      writeFileSync(join(folder, 'x.npz'), await writeNpz(tensors));
      const script = `import numpy, sys; z = numpy.load(sys.argv[1])
for k in sorted(z): print(k, z[k].dtype, z[k].shape, z[k].ravel().tolist())`;
      const { stdout } = spawnSync('python3', ['-c', script, join(folder, 'x.npz')], { encoding: 'utf8' });
      expect(stdout).toBe('conv1/kernel float32 (2, 1, 3) [1.0, -2.0, 0.5, 0.0, 4.0, 5.0]\nscalar float64 () [0.1]\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('tensors of any name are read back bit for bit, and the other entries beside them', async () => {
  await fc.assert(
    fc.asyncProperty(tensorMaps, fc.uint8Array(), async (tensors, note) => {
      const back = await readNpz(await writeNpz(tensors, undefined, new Map([['note.txt', note]])));
      expect(back.others.get('note.txt')).toEqual(note);
      expectSameTensors(back.tensors, tensors);
    }),
    { numRuns: 50 },
  );
});

test('the same tensors give the same bytes', async () => {
  const tensors = only('a', tensor([2], [1, 2]));
  expect(await writeNpz(tensors)).toEqual(await writeNpz(tensors));
});

test('archives of other programs: compressed, with folders, comments and a checksum that is checked', async () => {
  const text = strToU8('the same words again, the same words again');
  const archive = zipSync({
    'folder/': [new Uint8Array(0), { level: 0 }],
    'folder/a.txt': [text, { level: 9 }],
    empty: new Uint8Array(0),
  });
  const withComment = Uint8Array.of(...archive, ...strToU8('comment'));
  withComment[archive.length - 2] = 7;
  expect([...(await unzip(withComment))]).toEqual([
    ['folder/a.txt', text],
    ['empty', new Uint8Array(0)],
  ]);
});

test('a large entry is inflated whole, through many pieces', async () => {
  const noise = Uint8Array.from({ length: 300_000 }, (_, index) => (index * index * 31) >> 7);
  const content = (await unzip(zipSync({ noise }))).get('noise')!;
  expect(Buffer.compare(content, noise)).toBe(0);
});

describe('errors', () => {
  /** The stored archive's directory entry begins at 191, its end record at 242. */
  const edited = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
    const copy = bytes.slice();
    copy.set(values, at);
    return copy;
  };
  const DIRECTORY = 191;
  const END = 242;
  const DEFLATED_DIRECTORY = 131;
  test.each<[string, Uint8Array, string]>([
    ['cut', STORED.slice(0, -1), 'truncated: the directory at the end of the zip archive is missing'],
    ['cut to nothing', STORED.slice(0, 10), 'truncated: the directory at the end of the zip archive is missing'],
    ['zip64', edited(STORED, END + 16, 255, 255, 255, 255), 'zip64 archives are not supported'],
    [
      'directory elsewhere',
      edited(STORED, END + 16, 0, 0, 0, 0),
      'damaged: entry 0 of 1 is missing from the zip directory',
    ],
    [
      'directory beyond the end',
      edited(STORED, END + 16, 0, 0, 0, 0x7f),
      'damaged: entry 0 of 1 is missing from the zip directory',
    ],
    ['two entries stated', edited(STORED, END + 10, 2), 'damaged: entry 1 of 2 is missing from the zip directory'],
    ['encrypted', edited(STORED, DIRECTORY + 8, 1), "entry 'a.npy' is encrypted, which is not supported"],
    [
      'method',
      edited(STORED, DIRECTORY + 10, 14),
      "entry 'a.npy' is compressed by method 14; wanted 0 (stored) or 8 (deflated)",
    ],
    [
      'local header',
      edited(STORED, DIRECTORY + 42, 1),
      "entry 'a.npy' should begin at byte 1, where there is no entry",
    ],
    [
      'local header beyond the end',
      edited(STORED, DIRECTORY + 42, 0, 0, 0, 0xff),
      "entry 'a.npy' should begin at byte 4278190080, where there is no entry",
    ],
    [
      'compressed size',
      edited(STORED, DIRECTORY + 20, 0, 1),
      "entry 'a.npy' reaches to byte 311, the file ends at 264",
    ],
    [
      'size of a stored entry',
      edited(STORED, DIRECTORY + 24, 0x89),
      "entry 'a.npy' is stored in 136 bytes, but declares 137",
    ],
    ['content', edited(STORED, 100, 0), "entry 'a.npy' is damaged: wrong checksum"],
    [
      'deflated content',
      edited(DEFLATED, 70, 0),
      "entry 'a.npy' is damaged after 0 of 136 bytes: invalid distance too far back",
    ],
    [
      'inflates to more',
      edited(DEFLATED, DEFLATED_DIRECTORY + 24, 100),
      "entry 'a.npy' is damaged after 0 of 100 bytes: it inflates to more",
    ],
    [
      'inflates to less',
      edited(DEFLATED, DEFLATED_DIRECTORY + 24, 200),
      "entry 'a.npy' is damaged after 136 of 200 bytes: incorrect length check",
    ],
    [
      'declares more than deflate can make of its bytes',
      edited(DEFLATED, DEFLATED_DIRECTORY + 24, 0, 0, 8),
      "entry 'a.npy' declares 524288 bytes, more than 76 inflate to",
    ],
    [
      'deflated content is cut',
      edited(DEFLATED, DEFLATED_DIRECTORY + 20, 60),
      "entry 'a.npy' is damaged after 64 of 136 bytes: unexpected end of file",
    ],
  ])('%s', async (_, bytes, message) => {
    await expect(readNpz(bytes, 'a.npz')).rejects.toThrow(new FormatError(`a.npz: ${message}`));
  });

  test('an entry that is no array of its name', async () => {
    const bytes = await zip(new Map([['a.npy', strToU8('no array')]]));
    await expect(readNpz(bytes, 'a.npz')).rejects.toThrow(
      'a.npz: a.npy: not a .npy file: it does not begin with \\x93NUMPY',
    );
  });

  test('deflated, where the platform does not inflate: browsers before DecompressionStream', async () => {
    vi.stubGlobal('DecompressionStream', undefined);
    try {
      await expect(readNpz(DEFLATED, 'a.npz')).rejects.toThrow(
        new FormatError("a.npz: entry 'a.npy' is deflated, and no DecompressionStream is here to inflate it"),
      );
      expect((await readNpz(STORED, 'a.npz')).tensors.size).toBe(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('the same name twice', async () => {
    const archive = await zip(
      new Map([
        ['ab', strToU8('x')],
        ['ac', strToU8('y')],
      ]),
    );
    const renamed = Uint8Array.from(archive, (byte) => (byte === 'c'.charCodeAt(0) ? 'b'.charCodeAt(0) : byte));
    await expect(unzip(renamed, 'a.npz')).rejects.toThrow(new FormatError("a.npz: there are two entries 'ab'"));
  });

  test('entries that share their bytes, as compression bombs do', async () => {
    const archive = await zip(
      new Map([
        ['ab', strToU8('x')],
        ['ac', strToU8('y')],
      ]),
    );
    const end = archive.length - 22;
    const second = new DataView(archive.buffer).getUint32(end + 16, true) + 46 + 2;
    new DataView(archive.buffer).setUint32(second + 42, 0, true);
    await expect(unzip(archive, 'a.npz')).rejects.toThrow(new FormatError("a.npz: the entries 'ab' and 'ac' overlap"));
  });

  test('a bomb is refused by what it declares, before anything is inflated', async () => {
    const bomb = zipSync({ 'zeros.npy': [writeNpy(tensor([2 ** 23], new Float32Array(2 ** 23))), { level: 9 }] });
    expect(bomb.length).toBeLessThan(40_000);
    await expect(readNpz(bomb, 'a.npz')).rejects.toThrow(
      `a.npz: its entries declare 33554560 bytes; at most ${20 * bomb.length + 2 ** 20} are read from an archive of ${bomb.length} (20 times its size and 1 MiB)`,
    );
  });

  test('more entries than a directory counts are not written', async () => {
    const one = Uint8Array.of(1);
    const many = new Map(Array.from({ length: 65_534 }, (_, index) => [`${index}`, one]));
    expect((await unzip(zip(many))).size).toBe(65_534);
    expect(() => zip(new Map([...many, ['more', one]]))).toThrow(
      'zip archive: 65535 files of 65535 bytes; at most 65534 files of 4294967294 bytes can be written',
    );
  });

  test('a directory that declares fewer entries than it has is damaged', async () => {
    const bytes = zip(
      new Map([
        ['a', Uint8Array.of(1)],
        ['b', Uint8Array.of(2)],
      ]),
    );
    bytes[bytes.length - 22 + 10] = 1;
    await expect(unzip(bytes, 'x.npz')).rejects.toThrow(
      'x.npz: damaged: the zip directory has more entries than the 1 it declares',
    );
  });

  test('two entries of one name are not written', () => {
    expect(() => writeNpz(only('a', tensor([], [1])), undefined, new Map([['a.npy', Uint8Array.of()]]))).toThrow(
      new FormatError("npz: there are two entries 'a.npy'"),
    );
  });
});
