import type { ErrorCode, ErrorInfo, Retry } from '@callbox/wire';

/** Codes of what goes wrong on this side, before or without an answer of the server. */
export type ClientErrorCode =
  | 'network'
  | 'timeout'
  | 'not_signed_in'
  | 'closed'
  | 'store_failed'
  | 'permission_denied'
  | 'no_device'
  | 'device_busy'
  | 'insecure_context'
  | 'autoplay_blocked'
  | 'media_failed'
  | 'relay_unavailable';

/** Every code that an app can meet: the server's, the SDK's own, and what a newer server may add. */
export type CallboxErrorCode = ErrorCode | ClientErrorCode | (string & {});

/** Whether the same thing can succeed: not at all, after a while, or at once. */
export type RetryClass = Retry;

/** What a {@link CallboxError} is made of. */
export interface CallboxErrorInit {
  /** For programs. */
  code: CallboxErrorCode;
  /** For people; the sentence of the code where it is left out. */
  message?: string;
  /** Whether a repeat helps. */
  retry?: RetryClass;
  /** Leads to the server's log line. */
  requestId?: string | null;
  /** Whatever helps a program. */
  details?: Record<string, unknown>;
  /** What it came from. */
  cause?: unknown;
}

/**
 * Every error that the SDK throws, rejects with or reports. Its `message` can be shown to people: it
 * says what happened and what to do.
 */
export class CallboxError extends Error {
  override readonly name = 'CallboxError';
  /** For programs. */
  readonly code: CallboxErrorCode;
  /** Whether the same thing can succeed: `never`, `after` a while (`details.retryAfterSeconds`), or `now`. */
  readonly retry: RetryClass;
  /** Leads to the server's log line; `null` for errors of this side. */
  readonly requestId: string | null;
  /** Whatever helps a program: field paths, times, limits. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(init: CallboxErrorInit) {
    const [sentence, retry] = CLIENT_ERRORS[init.code as ClientErrorCode] ?? UNKNOWN;
    super(init.message ?? sentence, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.retry = init.retry ?? retry;
    this.requestId = init.requestId ?? null;
    this.details = init.details ?? {};
  }
}

/** An error of the SDK's own, with the sentence of its code. @internal */
export function clientError(
  code: ClientErrorCode,
  more: Omit<CallboxErrorInit, 'code'> = {},
): CallboxError {
  return new CallboxError({ code, ...more });
}

/** The error that the server told, over HTTP or over the socket. @internal */
export function serverError(info: ErrorInfo, retryAfterSeconds?: number): CallboxError {
  const details =
    retryAfterSeconds === undefined ? info.details : { retryAfterSeconds, ...info.details };
  return new CallboxError({ ...info, details });
}

/** Any thrown thing as a {@link CallboxError}; what is not one yet becomes `code`. @internal */
export function asCallboxError(error: unknown, code: ClientErrorCode): CallboxError {
  return error instanceof CallboxError ? error : clientError(code, { cause: error });
}

/** Whether the server's word means that the session is over. @internal */
export function endsSession(error: CallboxError): boolean {
  return error.code === 'session_ended' || error.code === 'token_unknown';
}

/** Milliseconds after which the server wants to be asked again. @internal */
export function retryAfterMs(error: CallboxError): number {
  const seconds = error.details['retryAfterSeconds'];
  return typeof seconds === 'number' && seconds >= 0 ? seconds * 1000 : 1000;
}

const CLIENT_ERRORS: Partial<Record<string, readonly [sentence: string, retry: RetryClass]>> = {
  network: ['The server cannot be reached. Check the internet connection and try again.', 'after'],
  timeout: ['The server did not answer in time. Try again after a moment.', 'after'],
  not_signed_in: ['Nobody is signed in. Sign in first.', 'never'],
  closed: [
    'The client was closed or signed out before this was done. Sign in and try again.',
    'never',
  ],
  store_failed: [
    'The session cannot be kept here: it lasts until this page is closed or loaded again. Check whether the browser lets this page store data.',
    'never',
  ],
  permission_denied: [
    'The browser does not let this page use the microphone or camera. Allow it in the site settings beside the address, then try again.',
    'now',
  ],
  no_device: ['No microphone or camera was found. Connect one and try again.', 'now'],
  device_busy: ['Another program uses the microphone or camera. Close it and try again.', 'now'],
  insecure_context: [
    'Browsers give the microphone and camera only to secure pages. Open this page over https:// or on localhost.',
    'never',
  ],
  autoplay_blocked: [
    'The browser waits for a click before it plays sound. Click anywhere on the page.',
    'now',
  ],
  media_failed: [
    'This device cannot make calls here. Try another browser, or pass a stream of your own.',
    'never',
  ],
  relay_unavailable: [
    'This call may only go through a relay, and the server has none. Switch on the relay in its configuration, or allow direct calls.',
    'never',
  ],
};

const UNKNOWN: readonly [string, RetryClass] = ['Something went wrong. Try again.', 'never'];
