import { IDBFactory } from 'fake-indexeddb';
import { describe, expect, test, vi } from 'vitest';
import { FakeAccounts } from '../test/fake-accounts.js';
import { FakeBrowser } from '../test/fake-browser.js';
import { FakeDisk } from '../test/fake-disk.js';
import { settle } from '../test/fake-world.js';
import { type Setup, created, setUp, welcome } from '../test/signed-in.js';
import type { ClientOptions } from './client.js';
import { indexedDBStore } from './indexed-db.js';
import { type LocalStore, memoryLocalStore } from './local-store.js';
import { memorySessionStore } from './session-store.js';
import type { World } from './world.js';

const LONG = 200;

/** A page load on these stores: resumed, or signed in, and welcomed where its own cursor says. */
async function open(
  options: Partial<ClientOptions>,
  parts: Partial<World> = {},
): Promise<Setup & { heard: string[] }> {
  const setup = setUp(options, parts);
  const heard: string[] = [];
  setup.client.messages.on('message', ({ message }) => heard.push(message.id));
  if (!(await setup.client.resume())) await setup.client.signIn({ userId: 'ann' });
  setup.fake.socket.open();
  const { cursor } = setup.fake.socket.of('hello')[0]!;
  welcome(setup.fake.socket, { ...(cursor && { cursor }), resumed: cursor !== undefined });
  await settle(LONG);
  return { ...setup, heard };
}

async function receive({ fake }: Setup, ...seqs: number[]): Promise<void> {
  for (const seq of seqs) fake.socket.receive(created(seq));
  await fake.advance(300);
}

function placeIn(localStore: LocalStore): unknown {
  const records = localStore.load('app ann seen') as [string, unknown][];
  return new Map(records).get('cursor');
}

function held({ client }: Setup): string[] {
  return client.messages.local.history('cnv_1').map(({ id }) => id);
}

describe('a page that is loaded again', () => {
  test('has what was seen before the server answers, and goes on after it', async () => {
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const before = await open(stores);
    await receive(before, 11, 12);
    before.client.close();
    const { fake, client } = setUp(stores);
    fake.answer = () => Promise.reject(new TypeError('no network'));
    await client.resume();
    expect(client.messages.local.conversations()).toMatchObject([
      { id: 'cnv_1', lastMessage: { id: 'msg_12' }, unreadCount: 2 },
    ]);
    expect(client.messages.local.history('cnv_1').map(({ id }) => id)).toEqual([
      'msg_11',
      'msg_12',
    ]);
    fake.socket.open();
    expect(fake.socket.of('hello')[0]?.cursor).toBe('k3.12');
  });

  test('does not wait for a network that keeps silent when it has something to show', async () => {
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const before = await open(stores);
    await receive(before, 11);
    before.client.close();
    const { fake, client } = setUp(stores);
    fake.answer = () => new Promise(() => undefined);
    const resuming = client.resume();
    await fake.advance(3_000);
    expect(await resuming).toMatchObject({ user: { id: 'ann' } });
    expect(client.connection).toBe('connecting');
  });

  test('finds what was seen in IndexedDB', async () => {
    const indexedDB = new IDBFactory();
    const stores = { localStore: 'indexedDB', sessionStore: memorySessionStore() } as const;
    const before = await open(stores, { indexedDB });
    await receive(before, 11, 12);
    before.client.close();
    const database = indexedDBStore(indexedDB);
    await vi.waitFor(async () => {
      const kept = new Map(await database.load('app ann seen'));
      expect(kept.get('cursor')).toMatchObject({ cursor: 'k3.12' });
    });
    const after = await open(stores, { indexedDB });
    expect(held(after)).toEqual(['msg_11', 'msg_12']);
    expect(after.fake.socket.of('hello')[0]?.cursor).toBe('k3.12');
  });

  test('hears what a handler could not be told before the page was closed', async () => {
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const before = await open(stores);
    await receive(before, 11);
    before.fake.socket.receive(created(12));
    await before.fake.happen('pagehide');
    await settle(LONG);
    before.fake.socket.receive(created(13));
    // Nothing more is written: the page is gone.
    const after = await open(stores);
    expect(after.fake.socket.of('hello')[0]?.cursor).toBe('k3.12');
    await receive(after, 12, 13);
    expect(after.heard).toEqual(['msg_13']);
  });
});

