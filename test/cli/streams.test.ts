/** Output that cannot be written is a failure, whatever the reason. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { main, smallNetwork, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

/** Runs `depthwise` in a shell, which redirects its output. */
function shell(args: string, redirected: string) {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `"$0" "$1" ${args} ${redirected}`, process.execPath, main],
    {
      encoding: 'utf8',
      cwd: folder.path(''),
    },
  );
  return { exitCode: status, stdout, stderr };
}

const hasFull = existsSync('/dev/full');

describe('stdout', () => {
  const FULL = 'standard output: there is no space left; the answer is not complete';

  test.runIf(hasFull).each(['summary mobilenet_v2', 'models', '--help', '--version', 'summary --help'])(
    'of %s to a full disk: an error and exit code 1',
    (args) => {
      expect(shell(args, '> /dev/full')).toEqual({ exitCode: 1, stdout: '', stderr: `error: ${FULL}\n` });
    },
  );

  test.runIf(hasFull)('with --json the error is JSON too', () => {
    const { exitCode, stderr } = shell('summary mobilenet_v2 --json', '> /dev/full');
    expect([exitCode, JSON.parse(stderr)]).toEqual([1, { error: { code: 'system', message: FULL } }]);
  });

  test.runIf(hasFull)('of a command that judges: exit code 4, as for every failure that is no verdict', async () => {
    await writeModel(folder.path('small.safetensors'), smallNetwork());
    expect(shell('golden --network mobilenet_v1_0.25_32_small --out g.safetensors', '').exitCode).toBe(0);
    expect(shell('compare g.safetensors g.safetensors', '> /dev/full')).toMatchObject({ exitCode: 4 });
  });

  // Node opens /dev/null in the place of a stdout that is closed, as a parent does that wants no answer: they cannot be told apart.
  test('that nobody wants is no failure', () => {
    expect(spawnSync(process.execPath, [main, 'summary', 'mobilenet_v2'], { stdio: 'ignore' }).status).toBe(0);
  });

  test('whose reader has gone: nothing is said, and the exit code is that of SIGPIPE', () => {
    const piped = '2> err.txt; echo $? > code.txt; } | true; sleep 0.5; cat err.txt code.txt';
    const { status, stdout } = spawnSync(
      'sh',
      ['-c', `{ "$0" "$1" summary mobilenet_v2 --json ${piped}`, process.execPath, main],
      { encoding: 'utf8', cwd: folder.path('') },
    );
    expect([status, stdout]).toEqual([0, '141\n']);
  });
});

describe('stderr', () => {
  test.runIf(hasFull)('to a full disk: exit code 1, and the answer is there', () => {
    const { exitCode, stdout } = shell('convert small.safetensors s.npz', '2> /dev/full');
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(existsSync(folder.path('s.npz'))).toBe(true);
  });
});

describe('a file that may not become so large', () => {
  // 8 blocks of 512 or of 1,024 bytes, as the shell counts; the model takes 880 kB.
  test.skipIf(process.platform === 'win32')(
    'an error, exit code 1, the old file stays, and nothing lies beside it',
    () => {
      const out = 'limited.npz';
      writeFileSync(folder.path(out), 'old');
      const before = readdirSync(folder.path(''));
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', `ulimit -f 8; "$0" "$1" convert small.safetensors ${out}`, process.execPath, main],
        { encoding: 'utf8', cwd: folder.path('') },
      );
      expect([status, stderr]).toEqual([
        1,
        `error: ${realpathSync(folder.path(out))}: the file would be larger than the system allows (ulimit -f)\n`,
      ]);
      expect(readFileSync(folder.path(out), 'utf8')).toBe('old');
      expect(readdirSync(folder.path(''))).toEqual(before);
    },
  );
});
