import type { Presence as PresenceOf } from '@callbox/wire';
import { type CallboxError, asCallboxError, retryAfterMs } from './errors.js';
import type { ServerFrameOf } from './frames.js';
import type { Requests, Sending } from './outbox.js';
import { Island, type World } from './world.js';

/** What {@link Presence} tells. */
export interface PresenceEvents {
  /** What is known of a watched user has changed. */
  presence: PresenceOf;
}

/** Who is there. */
export class Presence extends Island<PresenceEvents> {
  readonly #requests: Requests;
  readonly #known = new Map<string, PresenceOf>();
  #watch: Watch | null = null;
  #sending: Sending<unknown> | null = null;

  /** @internal */
  constructor(world: World, requests: Requests) {
    super(world);
    this.#requests = requests;
  }

  /**
   * Watches these users instead of those watched before (at most 500), also after reconnects. Resolves with what is
   * known of them, at once or when the connection is back.
   */
  watch(userIds: readonly string[]): Promise<PresenceOf[]> {
    const watch: Watch = { userIds: [...new Set(userIds)], waiting: [] };
    const answer = new Promise<PresenceOf[]>((resolve, reject) => {
      watch.waiting.push({ resolve, reject });
    });
    // Whoever asked before is answered with the new request's answer: it is as current.
    watch.waiting.push(...(this.#watch?.waiting ?? []));
    this.#watch = watch;
    for (const userId of this.#known.keys()) {
      if (!watch.userIds.includes(userId)) this.#known.delete(userId);
    }
    this.#sending?.cancel();
    this.#sending = null;
    this.#ask();
    return answer;
  }

  /** What is known of a watched user; `null` where nothing is. */
  get(userId: string): PresenceOf | null {
    return this.#known.get(userId) ?? null;
  }

  /** A new socket knows nothing of what the last one watched. @internal */
  handleWelcome(): void {
    this.#ask();
  }

  /** @internal */
  handleChanged(frame: ServerFrameOf<'presence.changed'>): void {
    this.#learn(frame.presence);
  }

  /** @internal */
  handleSignedOut(error: CallboxError): void {
    this.#sending?.cancel();
    this.#sending = null;
    for (const { reject } of this.#watch?.waiting ?? []) reject(error);
    this.#watch = null;
    this.#known.clear();
  }

  /** Asks the server, unless it is being asked already. */
  #ask(): void {
    const watch = this.#watch;
    if (!watch || this.#sending) return;
    const frame = { type: 'presence.watch', userIds: watch.userIds } as const;
    const sending = this.#requests.request(frame, 'presence.state', { timeoutMs: null });
    this.#sending = sending;
    sending.answer.then(
      ({ presences }) => {
        if (this.#sending !== sending) return;
        this.#sending = null;
        for (const presence of presences) this.#learn(presence);
        for (const { resolve } of watch.waiting.splice(0)) resolve(presences);
      },
      (thrown: unknown) => {
        if (this.#sending !== sending) return;
        this.#sending = null;
        this.#handleRefusal(watch, asCallboxError(thrown, 'network'));
      },
    );
  }

  #handleRefusal(watch: Watch, error: CallboxError): void {
    // Lost with its socket: the next welcome asks again.
    if (error.code === 'network') return;
    if (error.retry === 'never') {
      this.#watch = null;
      for (const { reject } of watch.waiting.splice(0)) reject(error);
    } else {
      this.world.setTimeout(() => this.#ask(), retryAfterMs(error));
    }
  }

  #learn(presence: PresenceOf): void {
    const known = this.#known.get(presence.userId);
    this.#known.set(presence.userId, presence);
    const same = known?.status === presence.status && known.lastSeenAt === presence.lastSeenAt;
    if (!same) this.emit('presence', presence);
  }
}

interface Watch {
  userIds: string[];
  waiting: { resolve: (presences: PresenceOf[]) => void; reject: (error: CallboxError) => void }[];
}
