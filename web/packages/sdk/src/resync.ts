import { asCallboxError } from './errors.js';
import type { Conversation } from './frames.js';
import { HELD_CONVERSATIONS_MAX, HELD_MESSAGES_MAX } from './held.js';
import type { LocalCopy } from './local-copy.js';
import { type JitterBounds, risingPause } from './retry-policy.js';
import type { Page } from './types.js';
import { Island, type Timer, type World } from './world.js';

/** Events were missed, and what they changed is fetched. */
export interface StaleEvent {
  /** The conversations that changed since, as they are now, the latest first. */
  conversations: readonly Conversation[];
  /**
   * The server's log is another one than before, as after a backup was restored: messages that were shown may not be
   * there any more, and others may have their positions. Forget everything else.
   */
  restored: boolean;
}

/** What {@link Resync} tells. @internal */
export interface ResyncEvents {
  /** What was missed is here. */
  done: StaleEvent;
}

/** What {@link Resync} needs. @internal */
export interface ResyncPorts {
  /** What is held; the two functions teach it what they fetch. */
  copy: LocalCopy;
  /** A page of conversations. */
  conversations: (options: {
    limit: number;
    cursor?: string;
    updatedAfter?: string;
  }) => Promise<Page<Conversation>>;
  /** A page of history. */
  history: (conversationId: string, options: { limit: number; after?: number }) => Promise<unknown>;
}

/** Fetches what was missed and is not told again, until it is there. @internal */
export class Resync extends Island<ResyncEvents> {
  readonly #ports: ResyncPorts;
  #task: Task | null = null;
  #timer: Timer | null = null;
  #failures = 0;

  constructor(world: World, ports: ResyncPorts) {
    super(world);
    this.#ports = ports;
  }

  /** Events up to this time of the server's were missed. */
  start(restored: boolean, serverTime: string): void {
    const { copy } = this.#ports;
    const before = this.#task;
    const ids = copy.conversations().map(({ id }) => id);
    const positions = new Map(
      ids.map((id) => [id, copy.history(id).at(-1)?.position ?? 0] as const),
    );
    this.stop();
    this.#task = {
      // What was missed before, and is not here yet, is missed now as well.
      restored: restored || (before?.restored ?? false),
      positions: new Map([...positions, ...(before?.positions ?? [])]),
      since: before ? before.since : copy.sureUpTo,
      serverTime,
    };
    copy.handleMissed(restored);
    void this.#attempt(this.#task);
  }

  /** The connection is back: does not wait for the next attempt any longer. */
  hurry(): void {
    if (this.#timer === null || !this.#task) return;
    this.world.clearTimeout(this.#timer);
    this.#timer = null;
    void this.#attempt(this.#task);
  }

  /** Fetches nothing any more. */
  stop(): void {
    this.world.clearTimeout(this.#timer);
    this.#timer = null;
    this.#task = null;
    this.#failures = 0;
  }

  async #attempt(task: Task): Promise<void> {
    try {
      const conversations = task.restored ? await this.#latest() : await this.#changed(task);
      for (const conversation of conversations) {
        if (task !== this.#task) return;
        await this.#fill(task, conversation);
      }
      if (task !== this.#task) return;
      const { restored, serverTime } = task;
      this.stop();
      this.#ports.copy.handleComplete(restored, serverTime);
      this.emit('done', { conversations, restored });
    } catch {
      // A session that is over is told elsewhere; everything else passes.
      if (task === this.#task) this.#wait(task);
    }
  }

  #wait(task: Task): void {
    const pause = risingPause(this.#failures, () => this.world.random(), PAUSES);
    this.#failures += 1;
    this.#timer = this.world.setTimeout(() => {
      this.#timer = null;
      void this.#attempt(task);
    }, pause);
  }

  /** All that a device holds fits into one page. */
  async #latest(): Promise<Conversation[]> {
    return (await this.#ports.conversations({ limit: HELD_CONVERSATIONS_MAX })).items;
  }

  async #changed({ since, positions }: Task): Promise<Conversation[]> {
    if (since === null) return this.#latest();
    const updatedAfter = new Date(Date.parse(since) - MARGIN_MS).toISOString();
    const changed: Conversation[] = [];
    let cursor: string | null = null;
    do {
      const more: object = cursor === null ? {} : { cursor };
      const page = await this.#ports.conversations({ limit: PAGE_MAX, updatedAfter, ...more });
      changed.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    // Who read what is told by the list, but is no change that it looks for.
    const ids = new Set(changed.map(({ id }) => id));
    if ([...positions.keys()].some((id) => !ids.has(id))) await this.#latest();
    return changed;
  }

  /** Messages of what was held: of others, the list has the newest one. */
  async #fill(task: Task, { id, lastPosition }: Conversation): Promise<void> {
    const held = task.positions.get(id) ?? 0;
    if (held === 0 || (!task.restored && lastPosition <= held)) return;
    const isNear = !task.restored && lastPosition - held <= HELD_MESSAGES_MAX;
    const options = { limit: HELD_MESSAGES_MAX, ...(isNear && { after: held }) };
    try {
      await this.#ports.history(id, options);
    } catch (thrown) {
      // Gone meanwhile.
      if (asCallboxError(thrown, 'network').code !== 'conversation_not_found') throw thrown;
    }
  }
}

interface Task {
  restored: boolean;
  /** The conversations that were held, with the position of the newest message that was; 0 without any. */
  positions: ReadonlyMap<string, number>;
  /** Up to this time of the server's nothing is missing. */
  since: string | null;
  serverTime: string;
}

/** The server's clock is read a moment before a message is kept: two may be told in another order than that of their times. */
const MARGIN_MS = 60_000;
const PAGE_MAX = 100;
const PAUSES: JitterBounds = { minMs: 2_000, maxMs: 300_000 };
