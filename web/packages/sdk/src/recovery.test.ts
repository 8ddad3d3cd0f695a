import { describe, expect, test } from 'vitest';
import { FakeAccounts } from '../test/fake-accounts.js';
import { FakeBrowser } from '../test/fake-browser.js';
import { rejection, settle } from '../test/fake-world.js';
import { type Setup, accept, created, errorBody, setUp, welcome } from '../test/signed-in.js';
import type { ClientOptions } from './client.js';
import { memorySessionStore } from './session-store.js';
import type { Credential, CredentialsReason } from './types.js';
import type { World } from './world.js';

interface Scene extends Setup {
  accounts: FakeAccounts;
  /** What the app was asked. */
  asked: CredentialsReason[];
  /** What the app heard. */
  heard: string[];
}

type Answer = (reason: CredentialsReason) => Promise<Credential> | Credential;

/** Signed in and welcomed, with an app that answers so; or that cannot be asked. */
async function scene(
  answer: Answer | null,
  options: Partial<ClientOptions> = {},
  parts: Partial<World> = {},
  shared?: FakeAccounts,
): Promise<Scene> {
  const asked: CredentialsReason[] = [];
  const onCredentialsNeeded: Answer = (reason) => {
    asked.push(reason);
    return answer?.(reason) ?? Promise.reject(new Error('none'));
  };
  const setup = setUp({ ...options, ...(answer && { onCredentialsNeeded }) }, parts);
  const { fake, client } = setup;
  const accounts = shared ?? new FakeAccounts(() => fake.world.now());
  fake.answer = accounts.answer;
  const heard: string[] = [];
  client.on('session', ({ user, session }) => heard.push(`${user.id} on ${session.id}`));
  client.on('sessionEnded', ({ error, reason }) => heard.push(`${reason}: ${error.message}`));
  if (!(await client.resume())) {
    await client.signIn({ userId: 'ann' }, { device: { platform: 'web' }, expiresIn: 3_600 });
  }
  welcome(fake.socket);
  await settle(LONG);
  return { ...setup, accounts, asked, heard };
}

/** The server ends the session, and closes its socket as it does then. */
async function end({ accounts, fake }: Scene, reason: string): Promise<void> {
  accounts.end(reason);
  fake.socket.serverCloses(4401, 'session_ended: The session is over; sign in again.');
  await settle(LONG);
}

/** A promise and what resolves it. */
function later<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((take) => (resolve = take));
  return { promise, resolve };
}

/** Enough for stores, locks and several requests one after the other. */
const LONG = 200;
const ticket: Answer = () => ({ ticket: 'fresh' });

