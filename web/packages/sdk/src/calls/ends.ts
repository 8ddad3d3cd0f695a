import type { CallSummary } from '../frames.js';
import type { CallCause } from '../types.js';

/** Why a call ended: the server's causes, and the one that only this device sees. */
export type CallEndCause = CallCause | 'answered_elsewhere';

/** How a call ended. */
export interface CallEnd {
  /** For programs. */
  cause: CallEndCause;
  /** For people. */
  sentence: string;
  /** Who ended it; `null` where nobody did. */
  endedBy: string | null;
  /** When. */
  at: string;
}

/** The end as the server wrote it down. @internal */
export function endOf(summary: CallSummary): CallEnd {
  const { cause, endedBy, endedAt } = summary;
  return { cause, endedBy, at: endedAt, sentence: summary.sentence || sentenceOf(cause) };
}

/** What happened, for people; a cause of a newer server gets a plain one. @internal */
export function sentenceOf(cause: CallEndCause): string {
  return (SENTENCES as Partial<Record<string, string>>)[cause] ?? 'The call ended.';
}

const SENTENCES: Record<CallEndCause, string> = {
  completed: 'The call ended.',
  canceled: 'The call was canceled before it was answered.',
  declined: 'The call was declined.',
  busy: 'The other side is in another call. Try again later.',
  no_answer: 'Nobody answered. Try again later or leave a message.',
  unreachable: 'No device of the other side could be reached. Leave a message.',
  connect_timeout:
    'The two devices could not connect. Check the network on both sides and call again.',
  connection_lost: 'The connection was lost. Check the network and call again.',
  failed: 'The call failed. Call again.',
  not_allowed: 'This call is not allowed.',
  session_ended: 'The session ended during the call. Sign in again.',
  server_ended: 'The call was ended by the service.',
  answered_elsewhere: 'The call was answered on another device.',
};
