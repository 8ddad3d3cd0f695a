import { CallboxError, type ClientErrorCode, clientError } from '../errors.js';
import type { World } from '../world.js';

/** What a call was given to send. @internal */
export interface LocalMedia {
  /** What is sent. */
  stream: MediaStream;
  /** The tracks that the SDK opened, and closes again; not those of an app's own stream. */
  owned: MediaStreamTrack[];
  /** Why there is no picture although one was wanted. */
  error: CallboxError | null;
}

/**
 * Opens the microphone, and the camera where it is wanted. Where only the microphone may be used the call goes on with
 * sound only, and `error` says why. @internal
 */
export async function openMedia(world: World, video: boolean): Promise<LocalMedia> {
  const devices = mediaDevices(world);
  if (video) {
    try {
      return owned(await devices.getUserMedia({ audio: true, video: true }), null);
    } catch (thrown) {
      const error = mediaError(thrown);
      // Fails with an error of its own where it is the microphone that is missing.
      return owned(await openMicrophone(devices), error);
    }
  }
  return owned(await openMicrophone(devices), null);
}

/** Opens the camera alone. @internal */
export async function openCamera(world: World): Promise<MediaStreamTrack> {
  try {
    const stream = await mediaDevices(world).getUserMedia({ video: true });
    const track = stream.getVideoTracks()[0];
    if (track) return track;
  } catch (thrown) {
    throw mediaError(thrown);
  }
  throw clientError('no_device');
}

/** Closes what the SDK opened. @internal */
export function release(local: LocalMedia): void {
  for (const track of local.owned) track.stop();
}

/** An app's own stream: used as it is, and never closed. @internal */
export function foreignMedia(stream: MediaStream): LocalMedia {
  return { stream, owned: [], error: null };
}

/**
 * Shows or plays a stream in a `<video>` or `<audio>` element. Rejects with `autoplay_blocked` where the browser wants
 * a click first: call it again from the click.
 */
export async function playStream(
  element: HTMLMediaElement,
  stream: MediaStream | null,
): Promise<void> {
  if (element.srcObject !== stream) element.srcObject = stream;
  if (!stream) return;
  try {
    await element.play();
  } catch (cause) {
    // A newer stream took this one's place: that one's own promise tells.
    if (nameOf(cause) === 'AbortError') return;
    throw clientError(nameOf(cause) === 'NotAllowedError' ? 'autoplay_blocked' : 'media_failed', {
      cause,
    });
  }
}

/** What the browser threw, with a code and a sentence. @internal */
export function mediaError(thrown: unknown): CallboxError {
  if (thrown instanceof CallboxError) return thrown;
  return clientError(CODES[nameOf(thrown)] ?? 'media_failed', { cause: thrown });
}

async function openMicrophone(devices: Pick<MediaDevices, 'getUserMedia'>): Promise<MediaStream> {
  try {
    return await devices.getUserMedia({ audio: true });
  } catch (thrown) {
    throw mediaError(thrown);
  }
}

function mediaDevices(world: World): Pick<MediaDevices, 'getUserMedia'> {
  if (world.mediaDevices) return world.mediaDevices;
  throw clientError(world.secureContext ? 'media_failed' : 'insecure_context');
}

function owned(stream: MediaStream, error: CallboxError | null): LocalMedia {
  return { stream, owned: stream.getTracks(), error };
}

function nameOf(thrown: unknown): string {
  return (thrown as { name?: string } | null)?.name ?? '';
}

const CODES: Partial<Record<string, ClientErrorCode>> = {
  NotAllowedError: 'permission_denied',
  SecurityError: 'insecure_context',
  NotFoundError: 'no_device',
  OverconstrainedError: 'no_device',
  NotReadableError: 'device_busy',
  AbortError: 'device_busy',
};
