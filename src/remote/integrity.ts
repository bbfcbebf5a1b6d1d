/** SHA-256 of files from the net, as Subresource Integrity writes it (https://www.w3.org/TR/SRI/) or in hexadecimal digits. */
import { UsageError } from '../errors.js';

/** 64 hexadecimal digits for 'sha256-BASE64' or 64 digits. Throws a UsageError for anything else. */
export function parseIntegrity(integrity: string): string {
  if (/^[\da-f]{64}$/i.test(integrity)) return integrity.toLowerCase();
  const base64 = /^sha256-([\w+/-]{43}=?)$/.exec(integrity)?.[1];
  if (base64 === undefined) {
    throw new UsageError(
      `integrity: wanted 'sha256-' and 44 characters of base64, or 64 hexadecimal digits, found '${integrity}'`,
    );
  }
  const bytes = Uint8Array.from(atob(base64.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0));
  return hexadecimal(bytes);
}

/** The bytes' SHA-256 in 64 hexadecimal digits. Throws a UsageError in a page that is no secure context. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new UsageError(
      'integrity: this page is no secure context (https, or localhost), and browsers compute SHA-256 in no other',
    );
  }
  return hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}

const hexadecimal = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
