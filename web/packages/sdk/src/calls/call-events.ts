import type { CallEnd } from './ends.js';
import type { CallPath } from './path.js';

/** Where a call is: it only ever goes forward. */
export type CallState = 'starting' | 'reaching' | 'ringing' | 'accepted' | 'connected' | 'ended';

/** What is not heard, and what is not seen. */
export interface Muted {
  /** The microphone is off. */
  audio: boolean;
  /** The camera is off, or there is none. */
  video: boolean;
}

/** What a {@link Call} tells. */
export interface CallEvents {
  /** The call moved on. */
  state: CallState;
  /** A stream came, or got another track. */
  stream: { local?: MediaStream; remote?: MediaStream };
  /** The own microphone or camera was switched, or was lost. */
  muted: Muted;
  /** The other side switched its microphone or camera. */
  peerMuted: Muted;
  /** Media stopped coming through (`true`), or flows again. */
  interrupted: boolean;
  /** Media goes another way, or its first. */
  path: CallPath;
  /** The call is over. */
  ended: CallEnd;
}
