import { CallboxError, asCallboxError, endsSession, retryAfterMs } from './errors.js';
import { type JitterBounds, risingPause } from './retry-policy.js';
import { type Ask } from './renewal.js';
import type { SessionKeeper } from './session.js';
import type { StoredSession } from './session-store.js';
import type { SessionEndReason } from './types.js';
import { type World, delay } from './world.js';

/**
 * How a client goes on after its session: with the one that the server just gave, that another tab has, or that is good
 * after all; or without any, for this reason. @internal
 */
export type Outcome =
  | { origin: 'server' | 'tab' | 'same'; stored: StoredSession }
  | { origin: 'none'; error: CallboxError };

/** What happens when a session is over: finds out why, and whether there is another to go on with. @internal */
export class Recovery {
  readonly #world: World;
  readonly #keeper: SessionKeeper;
  readonly #ask: Ask | null;
  #attempt = 0;
  #lastAt = -Infinity;

  constructor(world: World, keeper: SessionKeeper, ask: Ask | null) {
    this.#world = world;
    this.#keeper = keeper;
    this.#ask = ask;
  }

  /**
   * Finds the session to go on with, as long as `isWanted` says that somebody waits for it. Other tabs take their turn
   * when `use` is done with it, so that they find it.
   */
  async find<Result>(
    error: CallboxError,
    isWanted: () => boolean,
    use: (outcome: Outcome) => Promise<Result>,
  ): Promise<Result> {
    const token = this.#keeper.current?.token;
    await this.#pause();
    return this.#keeper.exclusively(async () => use(await this.#search(error, token, isWanted)));
  }

  async #search(
    error: CallboxError,
    token: string | undefined,
    isWanted: () => boolean,
  ): Promise<Outcome> {
    const newer = await this.#keeper.newer();
    const { current } = this.#keeper;
    if (!current || !isWanted()) return { origin: 'none', error };
    if (newer) return { origin: 'tab', stored: newer };
    // Another tab may have told of what it signed in to while this one waited for its turn.
    if (current.token !== token) return { origin: 'same', stored: current };
    const over = await this.#whyOver(error, current);
    if (!over) return { origin: 'same', stored: current };
    return this.#signInAgain(inWords(over), current, isWanted);
  }

  async #signInAgain(
    error: CallboxError,
    { session, expiresIn }: StoredSession,
    isWanted: () => boolean,
  ): Promise<Outcome> {
    if (!isWanted() || !this.#ask || isOwnWill(reasonOf(error))) return { origin: 'none', error };
    // Coming back by itself pushes nobody out: two devices would take turns at that.
    const options = { device: session.device, force: false };
    const wishes = expiresIn === undefined ? options : { ...options, expiresIn };
    try {
      const credential = await this.#ask(reasonOf(error));
      if (!isWanted()) return { origin: 'none', error };
      const open = (): Promise<StoredSession> => this.#keeper.open(credential, wishes);
      return { stored: await this.#untilAnswered(open, isWanted), origin: 'server' };
    } catch {
      return { origin: 'none', error };
    }
  }

  /** Sessions that end as soon as they begin must not make a loop. */
  async #pause(): Promise<void> {
    const now = this.#world.now();
    if (now - this.#lastAt > CALM_MS) this.#attempt = 0;
    this.#attempt += 1;
    if (this.#attempt > 1) {
      await delay(this.#world, risingPause(this.#attempt - 2, this.#random, PAUSES));
    }
    this.#lastAt = this.#world.now();
  }

  /** A socket's close does not say why: an HTTP answer does. `null` where the session is good after all. */
  async #whyOver(error: CallboxError, stored: StoredSession): Promise<CallboxError | null> {
    if (!('closeCode' in error.details)) return error;
    try {
      await this.#keeper.verify(stored);
      return null;
    } catch (thrown) {
      return asCallboxError(thrown, 'network');
    }
  }

  async #untilAnswered<Answer>(
    send: () => Promise<Answer>,
    isWanted: () => boolean,
  ): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await send();
      } catch (thrown) {
        const error = asCallboxError(thrown, 'network');
        if (error.retry === 'never' || endsSession(error) || !isWanted()) throw error;
        const told = 'retryAfterSeconds' in error.details ? retryAfterMs(error) : 0;
        await delay(this.#world, told + risingPause(attempt, this.#random, PAUSES));
        if (!isWanted()) throw error;
      }
    }
  }

  readonly #random = (): number => this.#world.random();
}

/** Why the session is over. @internal */
export function reasonOf(error: CallboxError): SessionEndReason {
  const { reason } = error.details;
  return typeof reason === 'string' && reason in WORDS ? (reason as SessionEndReason) : 'unknown';
}

/** The error with its reason in words that can be shown to whoever was signed out. @internal */
export function inWords(error: CallboxError): CallboxError {
  const reason = reasonOf(error);
  const { code, requestId, details } = error;
  const message = `You were signed out because ${WORDS[reason]}.`;
  return new CallboxError({ code, message, requestId, details: { ...details, reason } });
}

/** Whoever signed out, here or from another device, wants to be out. */
function isOwnWill(reason: SessionEndReason): boolean {
  return reason === 'signed_out' || reason === 'ended_by_user';
}

/** Whether nothing of the user may stay on the device after this end. @internal */
export function meansToLeave(reason: SessionEndReason): boolean {
  return isOwnWill(reason) || reason === 'user_deleted';
}

const WORDS: Record<SessionEndReason, string> = {
  signed_out: 'you signed out in another tab',
  expired: 'you have been signed in for too long',
  ended_by_user: 'you signed this device out from another one',
  replaced: 'you signed in on more devices than are allowed',
  password_changed: 'your password was changed',
  ended_by_app: 'the app ended your session',
  ended_by_operator: 'the operator of the server ended your session',
  user_blocked: 'your account was blocked',
  user_deleted: 'your account was deleted',
  app_disabled: 'the app was switched off',
  secret_rotated: 'the keys of the app were changed',
  unknown: 'the server does not know your session any more',
};
const CALM_MS = 600_000;
const PAUSES: JitterBounds = { minMs: 2_000, maxMs: 300_000 };
