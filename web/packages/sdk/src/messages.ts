import type { Message, Receipt } from '@callbox/wire';
import { CallboxError, asCallboxError, clientError, retryAfterMs } from './errors.js';
import type { Conversation, Recipient, ServerFrameOf } from './frames.js';
import type { Query } from './http.js';
import type { Requests, Sending } from './outbox.js';
import type { MessageEvent, Page, To, TypingEvent } from './types.js';
import { TypingIndicators } from './typing.js';
import { Island, type Timer, type World, timeOrderedId } from './world.js';

/** What {@link Messages} tells. */
export interface MessagesEvents {
  /** A message, each exactly once, in order per conversation; one's own included. */
  message: MessageEvent;
  /** A message of this client is accepted or failed. */
  status: OutgoingMessage;
  /** Someone received or read messages, or the user did on another device. */
  receipt: Receipt;
  /** Someone writes, or stopped; ends by itself after 6 seconds. */
  typing: TypingEvent;
  /** Events were missed that are not told again: fetch the lists that are shown once more. */
  stale: Record<string, never>;
}

/** A message of this client on its way. */
export interface OutgoingMessage {
  /** Chosen here; the accepted message has the same. */
  readonly id: string;
  /** To whom. */
  readonly to: Recipient;
  /** What was written. */
  readonly text: string;
  /** Where it is: waiting for the server, kept by it, or refused. */
  readonly status: 'pending' | 'accepted' | 'failed';
  /** Resolves when the server keeps it, rejects when it is refused. */
  readonly accepted: Promise<Message>;
  /** Why it failed. */
  readonly error?: CallboxError;
}

/** Where the island's requests go. @internal */
export interface MessagesPorts {
  /** Over the socket. */
  requests: Requests;
  /** Over HTTP. */
  get: <Answer>(path: string, query: Query) => Promise<Answer>;
  /** Who is signed in. */
  userId: () => string | null;
}

/** Messages, conversations, receipts and who writes. */
export class Messages extends Island<MessagesEvents> {
  readonly #ports: MessagesPorts;
  readonly #typing: TypingIndicators;
  /** In the order of sending; only the first is ever on its way, so that the server keeps this order. */
  readonly #queue: Outgoing[] = [];
  #sending: Sending<unknown> | null = null;
  #pause: Timer | null = null;

  /** @internal */
  constructor(world: World, ports: MessagesPorts) {
    super(world);
    this.#ports = ports;
    this.#typing = new TypingIndicators(world, ports.requests);
    this.#typing.on('typing', (event) => this.emit('typing', event));
  }

