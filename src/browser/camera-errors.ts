/** Why there is no camera, and what can be done: the browser's few error names, told apart by what else it lets a page know. */
import { CameraError } from '../errors.js';

/** The error for a place without `navigator.mediaDevices`. */
export function noCameraHere(): CameraError {
  if (typeof document === 'undefined') {
    return new CameraError(
      'unsupported',
      'camera: only a page can open a camera; open it there, and give its frames to a worker (createWorker does)',
    );
  }
  if (!isSecureContext) {
    return new CameraError(
      'insecure',
      `camera: browsers give cameras to secure pages only, and ${location.origin} is not one; serve the page by https, or open it as http://localhost`,
    );
  }
  return new CameraError(
    'unsupported',
    'camera: this browser has no navigator.mediaDevices, so it gives pages no cameras',
  );
}

/** What `getUserMedia` threw, as an error that says what to do. */
export async function cameraError(cause: unknown, deviceId?: string): Promise<CameraError> {
  const { name = 'Error', message = String(cause), constraint } = cause as Partial<OverconstrainedError>;
  const error = (reason: CameraError['reason'], text: string) =>
    new CameraError(reason, `camera: ${text} (${name}${message && `: ${message}`})`, { cause });
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (/system/i.test(message)) {
        return error(
          'denied',
          'the operating system keeps cameras from this browser; allow it in its privacy settings',
        );
      }
      if (forbiddenByPolicy()) return error('policy', POLICY);
      if ((await permission()) === 'prompt') {
        return error(
          'denied',
          'the question for the camera was closed without an answer; ask again, best after a click',
        );
      }
      return error('denied', `${DENIED}${window === window.parent ? '' : ` ${FRAME}`}`);
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return error('absent', 'this machine has no camera, or the system hides it; connect one and start again');
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return error(
        'busy',
        'the camera cannot be started; close other programs and pages that use it, or plug it in again',
      );
    case 'OverconstrainedError':
      return constraint === 'deviceId' || deviceId !== undefined
        ? error('constraint', `no camera has the deviceId '${deviceId}'; devices() lists those that are there now`)
        : error('constraint', `no camera can do what is asked for: ${constraint}`);
    default:
      return error('unsupported', 'the browser does not open the camera');
  }
}

const DENIED =
  "this page may not use the camera; allow it in the site's settings, behind the sign left of the address, and start again";
const FRAME = 'In a frame of another site, the <iframe> needs allow="camera" as well.';
const POLICY =
  'this page\'s permissions policy forbids the camera; an <iframe> needs allow="camera", and a Permissions-Policy header must not say camera=()';

/** Chromium alone tells. */
function forbiddenByPolicy(): boolean {
  const { featurePolicy } = document as { featurePolicy?: { allowsFeature(feature: string): boolean } };
  return featurePolicy?.allowsFeature('camera') === false;
}

/** 'prompt' when the person has not decided. undefined where the browser does not tell. */
async function permission(): Promise<PermissionState | undefined> {
  try {
    return (await navigator.permissions.query({ name: 'camera' as PermissionName })).state;
  } catch {
    return undefined;
  }
}
