import type { Message } from '@callbox/wire';
import type { CallboxErrorInit } from './errors.js';
import type { LocalRecord, ReliableStore } from './local-store.js';
import type { WaitingMessage } from './send-queue.js';
import { type Channel, Island, type Timer, type World } from './world.js';

/** What a page tells the others about a message: it waits, or what became of it. @internal */
export interface PageNews {
  /** The message's id. */
  id: string;
  /** It waits. */
  waiting?: WaitingMessage;
  /** The server keeps it. */
  message?: Message;
  /** It is refused. */
  error?: CallboxErrorInit;
}

/** What {@link QueuePages} tells. @internal */
export interface QueuePagesEvents {
  /** Another page told something. */
  news: PageNews;
  /** A page is gone, and its messages are this page's now: those that it left, and those that were seen of it before. */
  left: { page: string; records: readonly LocalRecord[] };
  /** It is known of every page that was there before whether it is gone. */
  settled: Record<string, never>;
}

/** What the pages need. @internal */
export interface QueuePagesPorts {
  /** Where the waiting messages are kept. */
  area: string;
  /** In which store. */
  store: ReliableStore;
  /** Names this page load. */
  pageId: string;
}

/**
 * Which page sends what. Each page holds a lock of its own for as long as it is there: who gets the lock of another one
 * knows that it is gone, and is the only one who sends what it left. @internal
 */
export class QueuePages extends Island<QueuePagesEvents> {
  readonly #ports: QueuePagesPorts;
  readonly #known = new Set<string>();
  #channel: Channel | null = null;
  #release: () => void = () => undefined;
  #isClosed = false;
  /** Pages that were there before this one, of which it is not known yet whether they are gone. */
  readonly #undecided = new Set<string>();
  #patience: Timer | null = null;

  constructor(world: World, ports: QueuePagesPorts) {
    super(world);
    this.#ports = ports;
  }

  /** Whether what earlier pages left may still come. A page that is there keeps its lock: after a moment it counts as there. */
  get isDeciding(): boolean {
    return this.#undecided.size > 0;
  }

  /** Takes part, beside these pages. */
  open(pages: ReadonlySet<string>): void {
    const { area, pageId } = this.#ports;
    this.#channel = this.world.channel(`callbox ${area}`, (data) => this.#hear(data));
    const isOver = new Promise<void>((resolve) => (this.#release = resolve));
    void this.world.exclusively(this.#lockOf(pageId), () => isOver);
    this.#known.add(pageId);
    for (const page of pages) {
      if (!this.#known.has(page)) this.#undecided.add(page);
    }
    for (const page of [...this.#undecided]) this.#await(page);
    if (this.isDeciding) {
      this.#patience = this.world.setTimeout(() => this.#decideAll(), PATIENCE_MS);
    }
  }

  /** Tells the other pages. */
  tell(news: PageNews): void {
    this.#channel?.post(news);
  }

  /** This page sends nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#channel?.close();
    this.#channel = null;
    this.world.clearTimeout(this.#patience);
    this.#release();
  }

  #hear(data: unknown): void {
    const news = data as PageNews | null;
    if (this.#isOver() || typeof news?.id !== 'string') return;
    this.emit('news', news);
    if (news.waiting) this.#await(news.waiting.page);
  }

  /** Waits until this page is gone, once for each. */
  #await(page: string): void {
    if (this.#known.has(page)) return;
    this.#known.add(page);
    void this.world
      .exclusively(this.#lockOf(page), () => this.#takeOver(page))
      .then(() => this.#decide(page));
  }

  async #takeOver(page: string): Promise<void> {
    if (this.#isOver()) return;
    const { area, store, pageId } = this.#ports;
    const records = (await store.load(area)).filter(
      ([, value]) => (value as WaitingMessage).page === page,
    );
    if (this.#isOver()) return;
    const taken = records.map(([id, value]): LocalRecord => [
      id,
      { ...(value as WaitingMessage), page: pageId },
    ]);
    await store.write(area, { records: taken });
    if (!this.#isOver()) this.emit('left', { page, records: taken });
  }

  #decide(page: string): void {
    this.#undecided.delete(page);
    if (this.#isOver()) return;
    if (!this.isDeciding) this.#decideAll();
  }

  #decideAll(): void {
    this.world.clearTimeout(this.#patience);
    this.#patience = null;
    this.#undecided.clear();
    this.emit('settled', {});
  }

  /** Asked anew after each wait. */
  #isOver(): boolean {
    return this.#isClosed;
  }

  #lockOf(page: string): string {
    return `callbox queue ${page}`;
  }
}

/** How long messages wait for those that an earlier page may have left. */
const PATIENCE_MS = 1_000;
