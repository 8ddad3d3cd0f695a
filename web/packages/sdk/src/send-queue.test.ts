import { describe, expect, test } from 'vitest';
import { FakeBrowser, type Tab } from '../test/fake-browser.js';
import { rejection, settle } from '../test/fake-world.js';
import { type Setup, accept, created, refuse, setUp, welcome } from '../test/signed-in.js';
import type { ClientOptions } from './client.js';
import { type LocalStore, memoryLocalStore } from './local-store.js';
import { memorySessionStore } from './session-store.js';

/** What the tabs of one browser share. */
class Desk {
  readonly browser = new FakeBrowser();
  readonly localStore: LocalStore = memoryLocalStore();
  readonly sessionStore = memorySessionStore();
  #tabs = 0;

  /** A page load: signed in, and with its line up unless `isAway`. */
  async open(isAway = false, more: Partial<ClientOptions> = {}): Promise<Setup & { tab: Tab }> {
    const tab = this.browser.open();
    const { localStore, sessionStore } = this;
    const number = (this.#tabs += 1);
    const randomBytes = (length: number) => new Uint8Array(length).map((_, at) => number + at);
    const setup = setUp({ localStore, sessionStore, ...more }, { ...tab.parts, randomBytes });
    if (!(await setup.client.resume())) await setup.client.signIn({ userId: 'ann' });
    if (!isAway) welcome(setup.fake.socket);
    await settle(LONG);
    return { ...setup, tab };
  }

  /** The ids of what waits in the store. */
  async waiting(): Promise<string[]> {
    return (await this.localStore.load('app ann waiting')).map(([id]) => id);
  }
}

const LONG = 200;

function texts(setup: Setup): string[] {
  return setup.fake.socket.of('message.send').map(({ message }) => message.text);
}

describe('what waits when a page is loaded again', () => {
  test('is listed, sent with its own id before anything new, and forgotten once it is accepted', async () => {
    const desk = new Desk();
    const before = await desk.open(true);
    const ids = ['one', 'two'].map((text) => before.client.messages.send('bob', text).id);
    await settle();
    before.tab.close();
    const { fake, client } = await desk.open(true);
    expect(client.messages.pending).toMatchObject([
      { id: ids[0], text: 'one', status: 'pending', to: { userId: 'bob' } },
      { id: ids[1], text: 'two', writtenAt: '2026-11-21T10:00:00.000Z' },
    ]);
    client.messages.send('bob', 'three');
    const heard: string[] = [];
    client.messages.on('status', ({ text, status, message }) => {
      heard.push(`${text} ${status} ${message?.text}`);
    });
    welcome(fake.socket);
    for (const count of [1, 2, 3]) {
      await settle(LONG);
      expect(fake.socket.of('message.send')).toHaveLength(count);
      accept(fake.socket, fake.socket.of('message.send').at(-1)!);
    }
    await settle(LONG);
    expect(
      fake.socket
        .of('message.send')
        .slice(0, 2)
        .map((each) => each.message.messageId),
    ).toEqual(ids);
    expect(heard).toEqual(['one accepted one', 'two accepted two', 'three accepted three']);
    expect(await desk.waiting()).toEqual([]);
  });

  test('and is refused leaves the queue, and the app is told why', async () => {
    const desk = new Desk();
    const before = await desk.open(true);
    before.client.messages.send('zoe', 'hello');
    await settle();
    before.tab.close();
    const { fake, client } = await desk.open();
    const failed: unknown[] = [];
    client.messages.on('status', ({ status, error }) => failed.push([status, error?.code]));
    refuse(fake.socket, fake.socket.of('message.send')[0]!.id, 'user_not_found');
    await settle();
    expect(failed).toEqual([['failed', 'user_not_found']]);
    expect(client.messages.pending).toEqual([]);
    expect(await desk.waiting()).toEqual([]);
  });

  test('is nobody else’s', async () => {
    const desk = new Desk();
    const before = await desk.open(true);
    before.client.messages.send('bob', 'from ann');
    await settle();
    before.tab.close();
    const { client, fake } = setUp({ localStore: desk.localStore });
    fake.answer = ({ path }) => ({
      status: 201,
      body: { token: 'cbs_2', user: { id: 'carla' }, session: { id: 'ses_2' }, path },
    });
    await client.signIn({ userId: 'carla' });
    expect(client.messages.pending).toEqual([]);
    expect(await desk.waiting()).toHaveLength(1);
  });

  test('is gone after a sign-out, as is what was seen, and its senders are told', async () => {
    const desk = new Desk();
    const { client, fake } = await desk.open();
    fake.socket.receive(created(11));
    await fake.advance(300);
    const { accepted } = client.messages.send('bob', 'never sent');
    await settle();
    expect(await desk.localStore.load('app ann seen')).not.toEqual([]);
    expect(await desk.waiting()).toHaveLength(1);
    await client.signOut();
    expect(await rejection(accepted)).toMatchObject({ code: 'closed' });
    expect(await desk.waiting()).toEqual([]);
    expect(await desk.localStore.load('app ann seen')).toEqual([]);
    expect(client.messages.local.conversations()).toEqual([]);
  });

  test('is gone after a sign-out also where the store failed before', async () => {
    const desk = new Desk();
    let isFull = false;
    const localStore: LocalStore = {
      load: (area) => desk.localStore.load(area),
      write: (area, change) => {
        if (isFull && change.records.length > 0) throw new DOMException('full');
        return desk.localStore.write(area, change);
      },
    };
    const { client, fake } = await desk.open(false, { localStore });
    fake.socket.receive(created(11));
    await fake.advance(300);
    client.messages.send('bob', 'never sent');
    await settle();
    isFull = true;
    client.messages.send('bob', 'never kept');
    await settle();
    expect(await desk.waiting()).toHaveLength(1);
    await client.signOut();
    expect(await desk.waiting()).toEqual([]);
    expect(await desk.localStore.load('app ann seen')).toEqual([]);
  });

  test('is kept in memory where the store fails, with a warning', async () => {
    const broken: LocalStore = {
      load: () => [],
      write: () => Promise.reject(new DOMException('full', 'QuotaExceededError')),
    };
    const { client, fake } = setUp({ localStore: broken });
    const warnings: string[] = [];
    client.on('warning', ({ error }) => warnings.push(error.code));
    await client.signIn({ userId: 'ann' });
    welcome(fake.socket);
    const { accepted } = client.messages.send('bob', 'hello');
    await settle();
    accept(fake.socket, fake.socket.of('message.send')[0]!);
    expect((await accepted).text).toBe('hello');
    expect(warnings).toEqual(['store_failed']);
  });
});

describe('two pages of one user', () => {
  test('both show what waits, and only the one that took it sends it', async () => {
    const desk = new Desk();
    const first = await desk.open();
    const second = await desk.open();
    const heard: string[] = [];
    second.client.messages.on('status', ({ text, status }) => heard.push(`${text} ${status}`));
    const { id } = first.client.messages.send('bob', 'hello');
    await settle(LONG);
    await second.fake.advance(5_000);
    expect(second.client.messages.pending).toMatchObject([{ id, text: 'hello' }]);
    expect([texts(first), texts(second)]).toEqual([['hello'], []]);
    accept(first.fake.socket, first.fake.socket.of('message.send')[0]!);
    await settle(LONG);
    expect(second.client.messages.pending).toEqual([]);
    expect(heard).toEqual(['hello pending', 'hello accepted']);
  });

  test('hear of a refusal both, in its words', async () => {
    const desk = new Desk();
    const first = await desk.open();
    const second = await desk.open();
    const errors: unknown[] = [];
    second.client.messages.on('status', ({ error }) => error && errors.push(error));
    first.client.messages.send('zoe', 'hello');
    refuse(first.fake.socket, first.fake.socket.of('message.send')[0]!.id, 'user_not_found');
    await settle(LONG);
    expect(errors).toMatchObject([
      {
        name: 'CallboxError',
        code: 'user_not_found',
        message: 'About user_not_found.',
        retry: 'never',
      },
    ]);
  });

  test('send what the other one left when it is closed', async () => {
    const desk = new Desk();
    const first = await desk.open(true);
    const second = await desk.open();
    const { id } = first.client.messages.send('bob', 'left behind');
    await settle(LONG);
    expect(texts(second)).toEqual([]);
    first.tab.close();
    await settle(LONG);
    expect(second.fake.socket.of('message.send').map(({ message }) => message.messageId)).toEqual([
      id,
    ]);
  });

  test('do not wait for each other with what they write themselves', async () => {
    const desk = new Desk();
    const first = await desk.open(true);
    first.client.messages.send('bob', 'waits behind a line that is down');
    await settle(LONG);
    const second = await desk.open();
    second.client.messages.send('bob', 'written in another page');
    await second.fake.advance(999);
    expect(texts(second)).toEqual([]);
    await second.fake.advance(1);
    expect(texts(second)).toEqual(['written in another page']);
  });

  test('leave no lock and no line behind when the user signs out', async () => {
    const desk = new Desk();
    const first = await desk.open();
    expect(desk.browser.listeners).toBeGreaterThan(0);
    await first.client.signOut();
    expect(desk.browser.listeners).toBe(0);
    expect(first.fake.timers).toBe(0);
  });
});

test('messages are sent in the order of writing, also when the clock is set back between two page loads', async () => {
  const desk = new Desk();
  const before = await desk.open(true);
  await before.fake.advance(3_600_000);
  before.client.messages.send('bob', 'written at eleven');
  await settle();
  before.tab.close();
  const { fake, client } = await desk.open(true);
  client.messages.send('bob', 'written when the clock said ten');
  await settle(LONG);
  const again = client.messages.pending.map(({ id }) => id);
  expect([...again].sort()).toEqual(again);
  expect(client.messages.pending.map(({ text }) => text)).toEqual([
    'written at eleven',
    'written when the clock said ten',
  ]);
  expect(fake.world.now()).toBeLessThan(before.fake.world.now());
});
