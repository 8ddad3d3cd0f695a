/** What the tabs of one browser share: locks and channels. Each tab is a {@link FakeWorld} of its own. */
import type { World } from '../src/world.js';
import { settle } from './fake-world.js';

export class FakeBrowser {
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #channels = new Map<string, Set<(data: unknown) => void>>();

  /** The parts of a tab's world; the tab stays open. */
  tab(): Partial<World> {
    return this.open().parts;
  }

  /** A tab that can be closed: its locks are free then, and its channels silent. */
  open(): Tab {
    let close = (): void => undefined;
    const isGone = new Promise<void>((resolve) => (close = resolve));
    const page: Page = { isOpen: true, isGone };
    const ends: (() => void)[] = [];
    const parts = this.#parts(page, ends);
    return {
      parts,
      close: () => {
        page.isOpen = false;
        for (const end of ends) end();
        close();
      },
    };
  }

  #parts(page: Page, ends: (() => void)[]): Partial<World> {
    return {
      exclusively: (name, work) => this.#inTurn(name, work, page),
      channel: (name, hear) => {
        const members = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, members.add(hear));
        ends.push(() => void members.delete(hear));
        return {
          post: (data) => {
            for (const member of members) if (member !== hear) member(structuredClone(data));
          },
          close: () => void members.delete(hear),
        };
      },
    };
  }

  /** How many tabs are on channels. */
  get listeners(): number {
    return [...this.#channels.values()].reduce((sum, members) => sum + members.size, 0);
  }

  #inTurn<Result>(name: string, work: () => Promise<Result>, page: Page): Promise<Result> {
    const before = this.#turns.get(name) ?? settle();
    const result = before.then(() => (page.isOpen ? work() : NEVER));
    const isFree = before.then(() => Promise.race([result, page.isGone]));
    this.#turns.set(
      name,
      isFree.catch(() => undefined),
    );
    return result;
  }
}

/** A tab of the browser. */
export interface Tab {
  /** The parts of its world. */
  parts: Partial<World>;
  /** The tab is gone. */
  close: () => void;
}

interface Page {
  isOpen: boolean;
  isGone: Promise<void>;
}

const NEVER = new Promise<never>(() => undefined);
