/** Who is signed in on this tab, and whether the server can be reached. */
import { CallboxError, type CallboxClient, type ConnectionChange } from '@callbox/sdk';
import { thisDevice } from '../lib/device.js';

export class Session {
  /** `starting` until we know whether this tab was signed in before a reload. */
  phase = $state<'starting' | 'signed-out' | 'signed-in'>('starting');
  userId = $state('');
  /** Why the person is back at the sign-in screen, when it was not their own wish. */
  notice = $state('');
  connection = $state.raw<ConnectionChange>({ state: 'signed-out' });
  /** When the next attempt to connect begins. */
  retryAt = $state(0);
  /** The connection was lost and is not back yet. */
  away = $state(false);

  readonly #client: CallboxClient;

  constructor(client: CallboxClient) {
    this.#client = client;
    client.on('connection', (event) => this.#connectionChanged(event));
    client.on('sessionEnded', ({ error }) => this.#signedOut(error.message));
  }

  /** Goes on with the session that this tab had before a reload. */
  async start(): Promise<void> {
    try {
      const signedIn = await this.#client.resume();
      if (signedIn) this.#signedIn(signedIn.user.id);
      // Where it was over, the event above has said why.
      else this.#signedOut(this.notice);
    } catch (error) {
      this.#signedOut(sentence(error));
    }
  }

  /** Open sign-in: any name. An app with users of its own passes a ticket made by its backend instead. */
  async signIn(userId: string): Promise<void> {
    const signedIn = await this.#client.signIn({ userId }, { device: thisDevice() });
    this.#signedIn(signedIn.user.id);
  }

  async signOut(): Promise<void> {
    this.#signedOut('');
    // Signed out here is what counts; a server that cannot be reached now lets the session run out.
    await this.#client.signOut().catch(() => undefined);
  }

  #signedIn(userId: string): void {
    this.userId = userId;
    this.notice = '';
    this.phase = 'signed-in';
  }

  #signedOut(notice: string): void {
    this.userId = '';
    this.notice = notice;
    this.phase = 'signed-out';
    this.away = false;
  }

  #connectionChanged(event: ConnectionChange): void {
    this.connection = event;
    if (event.state === 'online') this.away = false;
    if (event.state === 'waiting' || event.state === 'stopped') this.away = true;
    this.retryAt = Date.now() + (event.retryInSeconds ?? 0) * 1000;
  }
}

/** What to tell a person about anything that was thrown: the SDK's errors are sentences already. */
export function sentence(error: unknown): string {
  if (error instanceof CallboxError) return error.message;
  return 'Something went wrong on this page. Reload it and try again.';
}
