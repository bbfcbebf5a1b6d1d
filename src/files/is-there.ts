import { lstat } from 'node:fs/promises';

/** Whether anything has the name, a symbolic link that leads nowhere included. */
export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
