/** Where downloads are kept: DEPTHWISE_CACHE, or the folder that each system has for what may be deleted and fetched again. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const { DEPTHWISE_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (DEPTHWISE_CACHE) return DEPTHWISE_CACHE;
  if (platform === 'win32') return join(LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'depthwise', 'Cache');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'depthwise');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'depthwise');
}
