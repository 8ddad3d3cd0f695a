import type { Message, Receipt } from '@callbox/wire';
import { type CallboxError, clientError } from './errors.js';
import type { Conversation, Recipient, ServerFrameOf } from './frames.js';
import type { Query } from './http.js';
import { type Kept, LocalCopy, type LocalMessages } from './local-copy.js';
import type { LocalRecord, ReliableStore } from './local-store.js';
import type { Requests } from './outbox.js';
import { Resync, type StaleEvent } from './resync.js';
import { type OutgoingMessage, SendQueue } from './send-queue.js';
import type { MessageEvent, Page, To, TypingEvent } from './types.js';
import { TypingIndicators } from './typing.js';
import { Island, type World } from './world.js';

/** What {@link Messages} tells. */
export interface MessagesEvents {
  /** A message, each exactly once, in order per conversation; one's own included. */
  message: MessageEvent;
  /**
   * A message of this client is accepted or failed; or one turned up that waits since before this page was loaded, or that
   * was written in another page.
   */
  status: OutgoingMessage;
  /** Someone received or read messages, or the user did on another device. */
  receipt: Receipt;
  /** Someone writes, or stopped; ends by itself after 6 seconds. */
  typing: TypingEvent;
  /**
   * Events were missed that are not told again, one by one. What `local` holds is fetched already; fetch once more what else
   * is shown of these conversations.
   */
  stale: StaleEvent;
}

/** Where the island's requests go. @internal */
export interface MessagesPorts {
  /** Over the socket. */
  requests: Requests;
  /** Over HTTP. */
  get: <Answer>(path: string, query: Query) => Promise<Answer>;
  /** Who is signed in. */
  userId: () => string | null;
  /** Where messages are kept. */
  store: ReliableStore;
  /** Names this page load. */
  pageId: string;
  /** The last event whose handlers ran. */
  cursor: () => string | null;
}

/** What was kept of a user. @internal */
export interface LocalState {
  /** What was seen. */
  seen: Kept;
  /** What waits. */
  waiting: readonly LocalRecord[];
  /** Where that is kept. */
  area: string;
}

/** Messages, conversations, receipts and who writes. */
export class Messages extends Island<MessagesEvents> {
  readonly #ports: MessagesPorts;
  readonly #typing: TypingIndicators;
  readonly #queue: SendQueue;
  readonly #copy: LocalCopy;
  readonly #resync: Resync;

