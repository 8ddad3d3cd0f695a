/** What the tabs of one browser share: locks and channels. Each tab is a {@link FakeWorld} of its own. */
import type { World } from '../src/world.js';
import { settle } from './fake-world.js';

export class FakeBrowser {
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #channels = new Map<string, Set<(data: unknown) => void>>();

  /** The parts of a tab's world. */
  tab(): Partial<World> {
    return {
      exclusively: (name, work) => this.#inTurn(name, work),
      channel: (name, hear) => {
        const members = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, members.add(hear));
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

  #inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#turns.get(name) ?? settle()).then(work);
    this.#turns.set(
      name,
      result.catch(() => undefined),
    );
    return result;
  }
}
