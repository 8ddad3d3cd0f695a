import type { ErrorInfo } from '@callbox/wire';
import {
  type CallboxError,
  asCallboxError,
  clientError,
  endsSession,
  serverError,
} from './errors.js';
import { type RetryPolicy, noRetries, readPolicy } from './retry-policy.js';
import { Island, type World, delay } from './world.js';

/** What {@link Http} tells. */
export interface HttpEvents {
  /** The server says that the session of this token is over. */
  sessionEnded: { token: string; error: CallboxError };
}

/** Parts of a query; those that are missing are left out. */
export type Query = Record<string, string | number | undefined>;

/** The REST side of the server: `fetch` with addresses, credentials, time limits and typed errors. */
export class Http extends Island<HttpEvents> {
  readonly #baseUrl: string;
  readonly #reads: RetryPolicy;
  #token: string | null = null;

  constructor(world: World, baseUrl: string) {
    super(world);
    this.#baseUrl = baseUrl;
    this.#reads = readPolicy(() => world.random());
  }

  /** Sets the session token of all later requests. */
  setToken(token: string | null): void {
    this.#token = token;
  }

  /** Reads; tries again as the policy says. */
  async get<Answer>(path: string, query: Query = {}, policy = this.#reads): Promise<Answer> {
    const token = this.#bearer();
    return this.#repeat(policy, () =>
      this.#send<Answer>(path + queryText(query), { method: 'GET' }, `Bearer ${token}`),
    );
  }

  /** Writes with the session; never repeated by itself. */
  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.#send<Answer>(path, jsonBody(body), `Bearer ${this.#bearer()}`);
  }

  /** Deletes with the session. */
  async delete(path: string): Promise<void> {
    await this.#send(path, { method: 'DELETE' }, `Bearer ${this.#bearer()}`);
  }

  /** Writes as the app, before anyone is signed in. */
  async postAsApp<Answer>(path: string, body: unknown, appKey: string): Promise<Answer> {
    return this.#send<Answer>(path, jsonBody(body), `Application ${appKey}`);
  }

  /** Writes without waiting, in a way that outlives the page. */
  postKeepalive(path: string, body: unknown): void {
    if (this.#token === null) return;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` };
    const init = { ...jsonBody(body), headers, keepalive: true };
    try {
      this.world.fetch(this.#baseUrl + path, init).catch(() => undefined);
    } catch {
      // The page is going away: nobody is left to tell.
    }
  }

  #bearer(): string {
    if (this.#token === null) throw clientError('not_signed_in');
    return this.#token;
  }

  async #repeat<Answer>(policy: RetryPolicy, send: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await send();
      } catch (thrown) {
        const error = asCallboxError(thrown, 'network');
        const wait = policy.delayMs(attempt, error);
        if (wait === null) throw error;
        await delay(this.world, wait);
      }
    }
  }

  async #send<Answer>(path: string, init: RequestInit, authorization: string): Promise<Answer> {
    const abort = new AbortController();
    const timer = this.world.setTimeout(() => abort.abort(), REQUEST_TIMEOUT_MS);
    const headers = { ...(init.headers as Record<string, string> | undefined), authorization };
    try {
      const url = this.#baseUrl + path;
      const response = await this.world.fetch(url, { ...init, headers, signal: abort.signal });
      const text = await response.text();
      const body = readJson(text);
      if (response.ok && (body !== undefined || response.status === NO_CONTENT)) {
        return body as Answer;
      }
      if (response.ok && isCutOff(text)) throw clientError('network');
      const error = answerError(response, body);
      const token = authorization.slice('Bearer '.length);
      if (endsSession(error)) this.emit('sessionEnded', { token, error });
      throw error;
    } catch (thrown) {
      throw abort.signal.aborted ? clientError('timeout') : asCallboxError(thrown, 'network');
    } finally {
      this.world.clearTimeout(timer);
    }
  }
}

/** Reads that are not worth waiting for. */
export { noRetries };

function jsonBody(body: unknown): RequestInit {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', body: JSON.stringify(body), headers };
}

function queryText(query: Query): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parts.set(name, String(value));
  }
  const text = parts.toString();
  return text && `?${text}`;
}

/** `undefined` where it is no JSON. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * The beginning of an answer, or nothing of it: browsers take a plain HTTP answer whose connection broke in its head for
 * one without a body.
 */
function isCutOff(text: string): boolean {
  return text === '' || text.startsWith('{') || text.startsWith('[');
}

function answerError(response: Response, body: unknown): CallboxError {
  const header = Number(response.headers.get('retry-after') ?? NaN);
  const retryAfterSeconds = Number.isFinite(header) ? header : undefined;
  const info = errorInfo(body);
  if (info) return serverError(info, retryAfterSeconds);
  // A proxy's page, or an address where no Callbox server is.
  const { status } = response;
  return clientError('network', {
    message: `The address answered, but not as a Callbox server does (HTTP ${status}). Check the server's address, or try again after a moment.`,
    retry: status >= 500 || status === 429 ? 'after' : 'never',
    details: { status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
  });
}

function errorInfo(body: unknown): ErrorInfo | undefined {
  const error = (body as { error?: Partial<ErrorInfo> } | null | undefined)?.error;
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') return undefined;
  return { retry: 'never', requestId: null, details: {}, ...error } as ErrorInfo;
}

const NO_CONTENT = 204;
const REQUEST_TIMEOUT_MS = 20_000;
