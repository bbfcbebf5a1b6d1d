/** Files that are there whole or not at all. */

/**
 * Writes the whole file or nothing: into a temporary file, flushed to the disk, then renamed over the old one; a process or machine that
 * stops at any moment leaves one of the two.
 */
export async function saveWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const { open, rename, rm } = await import('node:fs/promises');
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
