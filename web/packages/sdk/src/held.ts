import type { Message, Receipt } from '@callbox/wire';
import type { Conversation } from './frames.js';
import type { LocalRecord } from './local-store.js';

/** How many conversations a device holds: those that changed last. */
export const HELD_CONVERSATIONS_MAX = 100;
/** How many messages of each: the newest, without a hole. */
export const HELD_MESSAGES_MAX = 50;

/**
 * The conversations and messages of one user as far as they were seen, in memory, with the changes that are not kept yet.
 *
 * Everything in it only goes forward: what comes twice or late, from a list or from the log, changes nothing. So it does
 * not matter whether a list was fetched before or after the events that it already has. @internal
 */
export class Held {
  readonly #userId: string;
  readonly #conversations = new Map<string, Conversation>();
  /** Of each conversation the messages up to its newest known one, in rising order, without a hole. */
  readonly #runs = new Map<string, readonly Message[]>();
  #changes = new Map<string, unknown>();

  constructor(userId: string, records: readonly LocalRecord[] = []) {
    this.#userId = userId;
    const messages = new Map<string, Message[]>();
    for (const [key, value] of records) {
      if (key.startsWith(CONVERSATION)) {
        const conversation = value as Conversation;
        this.#conversations.set(conversation.id, conversation);
      } else if (key.startsWith(MESSAGE)) {
        const message = value as Message;
        const others = messages.get(message.conversationId) ?? [];
        messages.set(message.conversationId, [...others, message]);
      }
    }
    // Pages that share a store each add what they have: together it may be more than is wanted, or have holes.
    for (const [id, found] of messages) this.#setRun(id, found, found);
    this.#evict();
  }

  /** The conversations, the latest changed first. */
  conversations(): Conversation[] {
    return [...this.#conversations.values()].sort(
      (a, b) => compare(b.updatedAt, a.updatedAt) || compare(b.id, a.id),
    );
  }

  /** The newest messages of a conversation, in rising order, without a hole. */
  messages(conversationId: string): readonly Message[] {
    return this.#runs.get(conversationId) ?? [];
  }

  /** Learns what a list says. */
  putConversations(conversations: readonly Conversation[]): void {
    for (const conversation of conversations) {
      const known = this.#conversations.get(conversation.id);
      this.#set(known ? this.#merged(known, conversation) : conversation);
    }
    this.#evict();
  }

  /** Learns a page of history of a conversation that is held. */
  putMessages(conversationId: string, messages: readonly Message[]): void {
    if (!this.#conversations.has(conversationId)) return;
    const before = this.messages(conversationId);
    this.#setRun(conversationId, [...before, ...messages], before);
  }

  /** A message was told. */
  handleMessage(message: Message): void {
    const { conversationId, position, createdAt, senderId } = message;
    const known = this.#conversations.get(conversationId) ?? this.#begun(message);
    if (position > known.lastPosition) {
      this.#set({
        ...known,
        lastPosition: position,
        lastMessage: message,
        updatedAt: later(known.updatedAt, createdAt),
        unreadCount: known.unreadCount + (senderId === this.#userId ? 0 : 1),
      });
    }
    this.putMessages(conversationId, [message]);
    this.#evict();
  }

  /** Someone is further than before. */
  handleReceipt(receipt: Receipt): void {
    const known = this.#conversations.get(receipt.conversationId);
    if (known) this.#set(this.#merged(known, { ...known, members: [receipt] }));
  }

