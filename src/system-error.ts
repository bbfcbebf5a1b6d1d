/** Why the operating system refuses a file or folder: one wording for each reason, wherever it is met. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a file stands where a folder is wanted',
  EISDIR: 'is a folder, not a file',
  EEXIST: 'a file stands where a folder is wanted',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'there is no space left',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than the system allows (ulimit -f)',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'a symbolic link leads back to itself',
};

/** The reason in words, to stand behind `path: `; the system's own message where it is a rare one. */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && reasons[code]) || message;
}
