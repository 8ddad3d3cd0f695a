import type { Message, Receipt } from '@callbox/wire';
import { parseCursor } from './event-log.js';
import type { Conversation } from './frames.js';
import { Held } from './held.js';
import type { LocalRecord, ReliableStore } from './local-store.js';

/** What this device holds of the user's conversations: to be shown before, and without, an answer of the server. */
export interface LocalMessages {
  /** The conversations that changed last, the latest first: at most 100. */
  conversations(): readonly Conversation[];
  /** The newest messages of a conversation in rising order, without a hole: at most 50. */
  history(conversationId: string): readonly Message[];
}

/** A place in the user's log, and what is known to be seen there. @internal */
export interface Place {
  /** The last event whose handlers ran. */
  cursor: string;
  /** Nothing that the server did up to this time of its own is missing; `null` where that is not known. */
  sureUpTo: string | null;
}

/** What was kept of one user. @internal */
export interface Kept {
  /** Where it is kept. */
  area: string;
  /** Conversations and messages. */
  held: Held;
  /** Up to where in the log they were last kept; `null` where nothing is. What changed since is to be kept beside that. */
  place: Place | null;
}

/**
 * What was seen, and how far: kept together, so that a page load goes on from a whole. The place in the log is written with
 * everything that came up to there, in one change, and only forward: several pages may keep the same user's. @internal
 */
export class LocalCopy implements LocalMessages {
  readonly #store: ReliableStore;
  readonly #cursor: () => string | null;
  #kept: Kept | null = null;
  #sureUpTo: string | null = null;
  /** Events were missed: the place in the log is not kept before what they changed is. */
  #isIncomplete = false;

  constructor(store: ReliableStore, cursor: () => string | null) {
    this.#store = store;
    this.#cursor = cursor;
  }

  /** Reads what is kept of a user. */
  async read(area: string, userId: string): Promise<Kept> {
    const records = await this.#store.load(area);
    const place = records.find(([key]) => key === CURSOR)?.[1] as Place | undefined;
    return { area, held: new Held(userId, place ? records : []), place: place ?? null };
  }

  /** This user's is looked at and kept from now on; nobody's with `null`. */
  use(kept: Kept | null): void {
    this.#kept = kept;
    this.#sureUpTo = kept?.place?.sureUpTo ?? null;
    this.#isIncomplete = false;
  }

  conversations(): readonly Conversation[] {
    return this.#kept?.held.conversations() ?? [];
  }

  history(conversationId: string): readonly Message[] {
    return this.#kept?.held.messages(conversationId) ?? [];
  }

  /** Up to when everything is known; `null` where that is not known. */
  get sureUpTo(): string | null {
    return this.#sureUpTo;
  }

  /** The log begins here for this device: what was before is not missed. */
  handleFirstWelcome(serverTime: string): void {
    this.#sureUpTo = serverTime;
  }

  /** A message was told by the log. */
  handleMessage(message: Message): void {
    this.#kept?.held.handleMessage(message);
    if (this.#sureUpTo === null || message.createdAt > this.#sureUpTo) {
      this.#sureUpTo = message.createdAt;
    }
  }

  /** Someone is further than before. */
  handleReceipt(receipt: Receipt): void {
    this.#kept?.held.handleReceipt(receipt);
  }

  /** Learns from an answer that was asked for by `learner`. */
  learn(learner: Kept | null, learn: (held: Held) => void): void {
    // Before it has a place in the log, nobody could say later what is missing.
    if (!learner || learner !== this.#kept || this.#cursor() === null) return;
    learn(learner.held);
    this.keep();
  }

  /** Whoever asks the server now learns for this user. */
  get learner(): Kept | null {
    return this.#kept;
  }

  /** Writes what changed, with the place in the log. */
  keep(): void {
    const [kept, cursor] = [this.#kept, this.#cursor()];
    if (!kept || cursor === null || this.#isIncomplete) return;
    const before = kept.place;
    const changes = kept.held.takeChanges();
    const records: LocalRecord[] = [...changes, this.#placeAt(kept, cursor)];
    let isEmptied = false;
    const allows = (there: unknown): boolean => {
      const place = there as Place | undefined;
      isEmptied = before !== null && isBehind(place, before);
      return !isEmptied && isNoFurther(place, cursor);
    };
    void this.#store.write(kept.area, { records, allows }).then((isKept) => {
      if (isEmptied) this.#handleEmptied(kept);
      else if (!isKept) kept.held.giveBack(changes);
    });
  }

  /**
   * What changed is no whole without what was there. Everything is written with the next event: if the user signed out in
   * another page, there is none, and nothing may be left.
   */
  #handleEmptied(kept: Kept): void {
    kept.place = null;
    kept.held.giveBack(new Map(kept.held.takeAll()));
  }

  /** Events were missed; with `restored`, what is held may have never been. */
  handleMissed(restored: boolean): void {
    this.#isIncomplete = true;
    if (restored) this.#kept?.held.drop();
  }

  /** What was missed is here. Everything is written anew, in the place of what was kept before. */
  handleComplete(restored: boolean, sureUpTo: string): void {
    const [kept, cursor] = [this.#kept, this.#cursor()];
    this.#isIncomplete = false;
    if (!kept || cursor === null) return;
    if (this.#sureUpTo === null || restored || sureUpTo > this.#sureUpTo) this.#sureUpTo = sureUpTo;
    const records = [...kept.held.takeAll(), this.#placeAt(kept, cursor)];
    // Another page may have been faster, and be further. A log that was restored counts anew.
    const allows = (there: unknown): boolean =>
      restored ||
      !isSameLog(there as Place | undefined, cursor) ||
      isNoFurther(there as Place, cursor);
    void this.#store.write(kept.area, { clear: true, records, allows });
  }

  /** The place that is written now, and that the next changes go beside. */
  #placeAt(kept: Kept, cursor: string): LocalRecord {
    kept.place = { cursor, sureUpTo: this.#sureUpTo };
    return [CURSOR, kept.place];
  }
}

/** Whether this page has seen all that the page has which kept this, in the same life of the log. */
function isNoFurther(there: Place | undefined, cursor: string): boolean {
  if (!there) return true;
  return isSameLog(there, cursor) && parseCursor(there.cursor).seq <= parseCursor(cursor).seq;
}

/** Whether what was kept up to `before` is not there any more, though another page may have begun anew. */
function isBehind(there: Place | undefined, before: Place): boolean {
  if (!there) return true;
  const isBefore = parseCursor(there.cursor).seq < parseCursor(before.cursor).seq;
  return isBefore && isSameLog(there, before.cursor);
}

function isSameLog(there: Place | undefined, cursor: string): boolean {
  return there !== undefined && parseCursor(there.cursor).epoch === parseCursor(cursor).epoch;
}

const CURSOR = 'cursor';
