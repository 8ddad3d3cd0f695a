import type { Message } from '@callbox/wire';
import { CallboxError, asCallboxError, retryAfterMs } from './errors.js';
import type { Recipient } from './frames.js';
import type { LocalRecord, ReliableStore } from './local-store.js';
import type { Requests, Sending } from './outbox.js';
import { QueuePages, type PageNews } from './queue-pages.js';
import { Island, type Timer, type World, timeOfId, timeOrderedId } from './world.js';

/** A message of this client on its way. */
export interface OutgoingMessage {
  /** Chosen here; the accepted message has the same. */
  readonly id: string;
  /** To whom. */
  readonly to: Recipient;
  /** What was written. */
  readonly text: string;
  /** When it was written, by the clock of this device; in UTC, as the server writes times. */
  readonly writtenAt: string;
  /** Where it is: waiting for the server, kept by it, or refused. */
  readonly status: 'pending' | 'accepted' | 'failed';
  /** Resolves when the server keeps it, rejects when it is refused. */
  readonly accepted: Promise<Message>;
  /** What the server keeps, once it does. */
  readonly message?: Message;
  /** Why it failed. */
  readonly error?: CallboxError;
}

/** What {@link SendQueue} tells. */
export interface SendQueueEvents {
  /** A message turned up that was written before this page was loaded, or in another one; or it is accepted, or failed. */
  status: OutgoingMessage;
}

/** A message that waits, as it is kept. @internal */
export interface WaitingMessage {
  /** To whom. */
  to: Recipient;
  /** What was written. */
  text: string;
  /** When. */
  writtenAt: string;
  /** The page that sends it. */
  page: string;
}

/** What the queue needs. @internal */
export interface SendQueuePorts {
  /** Over the socket. */
  requests: Requests;
  /** Where what waits is kept. */
  store: ReliableStore;
  /** Names this page load. */
  pageId: string;
}

/**
 * The messages that the server has not answered yet, in the order of writing. Only one is ever on its way, so that the
 * server keeps this order. Each is sent by one page of those that share the store, and shown by all. @internal
 */
export class SendQueue extends Island<SendQueueEvents> {
  readonly #ports: SendQueuePorts;
  readonly #queue: Outgoing[] = [];
  #area = '';
  #pages: QueuePages | null = null;
  /** The one on its way, or that was answered by "not now". */
  #current: Outgoing | null = null;
  #sending: Sending<unknown> | null = null;
  #pause: Timer | null = null;
  /** Ids rise also while the clock stands still or is set back, so that they sort as they were written. */
  #lastAt = 0;

  constructor(world: World, ports: SendQueuePorts) {
    super(world);
    this.#ports = ports;
  }

