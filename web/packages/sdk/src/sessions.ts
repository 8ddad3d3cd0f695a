import type { ListedSession, Page } from './types.js';

/** What {@link Sessions} needs. @internal */
export interface SessionsPorts {
  /** Reads over HTTP. */
  get: <Answer>(path: string) => Promise<Answer>;
  /** Deletes over HTTP. */
  delete: (path: string) => Promise<void>;
  /** The id of the session of now. */
  sessionId: () => string | null;
  /** Ends the session of now. */
  signOut: () => Promise<void>;
}

/** The user's sessions: where they are signed in. */
export class Sessions {
  readonly #ports: SessionsPorts;

  /** @internal */
  constructor(ports: SessionsPorts) {
    this.#ports = ports;
  }

  /** The open sessions, the one that was used last first; all on one page. */
  list(): Promise<Page<ListedSession>> {
    return this.#ports.get('/v1/sessions');
  }

  /** Signs a device out; one's own as `signOut` does. */
  async end(sessionId: string): Promise<void> {
    if (sessionId === this.#ports.sessionId()) return this.#ports.signOut();
    return this.#ports.delete(`/v1/sessions/${encodeURIComponent(sessionId)}`);
  }

  /** Signs all other devices out. */
  endOthers(): Promise<void> {
    return this.#ports.delete('/v1/sessions');
  }
}