  /** @internal */
  constructor(world: World, ports: MessagesPorts) {
    super(world);
    this.#ports = ports;
    this.#typing = new TypingIndicators(world, ports.requests);
    this.#typing.on('typing', (event) => this.emit('typing', event));
    this.#queue = new SendQueue(world, ports);
    this.#queue.on('status', (outgoing) => this.emit('status', outgoing));
    this.#copy = new LocalCopy(ports.store, ports.cursor);
    this.#resync = new Resync(world, {
      copy: this.#copy,
      conversations: (options) => this.conversations(options),
      history: (conversationId, options) => this.history(conversationId, options),
    });
    this.#resync.on('done', (event) => this.emit('stale', event));
  }

  /** What this device holds, without asking the server. With `localStore` it is there right after a page load. */
  get local(): LocalMessages {
    return this.#copy;
  }

  /**
   * Sends a text to a user or into a conversation. Returns at once, with the message's id; while away it waits, also over
   * page loads where there is a `localStore`. The `status` event and the `accepted` promise tell what became of it.
   */
  send(to: To, text: string): OutgoingMessage {
    if (this.#ports.userId() === null) throw clientError('not_signed_in');
    this.#typing.handleSent(recipient(to));
    return this.#queue.add(recipient(to), text);
  }

  /** The messages that the server has not answered yet, in the order of writing. */
  get pending(): readonly OutgoingMessage[] {
    return this.#queue.pending;
  }

  /** The user's conversations, the latest first. */
  async conversations(
    options: { limit?: number; cursor?: string; updatedAfter?: string } = {},
  ): Promise<Page<Conversation>> {
    const { learner } = this.#copy;
    const page = await this.#ports.get<Page<Conversation>>('/v1/conversations', { ...options });
    this.#copy.learn(learner, (held) => held.putConversations(page.items));
    return page;
  }

  /** Messages of a conversation in rising order: the newest, or those before or after a position. */
  async history(
    conversationId: string,
    options: { before?: number; after?: number; limit?: number } = {},
  ): Promise<Page<Message>> {
    const { learner } = this.#copy;
    const path = `/v1/conversations/${encodeURIComponent(conversationId)}/messages`;
    const page = await this.#ports.get<Page<Message>>(path, { ...options });
    this.#copy.learn(learner, (held) => held.putMessages(conversationId, page.items));
    return page;
  }

  /** The user has read everything up to this position. */
  async markRead(conversationId: string, upTo: number): Promise<Receipt> {
    const { learner } = this.#copy;
    const frame = { type: 'receipt.read', conversationId, upTo } as const;
    const { receipt } = await this.#ports.requests.request(frame, 'receipt.recorded').answer;
    this.#copy.learn(learner, (held) => held.handleReceipt(receipt));
    return receipt;
  }

  /**
   * Says that the user writes to someone, or stopped. May be called at every key: it is told at most every 4 seconds,
   * repeated while it holds, and stops by itself when a message is sent or 30 seconds after the last call.
   */
  setTyping(to: To, active: boolean): void {
    this.#typing.set(recipient(to), active);
  }

  /** Reads what is kept of a user. @internal */
  async read(areaOfUser: string, userId: string): Promise<LocalState> {
    const area = `${areaOfUser} waiting`;
    const [seen, waiting] = await Promise.all([
      this.#copy.read(`${areaOfUser} seen`, userId),
      this.#queue.read(area),
    ]);
    return { seen, waiting, area };
  }

  /** Goes on with what was kept of the user who is signed in now. @internal */
  use({ seen, waiting, area }: LocalState): void {
    this.#copy.use(seen);
    this.#queue.use(area, waiting);
  }

  /** Forgets what is kept of a user. @internal */
  async clear(areaOfUser: string): Promise<void> {
    await this.#ports.store.clear(`${areaOfUser} seen`, `${areaOfUser} waiting`);
  }

  /** @internal */
  handleWelcome(): void {
    this.#queue.handleWelcome();
    this.#resync.hurry();
  }

  /** The log begins here for this device. @internal */
  handleFirstWelcome(serverTime: string): void {
    this.#copy.handleFirstWelcome(serverTime);
  }

  /** Handlers ran, up to the cursor of now. @internal */
  handleCursor(): void {
    this.#copy.keep();
  }

  /** @internal */
  handleCreated(frame: ServerFrameOf<'message.created'>): void {
    const { message, origin } = frame;
    const mine = message.senderId === this.#ports.userId();
    this.#copy.handleMessage(message);
    if (mine) this.#queue.handleMessage(message);
    else this.#typing.handleMessage(message);
    this.emit('message', { message, mine, origin });
  }

  /** @internal */
  handleReceipt(frame: ServerFrameOf<'receipt.changed'>): void {
    this.#copy.handleReceipt(frame.receipt);
    this.emit('receipt', frame.receipt);
  }

  /** @internal */
  handleTyping(frame: ServerFrameOf<'typing'>): void {
    this.#typing.handleTyping(frame);
  }

  /** Events were missed that are not told again. @internal */
  handleStale(restored: boolean, serverTime: string): void {
    this.#resync.start(restored, serverTime);
  }

  /** Nobody is signed in any more: what waits has failed. @internal */
  handleSignedOut(error: CallboxError): void {
    this.#typing.clear();
    this.#resync.stop();
    this.#queue.close(error);
    this.#copy.use(null);
  }
}

function recipient(to: To): Recipient {
  return typeof to === 'string' ? { userId: to } : to;
}