  /** Forgets everything. */
  drop(): void {
    for (const id of [...this.#conversations.keys()]) this.#forget(id);
  }

  /** What is to be kept and was not taken yet. */
  takeChanges(): Map<string, unknown> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }

  /** These changes were taken and could not be kept: they are to be taken again, unless newer ones are there. */
  giveBack(changes: ReadonlyMap<string, unknown>): void {
    this.#changes = new Map([...changes, ...this.#changes]);
  }

  /** Everything, to be kept in the place of all that was kept before. */
  takeAll(): LocalRecord[] {
    this.#changes.clear();
    const conversations = [...this.#conversations.values()];
    const messages = [...this.#runs.values()].flat();
    return [
      ...conversations.map((each): LocalRecord => [conversationKey(each.id), each]),
      ...messages.map((each): LocalRecord => [messageKey(each), each]),
    ];
  }

  #set(conversation: Conversation): void {
    this.#conversations.set(conversation.id, conversation);
    this.#changes.set(conversationKey(conversation.id), conversation);
  }

  #setRun(id: string, messages: readonly Message[], before: readonly Message[]): void {
    const run = this.#conversations.has(id) ? tail(messages) : [];
    const kept = new Set(run);
    for (const message of before) {
      if (!kept.has(message)) this.#changes.set(messageKey(message), undefined);
    }
    const had = new Set(before);
    for (const message of run) {
      if (!had.has(message)) this.#changes.set(messageKey(message), message);
    }
    if (run.length > 0) this.#runs.set(id, run);
  }

  /** A conversation of which only this message is known yet. */
  #begun({ conversationId, createdAt, position, senderId, recipientId }: Message): Conversation {
    const userIds = new Set([senderId, recipientId ?? this.#userId]);
    const nothing = { conversationId, deliveredUpTo: 0, readUpTo: 0 };
    return {
      id: conversationId,
      createdAt,
      updatedAt: createdAt,
      lastPosition: position - 1,
      lastMessage: null,
      members: [...userIds].map((userId) => ({ ...nothing, userId })),
      unreadCount: 0,
    };
  }

  #merged(known: Conversation, told: Conversation): Conversation {
    const newer = told.lastPosition >= known.lastPosition ? told : known;
    const members = mergedReceipts(known.members, told.members);
    const read = members.find(({ userId }) => userId === this.#userId)?.readUpTo ?? 0;
    return {
      ...newer,
      members,
      updatedAt: later(known.updatedAt, told.updatedAt),
      // The list's number may be from before the user read on, here or on another device.
      unreadCount: Math.min(newer.unreadCount, Math.max(0, newer.lastPosition - read)),
    };
  }

  #evict(): void {
    if (this.#conversations.size <= HELD_CONVERSATIONS_MAX) return;
    for (const { id } of this.conversations().slice(HELD_CONVERSATIONS_MAX)) this.#forget(id);
  }

  #forget(id: string): void {
    this.#conversations.delete(id);
    this.#changes.set(conversationKey(id), undefined);
    for (const message of this.messages(id)) this.#changes.set(messageKey(message), undefined);
    this.#runs.delete(id);
  }
}

/** The newest messages without a hole before them, at most so many; of two at one position the later one. */
function tail(messages: readonly Message[]): Message[] {
  const byPosition = new Map(messages.map((message) => [message.position, message]));
  const run: Message[] = [];
  let position = Math.max(0, ...byPosition.keys());
  for (; run.length < HELD_MESSAGES_MAX; position -= 1) {
    const message = byPosition.get(position);
    if (!message) break;
    run.push(message);
  }
  return run.reverse();
}

function mergedReceipts(known: readonly Receipt[], told: readonly Receipt[]): Receipt[] {
  const members = new Map(known.map((receipt) => [receipt.userId, receipt]));
  for (const receipt of told) {
    const before = members.get(receipt.userId);
    members.set(receipt.userId, {
      ...receipt,
      deliveredUpTo: Math.max(receipt.deliveredUpTo, before?.deliveredUpTo ?? 0),
      readUpTo: Math.max(receipt.readUpTo, before?.readUpTo ?? 0),
    });
  }
  return [...members.values()];
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

/** The server writes all times in one form, in which they sort as texts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function conversationKey(id: string): string {
  return CONVERSATION + id;
}

function messageKey({ conversationId, position }: Message): string {
  return `${MESSAGE}${conversationId}/${position}`;
}

const CONVERSATION = 'conversation/';
const MESSAGE = 'message/';
