import type { Message } from '@callbox/wire';
import type { Recipient, ServerFrameOf } from './frames.js';
import type { Requests } from './outbox.js';
import type { TypingEvent } from './types.js';
import { Island, type Timer, type World } from './world.js';

/** What {@link TypingIndicators} tells. */
export interface TypingEvents {
  /** Someone writes, or stopped. */
  typing: TypingEvent;
}

/** Who writes: told to others at a slow beat, and forgotten when others no longer tell. */
export class TypingIndicators extends Island<TypingEvents> {
  readonly #requests: Pick<Requests, 'tell'>;
  readonly #own = new Map<string, Own>();
  readonly #others = new Map<string, { event: TypingEvent; timer: Timer }>();

  constructor(world: World, requests: Pick<Requests, 'tell'>) {
    super(world);
    this.#requests = requests;
  }

  /** The user writes, or stopped. */
  set(to: Recipient, active: boolean): void {
    const key = keyOf(to);
    const own = this.#own.get(key);
    if (active && own) {
      own.until = this.world.now() + IDLE_MS;
    } else if (active) {
      this.#own.set(key, { to, until: this.world.now() + IDLE_MS, timer: null });
      this.#repeat(key);
    } else if (own) {
      this.#stop(key);
      this.#requests.tell({ type: 'typing.set', to, active: false });
    }
  }

  /** A message went there: its arrival says that the writing is over. */
  handleSent(to: Recipient): void {
    this.#stop(keyOf(to));
  }

  /** Another user writes, or stopped. */
  handleTyping({ userId, conversationId, active }: ServerFrameOf<'typing'>): void {
    const key = `${userId}\n${conversationId ?? ''}`;
    const known = this.#others.get(key);
    this.world.clearTimeout(known?.timer);
    if (!active) {
      this.#expire(key);
      return;
    }
    const event = { userId, conversationId, active: true };
    this.#others.set(key, {
      event,
      timer: this.world.setTimeout(() => this.#expire(key), EXPIRE_MS),
    });
    if (!known) this.emit('typing', event);
  }

  /** What was being written has arrived. */
  handleMessage({ senderId, conversationId }: Message): void {
    this.#expire(`${senderId}\n${conversationId}`);
    this.#expire(`${senderId}\n`);
  }

  /** Forgets everything, silently on the own side. */
  clear(): void {
    for (const key of [...this.#own.keys()]) this.#stop(key);
    for (const key of [...this.#others.keys()]) this.#expire(key);
  }

  #repeat(key: string): void {
    const own = this.#own.get(key);
    if (!own) return;
    if (this.world.now() >= own.until) {
      this.#stop(key);
      return;
    }
    this.#requests.tell({ type: 'typing.set', to: own.to, active: true });
    own.timer = this.world.setTimeout(() => this.#repeat(key), REPEAT_MS);
  }

  #stop(key: string): void {
    this.world.clearTimeout(this.#own.get(key)?.timer);
    this.#own.delete(key);
  }

  #expire(key: string): void {
    const known = this.#others.get(key);
    if (!known) return;
    this.world.clearTimeout(known.timer);
    this.#others.delete(key);
    this.emit('typing', { ...known.event, active: false });
  }
}

interface Own {
  to: Recipient;
  /** When it ends unless the app says again that it holds. */
  until: number;
  timer: Timer | null;
}

function keyOf(to: Recipient): string {
  return JSON.stringify([to.userId, to.conversationId]);
}

const REPEAT_MS = 4_000;
const EXPIRE_MS = 6_000;
const IDLE_MS = 30_000;
