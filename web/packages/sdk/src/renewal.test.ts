import { describe, expect, test } from 'vitest';
import { FakeAccounts, LIFE_MS } from '../test/fake-accounts.js';
import { FakeBrowser } from '../test/fake-browser.js';
import { settle } from '../test/fake-world.js';
import { type Setup, errorBody, setUp, welcome } from '../test/signed-in.js';
import type { ClientOptions } from './client.js';
import { type SessionStore, memorySessionStore } from './session-store.js';
import type { Credential } from './types.js';
import type { World } from './world.js';

const MORNING = Date.parse('2026-11-21T10:00:00.000Z');
/** Enough for stores, locks and several requests one after the other. */
const LONG = 200;
const MINUTE_MS = 60_000;
/** With the fake world's random number, which is one half. */
const DUE_MS = LIFE_MS * 0.825;

interface Tab extends Setup {
  accounts: FakeAccounts;
  /** What the app heard. */
  heard: string[];
}

async function tab(
  options: Partial<ClientOptions> = {},
  parts: Partial<World> = {},
  shared?: FakeAccounts,
): Promise<Tab> {
  const setup = setUp(options, parts);
  const { fake, client } = setup;
  const accounts = shared ?? new FakeAccounts(() => fake.world.now());
  fake.answer = accounts.answer;
  const heard: string[] = [];
  client.on('session', ({ session }) => heard.push(`session ${session.id}`));
  client.on('sessionEnded', ({ reason }) => heard.push(`ended ${reason}`));
  client.on('warning', ({ error }) => heard.push(`warning ${error.code}`));
  if (!(await client.resume())) await client.signIn({ userId: 'ann' }, { expiresIn: 86_400 });
  welcome(fake.socket);
  await settle();
  return { ...setup, accounts, heard };
}

describe('a session renews itself', () => {
  test('when four fifths of its life are over, on the socket that it has', async () => {
    const { fake, client, accounts, heard } = await tab();
    const before = client.session;
    await hold(fake, DUE_MS - 1);
    expect(accounts.renewals).toEqual([]);
    await hold(fake, 1);
    expect(accounts.renewals).toEqual([{ expiresIn: 86_400 }]);
    expect(heard).toEqual(['session ses_1']);
    expect(client.session?.id).toBe(before?.id);
    expect(Date.parse(client.session!.expiresAt)).toBe(fake.world.now() + LIFE_MS);
    expect(fake.sockets).toHaveLength(1);
    expect(client.connection).toBe('online');
    await client.messages.conversations();
    expect(fake.requests.at(-1)?.authorization).toBe('Bearer cbs_2');
  });

  test('and again, and says hello with the newest token', async () => {
    const { fake, accounts } = await tab();
    await hold(fake, DUE_MS);
    await hold(fake, DUE_MS);
    expect(accounts.renewals).toHaveLength(2);
    fake.socket.serverCloses(1006);
    await fake.advance(1_000);
    fake.socket.open();
    expect(fake.socket.of('hello')[0]).toMatchObject({ token: 'cbs_3' });
  });

  test('at once after a page load that comes late, and at the same moment after one that does not', async () => {
    const sessionStore = memorySessionStore();
    const first = await tab({ sessionStore });
    first.client.close();
    const kept = await sessionStore.load();
    const { accounts } = first;
    const early = await tab({ sessionStore }, {}, accounts);
    await hold(early.fake, DUE_MS - 1);
    expect(accounts.renewals).toEqual([]);
    early.client.close();
    await sessionStore.save({ ...kept!, renewAt: 1 });
    await tab({ sessionStore }, {}, accounts).then(({ fake }) => fake.advance(0));
    expect(accounts.renewals).toHaveLength(1);
  });

  test('when the page is looked at after a long sleep', async () => {
    let asleep = 0;
    const { fake, accounts } = await tab({}, { now: () => MORNING + asleep });
    asleep = DUE_MS;
    expect(accounts.renewals).toEqual([]);
    await fake.happen('visible');
    await fake.advance(0);
    expect(accounts.renewals).toHaveLength(1);
  });

  test('never twice within a minute, however short it is', async () => {
    const { fake, client, accounts } = await tab();
    accounts.lifeMs = 10_000;
    await hold(fake, DUE_MS);
    expect(accounts.renewals).toHaveLength(1);
    await hold(fake, MINUTE_MS - 1);
    expect(accounts.renewals).toHaveLength(1);
    await hold(fake, 1);
    expect(accounts.renewals).toHaveLength(2);
    client.close();
  });

  test('after a failure in growing pauses, from a minute on', async () => {
    const { fake, accounts, heard } = await tab();
    await hold(fake, DUE_MS - 1);
    accounts.outage = { status: 503, body: errorBody('overloaded', { retry: 'after' }) };
    const tries = (): number => fake.requests.filter(isRenewal).length;
    await hold(fake, 1);
    expect(tries()).toBe(1);
    await hold(fake, MINUTE_MS);
    expect(tries()).toBe(1);
    await hold(fake, MINUTE_MS);
    expect(tries()).toBe(2);
    await hold(fake, 2 * MINUTE_MS);
    expect(tries()).toBe(2);
    accounts.outage = null;
    await hold(fake, MINUTE_MS);
    expect(accounts.renewals).toHaveLength(1);
    expect(heard).toEqual(['session ses_1']);
  });

  test('not after the client was closed or signed out', async () => {
    const { fake, client, accounts } = await tab();
    client.close();
    await hold(fake, DUE_MS);
    expect(accounts.renewals).toEqual([]);
    client.connect();
    await fake.advance(0);
    expect(accounts.renewals).toHaveLength(1);
    await client.signOut();
    expect(fake.timers).toBe(0);
  });
});

