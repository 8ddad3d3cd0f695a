import { describe, expect, test, vi } from 'vitest';
import { rejection, settle } from '../test/fake-world.js';
import { ANN, SESSION, answerAsServer, errorBody, setUp, signedIn } from '../test/signed-in.js';
import { CallboxClient } from './client.js';
import { type SessionStore, browserSessionStore, memorySessionStore } from './session-store.js';
import type { Credential } from './types.js';

describe('signing in', () => {
  test('opens a session with the app key', async () => {
    const { fake, client } = setUp();
    const device = { platform: 'web' };
    const answer = await client.signIn({ ticket: 'dGlja2V0' }, { device, expiresIn: 3600 });
    expect(answer).toEqual({ user: ANN, session: SESSION });
    expect(fake.requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/sessions',
        authorization: 'Application app',
        body: { ticket: 'dGlja2V0', device, expiresIn: 3600 },
      },
    ]);
    expect(client.user).toEqual(ANN);
    expect(client.session).toEqual(SESSION);
  });

  test.each<Credential>([
    { ticket: 'dGlja2V0' },
    { jwt: 'eyJ.a.b' },
    { userId: 'ann', accessToken: 'secret' },
    { identity: { type: 'email', value: 'ann@example.com' }, password: 'secret' },
    { username: 'dev_1', password: 'secret' },
    { userId: 'ann' },
  ])('by %j', async (credential) => {
    const { fake, client } = setUp();
    await client.signIn(credential, { force: false });
    expect(fake.requests[0]?.body).toEqual({ ...credential, force: false });
  });

  test('one way at a time: the compiler refuses two, and halves', () => {
    const wrong: unknown[] = [
      // @ts-expect-error -- these are two ways
      { ticket: 'x', jwt: 'y' } satisfies Credential,
      // @ts-expect-error -- these are two ways
      { userId: 'ann', ticket: 'x' } satisfies Credential,
      // @ts-expect-error -- this is half of one
      { password: 'x' } satisfies Credential,
      // @ts-expect-error -- this is half of one
      { accessToken: 'x' } satisfies Credential,
      // @ts-expect-error -- this is none at all
      {} satisfies Credential,
    ];
    expect(wrong).toHaveLength(5);
  });

  test("the server's refusal is the error", async () => {
    const { fake, client } = setUp();
    fake.answer = () => ({ status: 401, body: errorBody('ticket_expired') });
    const error = await rejection(client.signIn({ ticket: 'x' }));
    expect(error).toMatchObject({
      name: 'CallboxError',
      code: 'ticket_expired',
      requestId: 'req_1',
    });
    expect(client.connection).toBe('signed-out');
  });

  test('a network that fails says so, and nothing is repeated', async () => {
    const { fake, client } = setUp();
    fake.answer = () => Promise.reject(new TypeError('fetch failed'));
    expect(await rejection(client.signIn({ userId: 'ann' }))).toMatchObject({
      code: 'network',
      cause: expect.any(TypeError) as unknown,
    });
    expect(fake.requests).toHaveLength(1);
  });

  test('the later of two sign-ins counts', async () => {
    const { client } = setUp();
    const first = rejection(client.signIn({ userId: 'ann' }));
    const second = client.signIn({ userId: 'ann' });
    expect(await first).toMatchObject({ code: 'closed' });
    expect((await second).user).toEqual(ANN);
  });

  test('who was signed in before is signed out', async () => {
    const { fake, client } = await signedIn();
    await client.signIn({ userId: 'ann' });
    expect(fake.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'DELETE']);
    expect(client.connection).toBe('connecting');
  });

  test('a wrong address is told when the client is made', () => {
    expect(() => new CallboxClient({ appKey: 'app' })).toThrow('address of the server');
    const make = (): unknown => new CallboxClient({ appKey: 'app', url: 'chat.example.com' });
    expect(make).toThrow('https://');
  });
});

describe('signing out', () => {
  test('ends the session on the server and forgets it', async () => {
    const sessionStore = memorySessionStore();
    const { fake, client } = await signedIn({ sessionStore });
    await client.signOut();
    expect(fake.requests.at(-1)).toMatchObject({
      method: 'DELETE',
      path: '/v1/session',
      authorization: 'Bearer cbs_1',
    });
    expect(client.user).toBeNull();
    expect(client.connection).toBe('signed-out');
    expect(await sessionStore.load()).toBeNull();
    await client.signOut();
  });

  test('forgets the session even when the server cannot be told', async () => {
    const { fake, client } = await signedIn();
    fake.answer = () => Promise.reject(new TypeError('fetch failed'));
    expect(await rejection(client.signOut())).toMatchObject({ code: 'network' });
    expect(client.user).toBeNull();
  });

  test('is content when the session was over already', async () => {
    const { fake, client } = await signedIn();
    fake.answer = () => ({ status: 401, body: errorBody('session_ended') });
    await client.signOut();
    expect(client.user).toBeNull();
  });
});

