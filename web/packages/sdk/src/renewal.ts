import { CallboxError, asCallboxError, clientError, endsSession } from './errors.js';
import { type JitterBounds, risingPause } from './retry-policy.js';
import type { SessionKeeper } from './session.js';
import type { Credential, CredentialsReason } from './types.js';
import { Island, type Timer, type World } from './world.js';

/** Asks the app for a credential; rejects where it has none. @internal */
export type Ask = (reason: CredentialsReason) => Promise<Credential>;

/** What {@link Renewal} tells. */
export interface RenewalEvents {
  /** The session has another token, of this tab or of another one. */
  renewed: { isSameSession: boolean };
  /** It could not be renewed, and that is not for want of a network. */
  warning: { error: CallboxError };
}

/** Renews the session before it runs out, one tab at a time. @internal */
export class Renewal extends Island<RenewalEvents> {
  readonly #keeper: SessionKeeper;
  readonly #ask: Ask | null;
  #timer: Timer | null = null;
  #forgetVisible: (() => void) | null = null;
  /** When the next attempt is due; `Infinity` where there is none. */
  #dueAt = Infinity;
  #failures = 0;
  #renewedAt = -Infinity;
  /** Counts starts and stops, so that what belongs to an earlier session is noticed. */
  #run = 0;

  constructor(world: World, keeper: SessionKeeper, ask: Ask | null) {
    super(world);
    this.#keeper = keeper;
    this.#ask = ask;
  }

  /** Looks after the session of now. */
  start(): void {
    this.stop();
    this.#failures = 0;
    // Timers stand still while a device sleeps: look at the clock when somebody looks at the page.
    this.#forgetVisible = this.world.onEvent('visible', () => this.#wait());
    this.#plan();
  }

  /** Looks after none. */
  stop(): void {
    this.#run += 1;
    this.#dueAt = Infinity;
    this.#forgetVisible?.();
    this.#forgetVisible = null;
    this.world.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #plan(): void {
    const { renewAt } = this.#keeper.current ?? {};
    if (renewAt === undefined) return;
    this.#dueAt = Math.max(renewAt, this.#renewedAt + PAUSE_MIN_MS);
    this.#wait();
  }

  #wait(): void {
    this.world.clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#dueAt === Infinity) return;
    const left = Math.max(0, this.#dueAt - this.world.now());
    // Longer waits than browsers can count are cut into pieces.
    const due = (): void => {
      if (left > WAIT_MAX_MS) this.#wait();
      else void this.#attempt();
    };
    this.#timer = this.world.setTimeout(due, Math.min(left, WAIT_MAX_MS));
  }

  async #attempt(): Promise<void> {
    const run = this.#run;
    const before = this.#keeper.current?.session.id;
    this.#dueAt = Infinity;
    const problem = await this.#renew().catch((error: unknown) => asCallboxError(error, 'network'));
    if (run !== this.#run) return;
    if (problem === null) {
      this.#failures = 0;
      this.#renewedAt = this.world.now();
      this.emit('renewed', { isSameSession: this.#keeper.current?.session.id === before });
      this.#plan();
    } else if (!endsSession(problem)) {
      this.#handleFailure(problem);
    }
  }

  /** `null` where the session is renewed. That it is over is told by whoever heard it. */
  async #renew(): Promise<CallboxError | null> {
    const token = this.#keeper.current?.token;
    return this.#keeper.exclusively(async () => {
      // Another tab may have told of its own renewal while this one waited for its turn.
      if (this.#keeper.current?.token !== token) return null;
      const newer = await this.#keeper.newer();
      if (newer) {
        this.#keeper.take(newer);
        return null;
      }
      try {
        await this.#keeper.renew(null);
      } catch (thrown) {
        const error = asCallboxError(thrown, 'network');
        if (error.code !== NEEDS_CREDENTIAL || !this.#ask) return error;
        const credential = await this.#ask('renewal');
        const { ticket, jwt } = credential;
        if (ticket === undefined && jwt === undefined) return error;
        await this.#keeper.renew(credential);
      }
      return null;
    });
  }

  #handleFailure(error: CallboxError): void {
    if (error.retry === 'never') this.emit('warning', { error });
    // Without anyone to ask, the session runs out: nothing that is tried again changes that.
    if (error.code === NEEDS_CREDENTIAL && !this.#ask) return;
    const pause = risingPause(this.#failures, () => this.world.random(), PAUSES);
    this.#failures += 1;
    this.#dueAt = this.world.now() + pause;
    this.#wait();
  }
}

/** The app's function as the SDK asks it: never twice at a time; what it throws is an error like all others. @internal */
export function oneQuestion(
  onCredentialsNeeded: (reason: CredentialsReason) => Promise<Credential> | Credential,
): Ask {
  let open: Promise<Credential> | null = null;
  return (reason) => {
    open ??= (async () => onCredentialsNeeded(reason))()
      .catch((cause: unknown) => {
        throw cause instanceof CallboxError ? cause : clientError('not_signed_in', { cause });
      })
      .finally(() => (open = null));
    return open;
  };
}

const NEEDS_CREDENTIAL = 'renewal_needs_credential';
const PAUSE_MIN_MS = 60_000;
const PAUSES: JitterBounds = { minMs: 2 * PAUSE_MIN_MS, maxMs: 3_600_000 };
const WAIT_MAX_MS = 86_400_000;
