/** One conversation with one person: its messages as the screen shows them, and how far each side is. */
import type { CallboxClient, Message, OutgoingMessage, Receipt } from '@callbox/sdk';
import { put, statusOf, type Item, type Status, type Watermarks } from '../lib/timeline.js';
import { sentence } from './session.svelte.js';

const PAGE_SIZE = 40;

export class Thread {
  readonly peerId: string;
  /** `null` until the first message was accepted. */
  conversationId = $state<string | null>(null);
  /** In order; what the server has not accepted yet stands last. */
  items = $state<Item[]>([]);
  unread = $state(0);
  /** The other side writes at this moment. */
  typing = $state(false);
  /** What stands in the composer, kept while other conversations are on screen. */
  draft = $state('');
  /** How far the other side is. */
  other = $state<Watermarks>({ delivered: 0, read: 0 });
  /** There is history above the oldest item. */
  hasOlder = $state(false);
  loading = $state(false);
  /** How often there was a connection again. */
  connections = $state(0);
  /** Why history could not be loaded. */
  problem = $state('');

  readonly #client: CallboxClient;
  #preview = $state<Item | null>(null);
  #loaded = false;
  #readByMe = 0;
  /** Up to here `unread` has counted: the list and the live messages may tell of the same one. */
  #countedTo = 0;

  constructor(client: CallboxClient, peerId: string) {
    this.#client = client;
    this.peerId = peerId;
  }

  /** The newest message, for the list of people. */
  get last(): Item | null {
    return this.items.at(-1) ?? this.#preview;
  }

  status(item: Item): Status {
    return statusOf(item, this.other);
  }

  /** What the list of conversations says about this one. */
  summarise(conversationId: string, last: Item | null, unread: number, readByMe: number): void {
    this.conversationId = conversationId;
    this.#readByMe = Math.max(this.#readByMe, readByMe);
    this.#preview = last;
    const lastPosition = last?.position ?? 0;
    if (lastPosition < this.#countedTo) return;
    this.#countedTo = lastPosition;
    this.unread = unread;
  }

  /** Shows what this device has of it. */
  show(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    for (const message of messages) put(this.items, this.#accepted(message));
    this.hasOlder = (messages[0]?.position ?? 1) > 1;
    this.#loaded = true;
  }

  /** Shows the newest page, once. */
  async open(): Promise<void> {
    if (this.#loaded || this.conversationId === null) return;
    await this.loadOlder();
  }

  /** One page more, above what is here. */
  async loadOlder(): Promise<void> {
    if (this.loading || this.conversationId === null) return;
    this.loading = true;
    this.problem = '';
    const before = this.#loaded ? this.#oldestPosition() : undefined;
    // What is accepted while the page is fetched may be newer than the page.
    const accepted = this.items.filter((item) => item.position !== null);
    const outdated = this.#loaded ? [] : accepted.map(({ id }) => id);
    try {
      const page = await this.#client.messages.history(this.conversationId, {
        limit: PAGE_SIZE,
        ...(before === undefined ? {} : { before }),
      });
      this.items = this.items.filter(({ id }) => !outdated.includes(id));
      for (const message of page.items) put(this.items, this.#accepted(message));
      this.hasOlder = (page.items[0]?.position ?? 1) > 1;
      this.#loaded = true;
    } catch (error) {
      this.problem = sentence(error);
    } finally {
      this.loading = false;
    }
  }

  /** Puts the newest page in the place of what is shown, because something was missed; keeps what is unsent. */
  async reload(): Promise<void> {
    if (!this.#loaded) return;
    this.#loaded = false;
    await this.open();
  }

  /** A message arrived, or an own one was accepted. */
  received(message: Message, mine: boolean): void {
    this.conversationId = message.conversationId;
    const item = this.#accepted(message);
    put(this.items, item);
    if (mine) return;
    this.typing = false;
    if (message.position <= Math.max(this.#readByMe, this.#countedTo)) return;
    this.#countedTo = message.position;
    this.unread += 1;
  }

  send(text: string): void {
    this.sendingChanged(this.#client.messages.send(this.peerId, text));
  }

  /** Sending came one step further, or failed. */
  sendingChanged(outgoing: OutgoingMessage): void {
    // The event of the accepted message may have come to an earlier page load.
    if (outgoing.message) this.received(outgoing.message, true);
    if (outgoing.status === 'accepted') return;
    const known = this.items.find((item) => item.id === outgoing.id);
    put(this.items, {
      id: outgoing.id,
      text: outgoing.text,
      mine: true,
      at: known?.at ?? Date.parse(outgoing.writtenAt),
      position: null,
      sending: outgoing.status,
      ...(outgoing.error ? { problem: sentence(outgoing.error) } : {}),
    });
  }

  retry(item: Item): void {
    this.discard(item);
    this.send(item.text);
  }

  discard(item: Item): void {
    this.items = this.items.filter((other) => other.id !== item.id);
  }

  receiptChanged(receipt: Receipt): void {
    this.other.delivered = Math.max(this.other.delivered, receipt.deliveredUpTo);
    this.other.read = Math.max(this.other.read, receipt.readUpTo);
  }

  /** The person on this side has seen everything; possibly on another device. */
  readByMe(upTo: number): void {
    this.#readByMe = Math.max(this.#readByMe, upTo);
    if (this.#readByMe >= (this.last?.position ?? 0)) this.unread = 0;
  }

  /** Tells the server that everything on screen was read. */
  async markRead(): Promise<void> {
    const newest = this.items.findLast((item) => !item.mine && item.position !== null);
    const upTo = newest?.position ?? 0;
    if (this.conversationId === null || upTo <= this.#readByMe) return;
    const before = this.#readByMe;
    this.#readByMe = upTo;
    this.unread = 0;
    try {
      await this.#client.messages.markRead(this.conversationId, upTo);
    } catch {
      // Not told: the next look at the conversation tells it, or the next connection.
      this.#readByMe = before;
    }
  }

  /** What could not be done without a connection is done now. */
  online(): void {
    this.connections += 1;
    if (this.problem !== '') void this.loadOlder();
  }

  setTyping(active: boolean): void {
    this.#client.messages.setTyping(this.peerId, active);
  }

  #oldestPosition(): number | undefined {
    return this.items[0]?.position ?? undefined;
  }

  #accepted(message: Message): Item {
    return toItem(message, message.senderId !== this.peerId);
  }
}

export function toItem(message: Message, mine: boolean): Item {
  const { id, text, position } = message;
  return { id, text, mine, position, at: Date.parse(message.createdAt), sending: 'accepted' };
}