describe('resuming', () => {
  const stored = { token: 'cbs_1', session: SESSION, user: ANN, cursor: 'k3.7' };

  test('nothing stored is nobody', async () => {
    const { fake, client } = setUp();
    expect(await client.resume()).toBeNull();
    expect(fake.requests).toEqual([]);
  });

  test('asks the server whether the session is good', async () => {
    const sessionStore = memorySessionStore();
    await sessionStore.save(stored);
    const { fake, client } = setUp({ sessionStore });
    expect(await client.resume()).toEqual({ user: ANN, session: SESSION });
    expect(fake.requests).toMatchObject([{ path: '/v1/session', authorization: 'Bearer cbs_1' }]);
    fake.socket.open();
    expect(fake.socket.of('hello')[0]).toMatchObject({ token: 'cbs_1', cursor: 'k3.7' });
  });

  test('a session that is over is forgotten', async () => {
    const sessionStore = memorySessionStore();
    await sessionStore.save(stored);
    const { fake, client } = setUp({ sessionStore });
    fake.answer = () => ({ status: 401, body: errorBody('session_ended') });
    expect(await client.resume()).toBeNull();
    expect(await sessionStore.load()).toBeNull();
    expect(client.connection).toBe('signed-out');
  });

  test('without a network the stored session is trusted', async () => {
    const sessionStore = memorySessionStore();
    await sessionStore.save(stored);
    const { fake, client } = setUp({ sessionStore });
    fake.answer = () => Promise.reject(new TypeError('fetch failed'));
    expect((await client.resume())?.user).toEqual(ANN);
    expect(client.connection).toBe('connecting');
  });

  test('browser stores survive nonsense', async () => {
    const items = new Map<string, string>();
    const store = browserSessionStore(storageOf(items), 'demo');
    expect(await store.load()).toBeNull();
    await store.save(stored);
    expect(await store.load()).toEqual(stored);
    for (const nonsense of ['', '{', 'null', '7', '{"token":1}', '{"token":"x"}']) {
      items.set('demo', nonsense);
      expect(await store.load()).toBeNull();
    }
    await store.clear();
    expect(items.size).toBe(0);
  });

  test.each(['sessionStorage', 'localStorage', 'memory'] as const)(
    'of a session in %s',
    async (store) => {
      const items = new Map<string, string>();
      const storage = storageOf(items);
      if (store !== 'memory') vi.stubGlobal(store, storage);
      const { client } = setUp({ sessionStore: store });
      await client.signIn({ userId: 'ann' });
      await settle();
      expect(items.size).toBe(store === 'memory' ? 0 : 1);
      client.close();
      const next = setUp({ sessionStore: store });
      expect((await next.client.resume())?.user.id).toBe(store === 'memory' ? undefined : 'ann');
      vi.unstubAllGlobals();
    },
  );

  test('a sign-in may name a store of its own', async () => {
    const [usual, own] = [memorySessionStore(), memorySessionStore()];
    const { client } = setUp({ sessionStore: usual });
    await client.signIn({ userId: 'ann' }, { store: own });
    await settle();
    expect(await usual.load()).toBeNull();
    expect((await own.load())?.token).toBe('cbs_1');
    const next = setUp({ sessionStore: usual });
    expect(await next.client.resume()).toBeNull();
    expect((await next.client.resume({ store: own }))?.user.id).toBe('ann');
  });

  test('a store may take its time, and what is kept comes in the order in which it happened', async () => {
    const inner = memorySessionStore();
    const turn = async (): Promise<void> => settle();
    const sessionStore: SessionStore = {
      load: () => turn().then(() => inner.load()),
      save: (stored) => turn().then(() => inner.save(stored)),
      clear: () => turn().then(() => inner.clear()),
    };
    const { client } = await signedIn({ sessionStore });
    await client.signOut();
    expect(await inner.load()).toBeNull();
    await client.signIn({ userId: 'ann' });
    expect((await sessionStore.load())?.token).toBe('cbs_1');
  });

  test('a store that fails is told, and memory takes its place', async () => {
    const fail = (): never => {
      throw new Error('quota');
    };
    const { fake, client } = setUp({ sessionStore: { load: fail, save: fail, clear: fail } });
    const warnings: string[] = [];
    client.on('warning', ({ error }) => warnings.push(error.code));
    expect(await client.resume()).toBeNull();
    await client.signIn({ userId: 'ann' });
    await settle();
    expect(client.connection).toBe('connecting');
    client.close();
    expect((await client.resume())?.user).toEqual(ANN);
    expect(warnings).toEqual(['store_failed']);
    expect(fake.reported).toEqual([]);
  });

  test('a store that is full does not give back who was there before', async () => {
    const inner = memorySessionStore();
    await inner.save({ ...stored, token: 'cbs_0' });
    const full = (): never => {
      throw new Error('quota');
    };
    const sessionStore = { ...inner, save: full };
    const { client } = setUp({ sessionStore });
    await client.signIn({ userId: 'ann' });
    await settle();
    expect(await inner.load()).toBeNull();
  });

  test('a browser that forbids its storage is a store that fails', async () => {
    vi.stubGlobal('localStorage', undefined);
    const { client } = setUp({ sessionStore: 'localStorage' });
    const warnings: string[] = [];
    client.on('warning', ({ error }) => warnings.push(error.code));
    await client.signIn({ userId: 'ann' });
    await settle();
    expect(warnings).toEqual(['store_failed']);
    vi.unstubAllGlobals();
  });
});