describe('a session that is over', () => {
  test('is followed by another on the same device, and everything goes on', async () => {
    const ann = await scene(ticket);
    ann.fake.socket.receive(created(11));
    await ann.fake.advance(300);
    ann.fake.socket.serverCloses(1006);
    const waiting = ann.client.messages.send('bob', 'still here');
    await ann.fake.advance(1_000);
    ann.fake.socket.open();
    await end(ann, 'expired');
    expect(ann.asked).toEqual(['expired']);
    expect(ann.accounts.signIns.at(-1)).toMatchObject({
      ticket: 'fresh',
      device: { platform: 'web' },
      expiresIn: 3_600,
      force: false,
    });
    expect(ann.heard).toEqual(['ann on ses_2']);
    expect(waiting.status).toBe('pending');
    welcome(ann.fake.socket, { cursor: 'k3.11', resumed: true });
    expect(ann.fake.socket.of('hello')[0]).toMatchObject({ token: 'cbs_2', cursor: 'k3.11' });
    accept(ann.fake.socket, ann.fake.socket.of('message.send')[0]!);
    await settle(LONG);
    expect(waiting.status).toBe('accepted');
  });

  test('is asked about once, however many requests hear of it', async () => {
    const { promise, resolve } = later<Credential>();
    const ann = await scene(() => promise);
    ann.accounts.end('password_changed');
    const failing = [1, 2, 3].map(() => rejection(ann.client.messages.conversations()));
    for (const error of await Promise.all(failing)) expect(error.code).toBe('session_ended');
    ann.fake.socket.serverCloses(4401);
    await settle(LONG);
    expect(ann.client.connection).toBe('waiting');
    ann.client.connect();
    expect(ann.fake.sockets).toHaveLength(1);
    resolve({ ticket: 'fresh' });
    await settle(LONG);
    expect(ann.asked).toEqual(['password_changed']);
    expect(ann.client.connection).toBe('connecting');
  });

  test('of another user than before leaves nothing of the first', async () => {
    const sessionStore = memorySessionStore();
    const ann = await scene(ticket, { sessionStore });
    const waiting = ann.client.messages.send('bob', 'from ann');
    ann.accounts.userId = 'carla';
    await end(ann, 'expired');
    expect(waiting.status).toBe('failed');
    expect(ann.client.user?.id).toBe('carla');
    expect(ann.heard).toEqual(['carla on ses_2']);
    ann.fake.socket.open();
    expect(ann.fake.socket.of('hello')[0]).not.toHaveProperty('cursor');
    expect(await sessionStore.load()).toMatchObject({ token: 'cbs_2', user: { id: 'carla' } });
  });

  test.each<[string, Answer | null]>([
    ['that cannot be asked', null],
    ['that has no credential', () => Promise.reject(new Error('none'))],
  ])('signs out with its reason in an app %s', async (_name, answer) => {
    const sessionStore = memorySessionStore();
    const ann = await scene(answer, { sessionStore });
    await end(ann, 'ended_by_app');
    expect(ann.heard).toEqual([
      'ended_by_app: You were signed out because the app ended your session.',
    ]);
    expect(ann.client.connection).toBe('signed-out');
    expect(ann.client.user).toBeNull();
    expect(await sessionStore.load()).toBeNull();
    expect(ann.fake.timers).toBe(0);
    await ann.fake.advance(600_000);
    expect(ann.asked.length).toBe(answer ? 1 : 0);
  });

  test('signs out where the server refuses the credential', async () => {
    const ann = await scene(() => {
      ann.accounts.outage = { status: 401, body: errorBody('ticket_expired') };
      return { ticket: 'stale' };
    });
    await end(ann, 'secret_rotated');
    expect(ann.heard).toEqual([
      'secret_rotated: You were signed out because the keys of the app were changed.',
    ]);
  });

  test.each(['signed_out', 'ended_by_user'])(
    'because of %s asks nobody: that was the wish of the user',
    async (reason) => {
      const ann = await scene(ticket);
      await end(ann, reason);
      expect(ann.asked).toEqual([]);
      expect(ann.heard[0]).toContain(`${reason}: You were signed out because you`);
    },
  );

  test('for a reason of a newer server is over for an unknown one', async () => {
    const ann = await scene(null);
    await end(ann, 'moon_phase');
    expect(ann.heard[0]).toMatch(/^unknown: You were signed out because .+\.$/);
  });

  test('and is good after all, when asked, goes on', async () => {
    const ann = await scene(ticket);
    ann.fake.socket.serverCloses(4401);
    await settle(LONG);
    expect(ann.asked).toEqual([]);
    expect(ann.client.connection).toBe('connecting');
    expect(ann.client.session?.id).toBe('ses_1');
  });

  test('signs in as soon as the network is back', async () => {
    const ann = await scene(() => {
      ann.accounts.outage = { status: 503, body: errorBody('overloaded', { retry: 'after' }) };
      return { ticket: 'fresh' };
    });
    await end(ann, 'expired');
    await ann.fake.advance(60_000);
    expect(ann.client.connection).toBe('waiting');
    ann.accounts.outage = null;
    await ann.fake.advance(300_000);
    expect(ann.asked).toEqual(['expired']);
    expect(ann.heard).toEqual(['ann on ses_2']);
  });

  test('again and again is asked about in growing pauses', async () => {
    const ann = await scene(ticket);
    const times: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      await end(ann, 'ended_by_operator');
      const before = ann.fake.world.now();
      while (ann.client.connection === 'waiting') {
        await ann.fake.advance(500);
        await settle(LONG);
      }
      times.push(ann.fake.world.now() - before);
    }
    expect(times).toEqual([0, 1_500, 3_000, 6_000, 12_000, 24_000]);
    expect(ann.asked).toHaveLength(6);
  });

  test('is left by whoever signs out before the app has answered', async () => {
    const { promise, resolve } = later<Credential>();
    const ann = await scene(() => promise);
    await end(ann, 'expired');
    await ann.client.signOut();
    resolve({ ticket: 'late' });
    await settle(LONG);
    expect(ann.client.connection).toBe('signed-out');
    expect(ann.client.user).toBeNull();
    expect(ann.accounts.signIns).toHaveLength(1);
    expect(ann.heard).toEqual([]);
  });

  test('at the page load is followed by another too', async () => {
    const sessionStore = memorySessionStore();
    const before = await scene(null, { sessionStore });
    before.client.close();
    before.accounts.end('expired');
    const ann = await scene(ticket, { sessionStore }, {}, before.accounts);
    expect(ann.asked).toEqual(['expired']);
    expect(ann.client.session?.id).toBe('ses_2');
    expect(ann.fake.socket.of('hello')[0]).toMatchObject({ token: 'cbs_2', cursor: 'k3.10' });
  });
});

describe('two tabs whose session is over', () => {
  test('ask once and go on with the same one', async () => {
    const browser = new FakeBrowser();
    const sessionStore = memorySessionStore();
    const first = await scene(ticket, { sessionStore }, browser.tab());
    const second = await scene(ticket, { sessionStore }, browser.tab(), first.accounts);
    first.accounts.end('expired');
    for (const { fake } of [first, second]) fake.socket.serverCloses(4401);
    await settle(LONG);
    expect([...first.asked, ...second.asked]).toEqual(['expired']);
    for (const { client, fake } of [first, second]) {
      expect(client.session?.id).toBe('ses_2');
      fake.socket.open();
      expect(fake.socket.of('hello')[0]).toMatchObject({ token: 'cbs_2', cursor: 'k3.10' });
    }
  });

  test('a tab that is signed out leaves alone what another one has stored meanwhile', async () => {
    const sessionStore = memorySessionStore();
    const first = await scene(null, { sessionStore });
    const second = await scene(null, { sessionStore }, {}, first.accounts);
    first.accounts.userId = 'carla';
    await first.client.signIn({ userId: 'carla' });
    second.fake.socket.serverCloses(4401);
    await settle(LONG);
    expect(second.heard[0]).toContain('signed_out: ');
    expect(await sessionStore.load()).toMatchObject({ user: { id: 'carla' } });
  });
});
