/** Someone who writes, reads, looks things up, comes and goes, and notes all that the SDK tells: in Node or in a page. */
import type {
  CallboxClient,
  CallboxError,
  Message,
  OutgoingMessage,
  Receipt,
  SessionStore,
  StoredSession,
} from '@callbox/sdk';

/** What the SDK told an app; plain data. */
export interface Diary {
  /** Every message and receipt, in the order of the events. */
  told: Told[];
  /** Every message that was sent, in the order of sending. */
  sent: string[];
  /** Every end of a message on its way: what `status` told. */
  statuses: { id: string; status: OutgoingMessage['status'] }[];
  /** Every message whose promise resolved. */
  accepted: Message[];
  /** Every answer to `markRead`. */
  recorded: Receipt[];
  /** Every page of history. */
  pages: Message[][];
  /** What must not happen in any weather. */
  troubles: string[];
  /** The session, with the cursor as it was before anything happened. */
  stored: StoredSession | null;
}

/** What an event told. */
export type Told = { message: Message } | { receipt: Receipt };

/**
 * Notes what a client is told, from the beginning on. To what it hears it reacts as a lively app does: says what it has read,
 * at times an older place after a newer one, looks at the history, closes the client and connects it again; all of that by
 * count, so that it is the same in every run.
 *
 * Runs in pages too, where the class arrives as its own text: it uses nothing from outside of itself.
 */
export class Correspondent {
  readonly client: CallboxClient;
  readonly diary: Diary = {
    told: [],
    sent: [],
    statuses: [],
    accepted: [],
    recorded: [],
    pages: [],
    troubles: [],
    stored: null,
  };
  #heard = 0;

  constructor(create: (sessionStore: SessionStore) => CallboxClient) {
    this.client = create(this.#store());
    const { client, diary } = this;
    client.messages.on('message', ({ message, mine }) => {
      diary.told.push({ message });
      if (!mine) this.#react(message);
    });
    client.messages.on('receipt', (receipt) => diary.told.push({ receipt }));
    client.messages.on('status', ({ id, status }) => diary.statuses.push({ id, status }));
    client.messages.on('stale', () => this.#trouble('stale'));
    client.on('warning', ({ error }) => this.#trouble('warning', error));
    client.on('sessionEnded', ({ error }) => this.#trouble('session ended', error));
    client.on('connection', ({ state, error }) => {
      if (state === 'stopped' && error) this.#trouble('stopped', error);
    });
  }

  /** Writes all of them at once. */
  write(to: string, texts: string[]): void {
    for (const text of texts) {
      const outgoing = this.client.messages.send(to, text);
      this.diary.sent.push(outgoing.id);
      outgoing.accepted.then(
        (message) => this.diary.accepted.push(message),
        (error: unknown) => this.#trouble('not accepted', error),
      );
    }
  }

  /** Reads up to there, and says so again as often as the line breaks under it. */
  async read(conversationId: string, upTo: number): Promise<Receipt> {
    for (;;) {
      try {
        return await this.#mark(conversationId, upTo);
      } catch (error) {
        this.#expectLine(error);
      }
    }
  }

  #react({ conversationId, position }: Message): void {
    this.#heard += 1;
    const happens = (every: number): boolean => this.#heard % every === 0;
    const work: Promise<unknown>[] = [];
    if (happens(3)) work.push(this.#mark(conversationId, position));
    if (happens(7)) work.push(this.#mark(conversationId, Math.max(1, position - 5)));
    if (happens(16)) work.push(this.#look(conversationId, position));
    for (const done of work) {
      done.catch((error: unknown) => this.#expectLine(error)).catch(() => undefined);
    }
    if (happens(25)) {
      this.client.close();
      this.client.connect();
    }
  }

  async #mark(conversationId: string, upTo: number): Promise<Receipt> {
    const receipt = await this.client.messages.markRead(conversationId, upTo);
    this.diary.recorded.push(receipt);
    return receipt;
  }

  async #look(conversationId: string, before: number): Promise<void> {
    const page = await this.client.messages.history(conversationId, { before, limit: 20 });
    this.diary.pages.push(page.items);
  }

  /** What is read, and what was read, fails with the line: the SDK says so, and leaves the rest to the app. */
  #expectLine(error: unknown): void {
    const { code } = error as CallboxError;
    if (code === 'network' || code === 'timeout' || code === 'rate_limited') return;
    this.#trouble('failed', error);
    throw error;
  }

  #trouble(what: string, error?: unknown): void {
    this.diary.troubles.push(error instanceof Error ? `${what}: ${error.message}` : what);
  }

  #store(): SessionStore {
    let last: StoredSession | null = null;
    return {
      load: () => last,
      save: (stored) => {
        last = stored;
        if (stored.cursor !== null) this.diary.stored ??= stored;
      },
      clear: () => {
        last = null;
      },
    };
  }
}