describe('the place in the log', () => {
  test('is in the local store alone where that outlives the page, and counts before any other', async () => {
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const before = await open(stores);
    await receive(before, 11);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'k3.11' });
    const stored = (await stores.sessionStore.load())!;
    expect(stored.cursor).toBeNull();
    await stores.sessionStore.save({ ...stored, cursor: 'k3.3' });
    const after = await open(stores);
    expect(after.fake.socket.of('hello')[0]?.cursor).toBe('k3.11');
  });

  test('goes to the session store once the local store fails', async () => {
    const memory = memoryLocalStore();
    let isFull = false;
    const localStore: LocalStore = {
      load: (area) => memory.load(area),
      write: (area, change) => {
        if (isFull) throw new DOMException('full', 'QuotaExceededError');
        return memory.write(area, change);
      },
    };
    const sessionStore = memorySessionStore();
    const ann = await open({ localStore, sessionStore });
    await receive(ann, 11);
    isFull = true;
    await receive(ann, 12);
    await receive(ann, 13);
    expect((await sessionStore.load())?.cursor).toBe('k3.13');
    expect(held(ann)).toEqual(['msg_11', 'msg_12', 'msg_13']);
    expect(placeIn(memory)).toMatchObject({ cursor: 'k3.11' });
  });

  test('is not set back by a page that is behind, and that page’s next events are kept all the same', async () => {
    const browser = new FakeBrowser();
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const fast = await open(stores, browser.tab());
    const slow = await open(stores, browser.tab());
    await receive(fast, 11, 12, 13);
    await receive(slow, 11);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'k3.13' });
    await receive(slow, 12, 13, 14);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'k3.14' });
    const next = await open(stores, browser.tab());
    expect(held(next)).toEqual(['msg_11', 'msg_12', 'msg_13', 'msg_14']);
  });

  test('is not written by a page in an earlier life of the log', async () => {
    const browser = new FakeBrowser();
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const [first, second] = [await open(stores, browser.tab()), await open(stores, browser.tab())];
    await receive(first, 11);
    first.fake.socket.serverCloses(1006);
    await first.fake.advance(500);
    welcome(first.fake.socket, { cursor: 'q9.4', resumed: false });
    await settle(LONG);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'q9.4' });
    await receive(second, 11, 12);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'q9.4' });
    expect(stores.localStore.load('app ann seen')).toHaveLength(1);
  });
});

describe('an area that was emptied', () => {
  const keys = (localStore: LocalStore): string[] => {
    const records = localStore.load('app ann seen') as [string, unknown][];
    return records.map(([key]) => key).sort();
  };
  const empty = (localStore: LocalStore) =>
    localStore.write('app ann seen', { clear: true, records: [] });

  test('has everything that is held again after the next events, not the newest alone', async () => {
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const before = await open(stores);
    await receive(before, 11, 12);
    await empty(stores.localStore);
    await receive(before, 13);
    expect(keys(stores.localStore)).toEqual([]);
    await receive(before, 14);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'k3.14' });
    const after = await open(stores);
    expect(held(after)).toEqual(['msg_11', 'msg_12', 'msg_13', 'msg_14']);
  });

  test('has it again too where this page read what was there, and did not write it', async () => {
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    await receive(await open(stores), 11, 12);
    const page = await open(stores);
    await empty(stores.localStore);
    await receive(page, 13);
    await receive(page, 14);
    expect(held(await open(stores))).toEqual(['msg_11', 'msg_12', 'msg_13', 'msg_14']);
  });

  test('has no hole where a page that is behind has begun it anew', async () => {
    const browser = new FakeBrowser();
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const [fast, slow] = [await open(stores, browser.tab()), await open(stores, browser.tab())];
    await receive(fast, 11, 12, 13);
    await empty(stores.localStore);
    await receive(slow, 11);
    await receive(slow, 12);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'k3.12' });
    await receive(fast, 14);
    await receive(fast, 15);
    expect(placeIn(stores.localStore)).toMatchObject({ cursor: 'k3.15' });
    const next = await open(stores, browser.tab());
    expect(held(next)).toEqual(['msg_11', 'msg_12', 'msg_13', 'msg_14', 'msg_15']);
  });

  test('has no part of it either where several writes were under way', async () => {
    const disk = new FakeDisk();
    const localStore = disk.page();
    const opening = open({ localStore });
    const work = async (): Promise<void> => {
      await settle(LONG);
      while (localStore.step()) await settle();
    };
    await work();
    const page = await opening;
    await work();
    await receive(page, 11);
    await work();
    await receive(page, 12);
    await receive(page, 13);
    disk.empty('app ann seen');
    await work();
    expect(disk.load('app ann seen')).toEqual([]);
    await receive(page, 14);
    await work();
    const kept = new Map(disk.load('app ann seen'));
    expect(kept.get('cursor')).toMatchObject({ cursor: 'k3.14' });
    expect([11, 12, 13, 14].filter((seq) => !kept.has(`message/cnv_1/${seq}`))).toEqual([]);
  });

  test('stays empty where the user signed out in another page', async () => {
    const browser = new FakeBrowser();
    const stores = { localStore: memoryLocalStore(), sessionStore: memorySessionStore() };
    const [first, second] = [await open(stores, browser.tab()), await open(stores, browser.tab())];
    await receive(first, 11, 12);
    await receive(second, 11, 12);
    await first.client.signOut();
    // The server has not been asked yet why: nothing else than the end of the line is known.
    second.fake.answer = () => new Promise(() => undefined);
    second.fake.socket.serverCloses(4401);
    await settle(LONG);
    expect(keys(stores.localStore)).toEqual([]);
  });
});

describe('after an end of the session', () => {
  test.each([
    ['expired', 2],
    ['ended_by_app', 2],
    ['signed_out', 0],
    ['ended_by_user', 0],
    ['user_deleted', 0],
  ])('for the reason %s, %i messages are held at the next sign-in', async (reason, count) => {
    const localStore = memoryLocalStore();
    const { fake, client } = setUp({ localStore });
    const accounts = new FakeAccounts(() => fake.world.now());
    fake.answer = accounts.answer;
    await client.signIn({ userId: 'ann' });
    welcome(fake.socket);
    await receive({ fake, client }, 11, 12);
    accounts.end(reason);
    fake.socket.serverCloses(4401);
    await settle(LONG);
    expect(client.messages.local.conversations()).toEqual([]);
    await client.signIn({ userId: 'ann' });
    expect(held({ fake, client })).toHaveLength(count);
  });
});
