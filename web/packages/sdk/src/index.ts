/**
 * Callbox for the web: sign-in, messages, presence and calls.
 *
 * @packageDocumentation
 */
export { CallboxClient, type ClientEvents, type ClientOptions } from './client.js';
export {
  CallboxError,
  type CallboxErrorCode,
  type CallboxErrorInit,
  type ClientErrorCode,
  type RetryClass,
} from './errors.js';
export {
  type BrowserStorage,
  browserSessionStore,
  memorySessionStore,
  type SessionStore,
  type StoreChoice,
  type StoredSession,
} from './session-store.js';
export type { SignInOptions } from './session.js';
export { playStream } from './calls/media.js';
export type { AcceptOptions, Call } from './calls/call.js';
export type { CallEvents, CallState, Muted } from './calls/call-events.js';
export type { Calls, CallsEvents, StartOptions } from './calls/calls.js';
export type { CallEnd, CallEndCause } from './calls/ends.js';
export type { CallPath } from './calls/path.js';
export type { Directory, DirectoryEvents } from './directory.js';
export type { Emitter } from './emitter.js';
export type { LocalMessages } from './local-copy.js';
export {
  type LocalChange,
  type LocalRecord,
  type LocalStore,
  type LocalStoreChoice,
  memoryLocalStore,
} from './local-store.js';
export type { Messages, MessagesEvents } from './messages.js';
export type { StaleEvent } from './resync.js';
export type { OutgoingMessage } from './send-queue.js';
export type { Presence as PresenceWatch, PresenceEvents } from './presence.js';
export type { Sessions } from './sessions.js';
export type { Channel, SocketLike, Timer, World, WorldEvent } from './world.js';
export type * from './types.js';
