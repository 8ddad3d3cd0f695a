/** Where one is signed in, and how that is ended. */
import type { CallboxClient, ListedSession } from '@callbox/sdk';
import { sentence } from './session.svelte.js';

export class Devices {
  list = $state.raw<ListedSession[]>([]);
  loading = $state(true);
  problem = $state('');
  /** Something is being ended. */
  busy = $state(false);
  /** What just happened, for those who cannot see it. */
  said = $state('');

  readonly #client: CallboxClient;

  constructor(client: CallboxClient) {
    this.#client = client;
  }

  get hasOthers(): boolean {
    return this.list.some(({ current }) => !current);
  }

  async load(): Promise<void> {
    try {
      const { items } = await this.#client.sessions.list();
      // This device first; the server has the others in the order of their use.
      this.list = items.toSorted((a, b) => Number(b.current) - Number(a.current));
      this.problem = '';
    } catch (error) {
      this.problem = sentence(error);
    } finally {
      this.loading = false;
    }
  }

  end(sessionId: string): Promise<void> {
    return this.#change(() => this.#client.sessions.end(sessionId), 'That device is signed out.');
  }

  endOthers(): Promise<void> {
    return this.#change(
      () => this.#client.sessions.endOthers(),
      'All other devices are signed out.',
    );
  }

  async #change(change: () => Promise<void>, done: string): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await change();
      await this.load();
      this.said = done;
    } catch (error) {
      this.problem = sentence(error);
    } finally {
      this.busy = false;
    }
  }
}
