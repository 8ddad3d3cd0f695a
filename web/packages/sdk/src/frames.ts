/** What travels over the socket, and how it is read and written. The types are those of the wire. */
import type { ClientFrame, ServerFrame, ServerFrameOf } from '@callbox/wire';

export type {
  Call as LiveCall,
  CallMedia,
  CallMediaReport,
  CallSummary,
  ClientFrame,
  ClientFrameOf,
  Conversation,
  Device,
  IceCandidate as Candidate,
  IceConfiguration,
  ServerFrame,
  ServerFrameOf,
  Session,
  SessionDescription as Description,
  SignInAnswer,
  Welcome,
} from '@callbox/wire';

/**
 * To whom: another user, or a conversation that the user is in. Stricter than the wire's, whose schema cannot say
 * "exactly one of the two".
 */
export type Recipient =
  { userId: string; conversationId?: never } | { conversationId: string; userId?: never };

/** What the server tells about calls. @internal */
export type CallServerFrame = Extract<ServerFrame, { type: `call.${string}` }>;

/** What the server tells about a call that is going on, other than answers. @internal */
export type LiveCallFrame = Exclude<CallServerFrame, { re: string } | { seq: number }>;

/** A client frame before it has its request id. @internal */
export type Unnumbered<Frame> = Frame extends { id: string } ? Omit<Frame, 'id'> : never;

/** What can be asked over the socket. @internal */
export type RequestFrame = Unnumbered<ClientFrame>;

/** Every answer carries the id of its request. @internal */
export type ReplyFrame = Extract<ServerFrame, { re: string }> | ServerFrameOf<'error'>;

/** Any JSON object with a type: what a frame is before its type is known. */
export interface UnknownFrame {
  /** The frame's name; empty where the text was not a frame at all. */
  type: string;
  /** The rest. */
  [field: string]: unknown;
}

/** Reads a text; what is not a frame comes back as one without a type. @internal */
export function parseFrame(data: unknown): UnknownFrame {
  if (typeof data !== 'string') return { type: '', data };
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === 'object' && value !== null && 'type' in value) {
      if (typeof value.type === 'string') return value as UnknownFrame;
    }
  } catch {
    // Falls through: the caller hands it to the app as unknown.
  }
  return { type: '', data };
}

/**
 * Writes a frame. Halves of surrogate pairs, which a text cut at the wrong place holds and which servers do not read,
 * become U+FFFD. @internal
 */
export function encodeFrame(frame: ClientFrame): string {
  return JSON.stringify(frame, (_key, value: unknown) =>
    typeof value === 'string' ? value.replace(LONE_SURROGATE, '\uFFFD') : value,
  );
}

/** Largest frame in either direction, in bytes. @internal */
export const FRAME_BYTES_MAX = 64 * 1024;

/** The WebSocket subprotocol. @internal */
export const SUBPROTOCOL = 'callbox.v1';

const LONE_SURROGATE = /\p{Surrogate}/gu;
