/** Folders, and those that they lie in. */

/**
 * Makes a folder, and those that it lies in, where it is not there. Throws the system's error at the folder that cannot be made: Node 20's own
 * recursive `mkdir` never ends below /proc, and says ENOENT of a file system that is read-only.
 */
export async function makeFolder(path: string): Promise<void> {
  const { mkdir, stat } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  const make = (): Promise<void> =>
    mkdir(path).catch(async (error) => {
      const found = await stat(path).catch(() => undefined);
      if (!found?.isDirectory()) throw error;
    });
  try {
    await make();
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    await make();
  }
}
