/** A server's sessions: signs in, renews, refuses old tokens, and says why a session is over. */
import type { HttpAnswer, HttpRequest } from './fake-world.js';
import { ANN, SESSION, errorBody } from './signed-in.js';

export const LIFE_MS = 86_400_000;

export class FakeAccounts {
  /** Whom the next sign-ins are. */
  userId = 'ann';
  /** Whether renewals need a fresh credential. */
  wantsCredential = false;
  /** What all requests are answered with instead. */
  outage: HttpAnswer | null = null;
  /** How long sessions live. */
  lifeMs = LIFE_MS;
  readonly signIns: unknown[] = [];
  readonly renewals: unknown[] = [];
  /** Answers each request. */
  readonly answer = (request: HttpRequest): HttpAnswer => this.#answer(request);
  readonly #now: () => number;
  readonly #sessions = new Map<string, { id: string; userId: string; ended: string | null }>();
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Ends all sessions that are open. */
  end(reason: string): void {
    for (const session of this.#sessions.values()) session.ended ??= reason;
  }

  #answer({ method, path, authorization, body }: HttpRequest): HttpAnswer {
    if (this.outage) return this.outage;
    if (method === 'POST' && path === '/v1/sessions') return this.#signIn(body);
    const session = this.#sessions.get(authorization.replace('Bearer ', ''));
    if (!session) return { status: 401, body: errorBody('token_unknown') };
    if (session.ended !== null) {
      const details = { reason: session.ended };
      return { status: 401, body: errorBody('session_ended', { details }) };
    }
    if (path === '/v1/session/renew') return this.#renew(session, authorization, body);
    if (method === 'DELETE') {
      session.ended = 'signed_out';
      return { status: 204 };
    }
    if (path === '/v1/session') return { status: 200, body: this.#describe(session) };
    return { status: 200, body: { items: [], nextCursor: null } };
  }

  #signIn(body: unknown): HttpAnswer {
    this.signIns.push(body);
    const session = { id: `ses_${this.#count + 1}`, userId: this.userId, ended: null };
    return { status: 201, body: this.#withToken(session) };
  }

  #renew(session: FakeSession, authorization: string, body: unknown): HttpAnswer {
    this.renewals.push(body);
    const { ticket, jwt } = body as { ticket?: string; jwt?: string };
    if (this.wantsCredential && !ticket && !jwt) {
      return { status: 403, body: errorBody('renewal_needs_credential') };
    }
    this.#sessions.delete(authorization.replace('Bearer ', ''));
    return { status: 200, body: this.#withToken(session) };
  }

  #withToken(session: FakeSession): object {
    this.#count += 1;
    const token = `cbs_${this.#count}`;
    this.#sessions.set(token, session);
    return { token, secret: 'c2VjcmV0', ...this.#describe(session) };
  }

  #describe({ id, userId }: FakeSession): object {
    const lastUsedAt = new Date(this.#now()).toISOString();
    const expiresAt = new Date(this.#now() + this.lifeMs).toISOString();
    return { session: { ...SESSION, id, lastUsedAt, expiresAt }, user: { ...ANN, id: userId } };
  }
}

interface FakeSession {
  id: string;
  userId: string;
  ended: string | null;
}
