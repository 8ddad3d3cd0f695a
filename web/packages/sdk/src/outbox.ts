import { CallboxError, clientError, serverError } from './errors.js';
import {
  type ClientFrame,
  FRAME_BYTES_MAX,
  type ReplyFrame,
  type RequestFrame,
  type ServerFrameOf,
  encodeFrame,
} from './frames.js';
import { Island, type Timer, type World } from './world.js';

/** What {@link Outbox} tells. */
export interface OutboxEvents {
  /** The server took a request and never answered it, on a socket that seems to work. */
  silent: CallboxError;
}

/** How a request is treated when the socket is lost. */
export interface RequestOptions {
  /**
   * Sent again after each reconnect until it is answered; for requests that the server recognises by an id in them. The
   * others are rejected with `network` when the socket is lost under them.
   */
  keep?: boolean;
  /** Given up after this long; `null` waits for ever. */
  timeoutMs?: number | null;
}

/** A request on its way. */
export interface Sending<Answer> {
  /** The server's answer. */
  answer: Promise<Answer>;
  /** Forgets the request: its answer is no longer waited for. */
  cancel: () => void;
}

/** The part of the outbox that other islands use. */
export interface Requests {
  /** Asks the server; the promise rejects with a `CallboxError`. */
  request<Type extends ReplyFrame['type']>(
    frame: RequestFrame,
    answer: Type,
    options?: RequestOptions,
  ): Sending<ServerFrameOf<Type>>;
  /** Tells the server something that is only answered when it is wrong; lost while away. */
  tell(frame: RequestFrame): boolean;
}

/** Requests by id with their replies, across lost sockets. */
export class Outbox extends Island<OutboxEvents> implements Requests {
  readonly #transmit: (frame: ClientFrame) => boolean;
  readonly #entries = new Map<string, Entry>();
  #online = false;
  #closed: CallboxError | null = clientError('not_signed_in');
  #ids = 0;

  constructor(world: World, transmit: (frame: ClientFrame) => boolean) {
    super(world);
    this.#transmit = transmit;
  }

  /** Takes requests from now on. */
  open(): void {
    this.#closed = null;
  }

  /** Rejects everything with `error`, and takes nothing until `open`. */
  close(error: CallboxError): void {
    this.#closed = clientError('not_signed_in');
    this.#online = false;
    for (const entry of [...this.#entries.values()]) this.#finish(entry, error);
  }

  request<Type extends ReplyFrame['type']>(
    frame: RequestFrame,
    answer: Type,
    options: RequestOptions = {},
  ): Sending<ServerFrameOf<Type>> {
    const entry = this.#entry(frame, answer, options);
    const promise = new Promise<ReplyFrame>((resolve, reject) => {
      entry.resolve = resolve;
      entry.reject = reject;
    });
    const problem = this.#closed ?? tooLarge(entry.frame);
    if (problem) {
      entry.reject(problem);
    } else {
      this.#entries.set(entry.frame.id, entry);
      this.#limit(entry);
      if (this.#online) this.#send(entry);
    }
    return {
      answer: promise as Promise<ServerFrameOf<Type>>,
      cancel: () => this.#forget(entry),
    };
  }

  tell(frame: RequestFrame): boolean {
    if (!this.#online) return false;
    const numbered = { ...frame, id: this.#nextId() };
    return !tooLarge(numbered) && this.#transmit(numbered);
  }

  /** The server listens: send what waits, in the order in which it was asked. */
  handleWelcome(): void {
    this.#online = true;
    for (const entry of [...this.#entries.values()]) this.#send(entry);
  }

  /** The socket is gone. */
  handleLost(): void {
    this.#online = false;
    for (const entry of [...this.#entries.values()]) {
      this.world.clearTimeout(entry.silence);
      if (entry.sent && !entry.keep) this.#finish(entry, clientError('network'));
      entry.sent = false;
    }
  }

  /** An answer arrived; `false` when nobody waits for it. */
  handleReply(frame: ReplyFrame): boolean {
    const entry = this.#entries.get(frame.re ?? '');
    if (!entry) return false;
    if (frame.type === 'error') this.#finish(entry, serverError(frame.error));
    else if (frame.type !== entry.answer) return false;
    else {
      this.#forget(entry);
      entry.resolve(frame);
    }
    return true;
  }

  #entry(frame: RequestFrame, answer: ReplyFrame['type'], options: RequestOptions): Entry {
    const keep = options.keep ?? false;
    return {
      frame: { ...frame, id: this.#nextId() },
      answer,
      keep,
      timeoutMs: options.timeoutMs === undefined ? REQUEST_TIMEOUT_MS : options.timeoutMs,
      sent: false,
      deadline: null,
      silence: null,
      resolve: () => undefined,
      reject: () => undefined,
    };
  }

  #send(entry: Entry): void {
    entry.sent = this.#transmit(entry.frame);
    if (!entry.keep || !entry.sent) return;
    this.world.clearTimeout(entry.silence);
    entry.silence = this.world.setTimeout(
      () => this.emit('silent', clientError('timeout')),
      SILENCE_MS,
    );
  }

  #limit(entry: Entry): void {
    if (entry.timeoutMs === null) return;
    entry.deadline = this.world.setTimeout(
      () => this.#finish(entry, clientError(entry.sent ? 'timeout' : 'network')),
      entry.timeoutMs,
    );
  }

  #finish(entry: Entry, error: CallboxError): void {
    this.#forget(entry);
    entry.reject(error);
  }

  #forget(entry: Entry): void {
    this.world.clearTimeout(entry.deadline);
    this.world.clearTimeout(entry.silence);
    this.#entries.delete(entry.frame.id);
  }

  #nextId(): string {
    this.#ids += 1;
    return String(this.#ids);
  }
}

type IdFrame = Extract<ClientFrame, { id: string }>;

interface Entry {
  frame: IdFrame;
  answer: ReplyFrame['type'];
  keep: boolean;
  timeoutMs: number | null;
  /** Whether the current socket took it. */
  sent: boolean;
  deadline: Timer | null;
  silence: Timer | null;
  resolve: (frame: ReplyFrame) => void;
  reject: (error: CallboxError) => void;
}

/** The server closes the connection for good at a frame that is too large: better to say so before. */
function tooLarge(frame: ClientFrame): CallboxError | null {
  const text = encodeFrame(frame);
  if (text.length * BYTES_PER_UNIT_MAX <= FRAME_BYTES_MAX) return null;
  if (new TextEncoder().encode(text).length <= FRAME_BYTES_MAX) return null;
  return new CallboxError(TOO_LARGE);
}

const TOO_LARGE = {
  code: 'payload_too_large',
  message: 'This is larger than the 64 KiB that fit into one frame. Send less at once.',
  retry: 'never',
} as const;
/** A UTF-16 code unit becomes at most three bytes of UTF-8. */
const BYTES_PER_UNIT_MAX = 3;
const REQUEST_TIMEOUT_MS = 15_000;
const SILENCE_MS = 20_000;
