/** The things that the SDK's public functions take and return. */
import type { Identity, Message, MessageOrigin, SessionAnswer, Typing } from '@callbox/wire';
import type { CallboxError } from './errors.js';
import type { Recipient } from './frames.js';

export type {
  CallCause,
  CallMedia,
  CallSummary,
  Conversation,
  Device,
  DirectoryEntry,
  ErrorCode,
  ErrorInfo,
  Identity,
  ListedSession,
  Message,
  MessageOrigin,
  Presence,
  PresenceStatus,
  Receipt,
  Session,
  User,
} from '@callbox/wire';
export type { Recipient, UnknownFrame } from './frames.js';

/** Who is signed in, and on which session. */
export type SignedIn = SessionAnswer;

/** Someone writes, or stopped. */
export type TypingEvent = Typing;

/** Every field of every way to prove who signs in. */
interface CredentialFields {
  ticket: string;
  jwt: string;
  userId: string;
  accessToken: string;
  identity: Identity;
  username: string;
  password: string;
}

/** These fields and none of the others. */
type Only<Fields extends keyof CredentialFields> = Pick<CredentialFields, Fields> &
  Partial<Record<Exclude<keyof CredentialFields, Fields>, never>>;

/** Exactly one way to prove who signs in. */
export type Credential =
  /** A ticket signed by the app's backend, or the one that a sign-up answered. */
  | Only<'ticket'>
  /** A JWT of the app's backend or of its identity provider. */
  | Only<'jwt'>
  /** An access token that the app's backend issued, and whose it is. */
  | Only<'userId' | 'accessToken'>
  /** A user with a password. */
  | Only<'identity' | 'password'>
  /** A registered device, with the name and the password that it was given. */
  | Only<'username' | 'password'>
  /** Open sign-in: any user id, where the app switched that on (development). */
  | Only<'userId'>;

/** Why a session is over; `unknown` where the server does not tell, or knows it no more. */
export type SessionEndReason =
  | 'signed_out'
  | 'expired'
  | 'ended_by_user'
  | 'replaced'
  | 'password_changed'
  | 'ended_by_app'
  | 'ended_by_operator'
  | 'user_blocked'
  | 'user_deleted'
  | 'app_disabled'
  | 'secret_rotated'
  | 'unknown';

/** Why the app is asked for a credential: its session has to be renewed with a fresh one, or is over. */
export type CredentialsReason = 'renewal' | SessionEndReason;

/**
 * How the connection is:
 * - `signed-out`: nobody is signed in;
 * - `connecting`: a socket is being opened;
 * - `online`: events arrive;
 * - `waiting`: the socket is lost, and another attempt follows by itself;
 * - `stopped`: signed in, but not connected until `client.connect()` is called: the app closed the client, or the server
 *   does not want this connection back (the event's `error` says why).
 */
export type ConnectionState = 'signed-out' | 'connecting' | 'online' | 'waiting' | 'stopped';

/** The connection changed. */
export interface ConnectionChange {
  /** How it is now. */
  state: ConnectionState;
  /** When `waiting`: how long. */
  retryInSeconds?: number;
  /** Why it was lost or stopped. */
  error?: CallboxError;
}

/** To whom: a user's id, or one of the two in full. */
export type To = string | Recipient;

/** One page of a list. */
export interface Page<Item> {
  /** The items, in the order of the list. */
  items: Item[];
  /** Give this as `cursor` for the next page; `null` on the last. */
  nextCursor: string | null;
}

/** A message arrived: someone else's, or one's own from this or another device. */
export interface MessageEvent {
  /** The message. */
  message: Message;
  /** Whether the signed-in user wrote it. */
  mine: boolean;
  /** From which of the user's own sessions it came; `null` for messages of others. */
  origin: MessageOrigin | null;
}
