/** Everyone in the app, who of them is online, and the conversation with each. */
import type { CallboxClient, Conversation, OutgoingMessage, Presence } from '@callbox/sdk';
import { SvelteMap } from 'svelte/reactivity';
import { sentence } from './session.svelte.js';
import { Thread, toItem } from './thread.svelte.js';

/** How many presences the server lets one connection watch. */
const WATCHED_MAX = 500;

export interface Person {
  id: string;
  online: boolean;
  lastSeenAt: number | null;
  thread: Thread;
}

export class People {
  loading = $state(true);
  /** Why the list could not be loaded. */
  problem = $state('');
  /** The latest conversation first; those without one by presence, then by name. */
  readonly sorted = $derived.by(() => this.#sort());
  readonly unread = $derived.by(() =>
    [...this.#threads.values()].reduce((sum, thread) => sum + thread.unread, 0),
  );

  readonly #client: CallboxClient;
  readonly #me: string;
  #started = false;
  readonly #threads = new SvelteMap<string, Thread>();
  readonly #presence = new SvelteMap<string, Presence>();
  readonly #unsubscribe: (() => void)[];

  constructor(client: CallboxClient, me: string) {
    this.#client = client;
    this.#me = me;
    const { messages, directory, presence } = client;
    this.#unsubscribe = [
      directory.on('added', (entry) => {
        this.#meet(entry.presence);
        this.#watch();
      }),
      presence.on('presence', (changed) => this.#meet(changed)),
      messages.on('message', ({ message, mine }) => {
        const peerId = mine ? message.recipientId : message.senderId;
        if (peerId !== null) this.#thread(peerId).received(message, mine);
      }),
      messages.on('status', (outgoing) => this.#sendingChanged(outgoing)),
      messages.on('receipt', (receipt) => {
        const thread = this.#threadOf(receipt.conversationId);
        if (receipt.userId === me) thread?.readByMe(receipt.readUpTo);
        else thread?.receiptChanged(receipt);
      }),
      messages.on('typing', ({ userId, active }) => {
        if (userId !== me) this.#thread(userId).typing = active;
      }),
      messages.on('stale', ({ conversations, restored }) => {
        // The SDK has fetched what it holds; what is shown beyond that is fetched here.
        if (restored) void this.load();
        else void this.#reload(conversations);
      }),
      client.on('connection', ({ state }) => {
        if (state === 'online') void this.#catchUp();
      }),
    ];
    this.#showLocal();
  }

  /** Events begin with the connection, so what is fetched before it could miss some. */
  start(): void {
    if (this.#client.connection === 'online') void this.#catchUp();
  }

  /** Fetches everything afresh: at the start, and when more was missed than could be replayed. */
  async load(): Promise<void> {
    this.#started = true;
    this.problem = '';
    try {
      await Promise.all([this.#loadDirectory(), this.#loadConversations()]);
      this.#watch();
      await Promise.all([...this.#threads.values()].map((thread) => thread.reload()));
    } catch (error) {
      this.problem = sentence(error);
    } finally {
      this.loading = false;
    }
  }

  /** What this device had when the page was loaded: it is shown at once, and without a network too. */
  #showLocal(): void {
    const { local, pending } = this.#client.messages;
    for (const conversation of local.conversations()) {
      const thread = this.#summarise(conversation);
      thread?.show(local.history(conversation.id));
      this.loading = false;
    }
    for (const outgoing of pending) this.#sendingChanged(outgoing);
  }

  /** A message is on its way, perhaps since before this page was loaded, or written in another tab. */
  #sendingChanged(outgoing: OutgoingMessage): void {
    const { id, to } = outgoing;
    const thread = to.userId ? this.#thread(to.userId) : this.#threadOf(to.conversationId ?? '');
    (this.#threadOfItem(id) ?? thread)?.sendingChanged(outgoing);
  }

  /** More was missed than could be replayed: these conversations are not what they were. */
  async #reload(conversations: readonly Conversation[]): Promise<void> {
    const threads = conversations.map((each) => this.#summarise(each));
    await Promise.all(threads.filter((each) => each !== undefined).map((each) => each.reload()));
  }

  /** The person with this id, if there is one. */
  find(id: string): Person | undefined {
    const thread = this.#threads.get(id);
    if (!thread) return undefined;
    const presence = this.#presence.get(id);
    return {
      id,
      online: presence?.status === 'online',
      lastSeenAt: presence?.lastSeenAt ? Date.parse(presence.lastSeenAt) : null,
      thread,
    };
  }

  dispose(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** Messages are replayed after a pause; who came meanwhile, and what could not be loaded, is fetched. */
  async #catchUp(): Promise<void> {
    if (!this.#started || this.problem !== '') {
      await this.load();
      return;
    }
    for (const thread of this.#threads.values()) thread.online();
    try {
      await this.#loadDirectory();
      this.#watch();
    } catch {
      // Away again: the next connection tries once more.
    }
  }

  async #loadDirectory(): Promise<void> {
    let cursor: string | null = null;
    do {
      const page = await this.#client.directory.list(cursor === null ? {} : { cursor });
      for (const entry of page.items) this.#meet(entry.presence);
      cursor = page.nextCursor;
    } while (cursor !== null && this.#presence.size < WATCHED_MAX);
  }

  async #loadConversations(): Promise<void> {
    let cursor: string | null = null;
    do {
      const page = await this.#client.messages.conversations(cursor === null ? {} : { cursor });
      for (const conversation of page.items) this.#summarise(conversation);
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  #summarise(conversation: Conversation): Thread | undefined {
    const mine = conversation.members.find((member) => member.userId === this.#me);
    const other = conversation.members.find((member) => member.userId !== this.#me);
    if (!other) return undefined;
    const last = conversation.lastMessage;
    const thread = this.#thread(other.userId);
    thread.summarise(
      conversation.id,
      last && toItem(last, last.senderId === this.#me),
      conversation.unreadCount,
      mine?.readUpTo ?? 0,
    );
    thread.receiptChanged(other);
    return thread;
  }

  /** The conversation with someone, new ones included. */
  #thread(peerId: string): Thread {
    let thread = this.#threads.get(peerId);
    if (!thread) {
      thread = new Thread(this.#client, peerId);
      this.#threads.set(peerId, thread);
    }
    return thread;
  }

  #meet(presence: Presence): void {
    if (presence.userId === this.#me) return;
    this.#presence.set(presence.userId, presence);
    this.#thread(presence.userId);
  }

  #watch(): void {
    const ids = [...this.#threads.keys()].slice(0, WATCHED_MAX);
    if (ids.length === 0) return;
    const watching = this.#client.presence.watch(ids);
    watching.then(
      (presences) => presences.forEach((presence) => this.#meet(presence)),
      () => undefined, // Away: the SDK watches again when the connection is back.
    );
  }

  #threadOf(conversationId: string): Thread | undefined {
    return [...this.#threads.values()].find((thread) => thread.conversationId === conversationId);
  }

  #threadOfItem(id: string): Thread | undefined {
    return [...this.#threads.values()].find((thread) =>
      thread.items.some((item) => item.id === id),
    );
  }

  #sort(): Person[] {
    const people = [...this.#threads.keys()].map((id) => this.find(id));
    return people
      .filter((person) => person !== undefined)
      .sort(
        (a, b) =>
          (b.thread.last?.at ?? 0) - (a.thread.last?.at ?? 0) ||
          Number(b.online) - Number(a.online) ||
          a.id.localeCompare(b.id),
      );
  }
}