  /**
   * Sends a text to a user or into a conversation. Returns at once, with the message's id; while away it waits, and
   * the `status` event and the `accepted` promise tell what became of it.
   */
  send(to: To, text: string): OutgoingMessage {
    if (this.#ports.userId() === null) throw clientError('not_signed_in');
    const outgoing = new Outgoing(timeOrderedId(this.world, this.world.now()), recipient(to), text);
    this.#typing.handleSent(outgoing.to);
    this.#queue.push(outgoing);
    this.#pump();
    return outgoing;
  }

  /** The messages that the server has not answered yet, in the order of sending. */
  get pending(): readonly OutgoingMessage[] {
    return [...this.#queue];
  }

  /** The user's conversations, the latest first. */
  conversations(
    options: { limit?: number; cursor?: string; updatedAfter?: string } = {},
  ): Promise<Page<Conversation>> {
    return this.#ports.get('/v1/conversations', { ...options });
  }

  /** Messages of a conversation in rising order: the newest, or those before or after a position. */
  history(
    conversationId: string,
    options: { before?: number; after?: number; limit?: number } = {},
  ): Promise<Page<Message>> {
    const path = `/v1/conversations/${encodeURIComponent(conversationId)}/messages`;
    return this.#ports.get(path, { ...options });
  }

  /** The user has read everything up to this position. */
  async markRead(conversationId: string, upTo: number): Promise<Receipt> {
    const frame = { type: 'receipt.read', conversationId, upTo } as const;
    const { receipt } = await this.#ports.requests.request(frame, 'receipt.recorded').answer;
    return receipt;
  }

  /**
   * Says that the user writes to someone, or stopped. May be called at every key: it is told at most every 4 seconds,
   * repeated while it holds, and stops by itself when a message is sent or 30 seconds after the last call.
   */
  setTyping(to: To, active: boolean): void {
    this.#typing.set(recipient(to), active);
  }

  /** @internal */
  handleCreated(frame: ServerFrameOf<'message.created'>): void {
    const { message, origin } = frame;
    const mine = message.senderId === this.#ports.userId();
    if (mine) {
      const outgoing = this.#queue.find((waiting) => waiting.id === message.id);
      if (outgoing) this.#settle(outgoing, message);
    } else {
      this.#typing.handleMessage(message);
    }
    this.emit('message', { message, mine, origin });
  }

  /** @internal */
  handleReceipt(frame: ServerFrameOf<'receipt.changed'>): void {
    this.emit('receipt', frame.receipt);
  }

  /** @internal */
  handleTyping(frame: ServerFrameOf<'typing'>): void {
    this.#typing.handleTyping(frame);
  }

  /** @internal */
  handleStale(): void {
    this.emit('stale', {});
  }

  /** Nobody is signed in any more: what waits has failed. @internal */
  handleSignedOut(error: CallboxError): void {
    this.#typing.clear();
    for (const outgoing of [...this.#queue]) this.#settle(outgoing, error);
  }

  #pump(): void {
    const outgoing = this.#queue[0];
    if (!outgoing || this.#sending || this.#pause !== null) return;
    const { id: messageId, to, text } = outgoing;
    const frame = { type: 'message.send', message: { messageId, to, text } } as const;
    const options = { keep: true, timeoutMs: null };
    const sending = this.#ports.requests.request(frame, 'message.accepted', options);
    this.#sending = sending;
    sending.answer.then(
      ({ message }) => this.#settle(outgoing, message),
      (error: unknown) => this.#handleRefusal(outgoing, asCallboxError(error, 'network')),
    );
  }

  #handleRefusal(outgoing: Outgoing, error: CallboxError): void {
    if (outgoing.status !== 'pending') return;
    if (error.retry === 'never' || error.code === 'closed') {
      this.#settle(outgoing, error);
      return;
    }
    // Not refused, only not now. Those behind it wait too, or they would overtake it.
    this.#sending = null;
    const wait = error.retry === 'after' ? retryAfterMs(error) : 0;
    this.#pause = this.world.setTimeout(
      () => {
        this.#pause = null;
        this.#pump();
      },
      Math.max(wait, REPEAT_MIN_MS),
    );
  }

  /** Once per message: the first of its acceptance, its event and its refusal counts. */
  #settle(outgoing: Outgoing, result: Message | CallboxError): void {
    const place = this.#queue.indexOf(outgoing);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    if (place === 0) {
      this.#sending?.cancel();
      this.#sending = null;
      this.world.clearTimeout(this.#pause);
      this.#pause = null;
    }
    outgoing.settle(result);
    this.emit('status', outgoing);
    this.#pump();
  }
}

class Outgoing implements OutgoingMessage {
  readonly id: string;
  readonly to: Recipient;
  readonly text: string;
  status: OutgoingMessage['status'] = 'pending';
  readonly accepted: Promise<Message>;
  declare error?: CallboxError;
  #resolve!: (message: Message) => void;
  #reject!: (error: CallboxError) => void;

  constructor(id: string, to: Recipient, text: string) {
    this.id = id;
    this.to = to;
    this.text = text;
    this.accepted = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Apps that listen to `status` need not look at the promise.
    this.accepted.catch(() => undefined);
  }

  settle(result: Message | CallboxError): void {
    if (result instanceof CallboxError) {
      this.status = 'failed';
      this.error = result;
      this.#reject(result);
    } else {
      this.status = 'accepted';
      this.#resolve(result);
    }
  }
}

function recipient(to: To): Recipient {
  return typeof to === 'string' ? { userId: to } : to;
}

const REPEAT_MIN_MS = 250;