  /** All that wait, those of other pages too. */
  get pending(): readonly OutgoingMessage[] {
    return [...this.#queue];
  }

  /** Reads what waits in this area. */
  read(area: string): Promise<readonly LocalRecord[]> {
    return this.#ports.store.load(area);
  }

  /** Goes on with what was read; it is sent when the connection is there. */
  use(area: string, records: readonly LocalRecord[]): void {
    this.#area = area;
    const { store, pageId } = this.#ports;
    if (store.outlivesPage) {
      this.#pages = new QueuePages(this.world, { area, store, pageId });
      this.#pages.on('news', (news) => this.#handleNews(news));
      this.#pages.on('left', ({ page, records }) => this.#adopt(page, records));
      this.#pages.on('settled', () => this.#pump());
    }
    this.#restore(records);
    this.#pages?.open(new Set(this.#queue.map(({ page }) => page)));
  }

  /** Takes a message. */
  add(to: Recipient, text: string): OutgoingMessage {
    const at = (this.#lastAt = Math.max(this.world.now(), this.#lastAt + 1));
    const writtenAt = new Date(this.world.now()).toISOString();
    const waiting = { to, text, writtenAt, page: this.#ports.pageId };
    const outgoing = new Outgoing(timeOrderedId(this.world, at), waiting);
    this.#queue.push(outgoing);
    void this.#ports.store.write(this.#area, { records: [[outgoing.id, waiting]] });
    this.#pages?.tell({ id: outgoing.id, waiting });
    this.#pump();
    return outgoing;
  }

  /** The server has this message, whoever sent it. */
  handleMessage(message: Message): void {
    const outgoing = this.#find(message.id);
    if (outgoing) this.#settle(outgoing, message);
  }

  /** The server listens: begin. */
  handleWelcome(): void {
    this.#pump();
  }

  /** Nobody is signed in any more: what waits has failed. */
  close(error: CallboxError): void {
    for (const outgoing of [...this.#queue]) {
      if (this.#isOwn(outgoing)) this.#settle(outgoing, error);
      else this.#remove(outgoing, error);
    }
    this.#pages?.close();
    this.#pages = null;
  }

  #find(id: string): Outgoing | undefined {
    return this.#queue.find((outgoing) => outgoing.id === id);
  }

  #isOwn(outgoing: Outgoing): boolean {
    return outgoing.page === this.#ports.pageId;
  }

  #restore(records: readonly LocalRecord[]): void {
    const found = records.map(([id, waiting]) => new Outgoing(id, waiting as WaitingMessage));
    const unknown = found.filter(({ id }) => !this.#find(id));
    this.#queue.push(...unknown);
    this.#queue.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#lastAt = Math.max(this.#lastAt, timeOfId(this.#queue.at(-1)?.id ?? ''));
    for (const outgoing of unknown) this.emit('status', outgoing);
  }

  /** A page is gone: what it had not sent is this page's now. */
  #adopt(page: string, records: readonly LocalRecord[]): void {
    this.#restore(records);
    for (const outgoing of this.#queue) {
      if (outgoing.page === page) outgoing.page = this.#ports.pageId;
    }
  }

  #handleNews({ id, waiting, message, error }: PageNews): void {
    if (waiting) {
      this.#restore([[id, waiting]]);
      return;
    }
    const outgoing = this.#find(id);
    const result = message ?? (error && new CallboxError(error));
    if (outgoing && result) this.#remove(outgoing, result);
  }

  #next(): Outgoing | undefined {
    const next = this.#queue.find((outgoing) => this.#isOwn(outgoing));
    // What was written before goes first, as soon as it is known whether this page has to send it.
    return this.#pages?.isDeciding ? undefined : next;
  }

  #pump(): void {
    if (this.#current) return;
    const outgoing = this.#next();
    if (!outgoing) return;
    const { id: messageId, to, text } = outgoing;
    const frame = { type: 'message.send', message: { messageId, to, text } } as const;
    const options = { keep: true, timeoutMs: null };
    const sending = this.#ports.requests.request(frame, 'message.accepted', options);
    this.#current = outgoing;
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
        this.#current = null;
        this.#pump();
      },
      Math.max(wait, REPEAT_MIN_MS),
    );
  }

  /** Once per message: the first of its acceptance, its event and its refusal counts. */
  #settle(outgoing: Outgoing, result: Message | CallboxError): void {
    if (!this.#queue.includes(outgoing)) return;
    void this.#ports.store.write(this.#area, { records: [[outgoing.id, undefined]] });
    this.#pages?.tell(newsOf(outgoing.id, result));
    this.#remove(outgoing, result);
  }

  #remove(outgoing: Outgoing, result: Message | CallboxError): void {
    const place = this.#queue.indexOf(outgoing);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    if (outgoing === this.#current) {
      this.#sending?.cancel();
      this.#sending = null;
      this.#current = null;
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
  readonly writtenAt: string;
  /** The page that sends it. */
  page: string;
  status: OutgoingMessage['status'] = 'pending';
  readonly accepted: Promise<Message>;
  declare message?: Message;
  declare error?: CallboxError;
  #resolve!: (message: Message) => void;
  #reject!: (error: CallboxError) => void;

  constructor(id: string, { to, text, writtenAt, page }: WaitingMessage) {
    this.id = id;
    this.to = to;
    this.text = text;
    this.writtenAt = writtenAt;
    this.page = page;
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
      this.message = result;
      this.#resolve(result);
    }
  }
}

/** Errors lose their class on the way to another page. */
function newsOf(id: string, result: Message | CallboxError): PageNews {
  if (!(result instanceof CallboxError)) return { id, message: result };
  const { code, message, retry, requestId, details } = result;
  return { id, error: { code, message, retry, requestId, details: { ...details } } };
}

const REPEAT_MIN_MS = 250;