describe('HTTP', () => {
  test('reads are repeated as long as that can help', async () => {
    const { fake, client } = await signedIn();
    let failures = 2;
    fake.answer = (request) => {
      if ((failures -= 1) >= 0)
        return { status: 503, body: errorBody('overloaded', { retry: 'after' }) };
      return { ...answerAsServer(request), status: 200, body: { items: [], nextCursor: null } };
    };
    const page = client.messages.conversations();
    await fake.advance(10_000);
    expect(await page).toEqual({ items: [], nextCursor: null });
    expect(fake.requests).toHaveLength(1 + 3);
  });

  test('and no longer: four times, or not at all where it cannot help', async () => {
    const { fake, client } = await signedIn();
    fake.answer = () => Promise.reject(new TypeError('fetch failed'));
    const failing = rejection(client.messages.conversations());
    await fake.advance(60_000);
    expect(await failing).toMatchObject({ code: 'network' });
    expect(fake.requests).toHaveLength(1 + 4);
    fake.answer = () => ({ status: 404, body: errorBody('conversation_not_found') });
    expect(await rejection(client.messages.history('x'))).toMatchObject({
      code: 'conversation_not_found',
    });
    expect(fake.requests).toHaveLength(1 + 5);
  });

  test('Retry-After is waited for, unless it is long', async () => {
    const { fake, client } = await signedIn();
    const body = errorBody('rate_limited', { retry: 'after' });
    fake.answer = () => ({ status: 429, body, headers: { 'retry-after': '7' } });
    void client.messages.conversations().catch(() => undefined);
    await fake.advance(6_900);
    expect(fake.requests).toHaveLength(1 + 1);
    await fake.advance(1_000);
    expect(fake.requests).toHaveLength(1 + 2);
    fake.answer = () => ({ status: 429, body, headers: { 'retry-after': '3600' } });
    expect(await rejection(client.messages.conversations())).toMatchObject({
      code: 'rate_limited',
      retry: 'after',
      details: { retryAfterSeconds: 3600 },
    });
  });

  test('an answer that never comes is a timeout', async () => {
    const { fake, client } = setUp();
    fake.answer = () => new Promise(() => undefined);
    const late = rejection(client.signIn({ userId: 'ann' }));
    await fake.advance(20_000);
    expect(await late).toMatchObject({ code: 'timeout' });
  });

  test.each([
    [502, '<html>Bad gateway</html>', 'after'],
    [200, '<html>Welcome to the hotel</html>', 'never'],
    [404, '{"message":"no"}', 'never'],
  ])('an answer of someone else (%i) is told as such', async (status, body, retry) => {
    const { fake, client } = setUp();
    fake.answer = () => ({ status, body });
    const error = await rejection(client.signIn({ userId: 'ann' }));
    expect(error).toMatchObject({ code: 'network', retry, details: { status } });
    expect(error.message).toContain(`HTTP ${status}`);
  });

  test('a session that turns out to be over is left', async () => {
    const { fake, client } = await signedIn();
    const ended: string[] = [];
    client.on('sessionEnded', ({ error }) => ended.push(error.code));
    fake.answer = () => ({ status: 401, body: errorBody('session_ended') });
    expect(await rejection(client.messages.conversations())).toMatchObject({
      code: 'session_ended',
    });
    await settle();
    expect(ended).toEqual(['session_ended']);
    expect(client.connection).toBe('signed-out');
    expect(fake.socket.closedByClient).toBe(true);
  });
});

function storageOf(
  items: Map<string, string>,
): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}