describe('a renewal that needs a credential', () => {
  test('asks the app for a fresh one', async () => {
    const asked: string[] = [];
    const onCredentialsNeeded = (reason: string): Credential => {
      asked.push(reason);
      return { ticket: 'fresh' };
    };
    const { fake, accounts, heard } = await tab({ onCredentialsNeeded });
    accounts.wantsCredential = true;
    await hold(fake, DUE_MS);
    expect(asked).toEqual(['renewal']);
    expect(accounts.renewals.at(-1)).toEqual({ ticket: 'fresh', expiresIn: 86_400 });
    expect(heard).toEqual(['session ses_1']);
  });

  test('without anyone to ask is told once, and the session runs out', async () => {
    const { fake, client, accounts, heard } = await tab();
    accounts.wantsCredential = true;
    await hold(fake, DUE_MS + 60 * MINUTE_MS);
    expect(accounts.renewals).toHaveLength(1);
    expect(heard).toEqual(['warning renewal_needs_credential']);
    expect(client.connection).toBe('online');
  });

  test.each<[string, () => Promise<Credential>]>([
    ['refuses', () => Promise.reject(new Error('the backend is away'))],
    ['has something that cannot renew', () => Promise.resolve({ userId: 'ann' })],
  ])('is tried again later when the app %s', async (_name, onCredentialsNeeded) => {
    let questions = 0;
    const ask = (): Promise<Credential> => {
      questions += 1;
      return questions === 1 ? onCredentialsNeeded() : Promise.resolve({ jwt: 'fresh' });
    };
    const { fake, client, accounts, heard } = await tab({ onCredentialsNeeded: ask });
    accounts.wantsCredential = true;
    await hold(fake, DUE_MS);
    expect(questions).toBe(1);
    expect(client.connection).toBe('online');
    await hold(fake, 2 * MINUTE_MS);
    expect(questions).toBe(2);
    expect(accounts.renewals.at(-1)).toMatchObject({ jwt: 'fresh' });
    expect(heard.filter((line) => line.startsWith('session'))).toEqual(['session ses_1']);
  });
});

describe('two tabs on one session', () => {
  test.each(['in one store', 'in stores of their own'])('%s renew it once', async (how) => {
    const browser = new FakeBrowser();
    const stores: [SessionStore, SessionStore] = [memorySessionStore(), memorySessionStore()];
    if (how === 'in one store') stores[1] = stores[0];
    const first = await tab({ sessionStore: stores[0] }, browser.tab());
    await stores[1].save((await stores[0].load())!);
    const second = await tab({ sessionStore: stores[1] }, browser.tab(), first.accounts);
    for (const { fake } of [first, second]) await hold(fake, DUE_MS - 1);
    await Promise.all([hold(first.fake, 1), hold(second.fake, 1)]);
    expect(first.accounts.renewals).toHaveLength(1);
    for (const { fake, client, heard } of [first, second]) {
      await client.messages.conversations();
      expect(fake.requests.at(-1)?.authorization).toBe('Bearer cbs_2');
      expect(heard).toEqual(['session ses_1']);
      expect(fake.sockets).toHaveLength(1);
    }
    for (const store of stores) expect((await store.load())?.token).toBe('cbs_2');
    first.client.close();
    await second.client.signOut();
    expect(await stores[1].load()).toBeNull();
  });

  test('without locks or channels, the later one finds what the earlier one stored', async () => {
    const sessionStore = memorySessionStore();
    const first = await tab({ sessionStore });
    const second = await tab({ sessionStore }, {}, first.accounts);
    await hold(first.fake, DUE_MS);
    await hold(second.fake, DUE_MS);
    expect(first.accounts.renewals).toHaveLength(1);
    await second.client.messages.conversations();
    expect(second.fake.requests.at(-1)?.authorization).toBe('Bearer cbs_2');
  });

  test('a tab that has not heard of it does not write the old token back', async () => {
    const sessionStore = memorySessionStore();
    const first = await tab({ sessionStore });
    const second = await tab({ sessionStore }, {}, first.accounts);
    await hold(first.fake, DUE_MS);
    second.fake.socket.serverCloses(1006);
    await second.fake.advance(1_000);
    welcome(second.fake.socket, { cursor: 'k3.77' });
    await settle();
    expect((await sessionStore.load())?.token).toBe('cbs_2');
  });

  test('nobody is told of a session that is only in memory', async () => {
    const browser = new FakeBrowser();
    await tab({}, browser.tab());
    expect(browser.listeners).toBe(0);
  });
});

function isRenewal({ path }: { path: string }): boolean {
  return path === '/v1/session/renew';
}

/** Moves time on a socket whose heartbeats are answered. */
async function hold(fake: Setup['fake'], ms: number): Promise<void> {
  const { socket } = fake;
  socket.onSent = (frame) => {
    if (frame.type !== 'ping') return;
    const pong = { type: 'pong', re: frame.id };
    void Promise.resolve().then(() => socket.receive(pong));
  };
  await fake.advance(ms);
  await settle(LONG);
}
