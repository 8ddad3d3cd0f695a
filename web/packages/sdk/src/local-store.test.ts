import { IDBFactory } from 'fake-indexeddb';
import { describe, expect, test } from 'vitest';
import { FakeWorld } from '../test/fake-world.js';
import { indexedDBStore } from './indexed-db.js';
import { type LocalStore, ReliableStore, memoryLocalStore } from './local-store.js';

const STORES: [name: string, make: () => LocalStore][] = [
  ['memory', memoryLocalStore],
  ['IndexedDB', () => indexedDBStore(new IDBFactory())],
];

describe.each(STORES)('the store in %s', (_name, make) => {
  test('keeps records by area and key, and forgets those that are undefined', async () => {
    const store = make();
    expect(await store.load('ann')).toEqual([]);
    await store.write('ann', {
      records: [
        ['a', { text: 'one' }],
        ['b', 2],
      ],
    });
    await store.write('bob', { records: [['a', 'of bob']] });
    await store.write('ann', {
      records: [
        ['b', undefined],
        ['c', null],
      ],
    });
    expect(sorted(await store.load('ann'))).toEqual([
      ['a', { text: 'one' }],
      ['c', null],
    ]);
    expect(await store.load('bob')).toEqual([['a', 'of bob']]);
  });

  test('clears an area and no other', async () => {
    const store = make();
    await store.write('ann', { records: [['a', 1]] });
    await store.write('ann b', { records: [['a', 1]] });
    await store.write('ann', { clear: true, records: [['z', 26]] });
    expect(await store.load('ann')).toEqual([['z', 26]]);
    expect(await store.load('ann b')).toEqual([['a', 1]]);
  });

  test('writes nothing where what is kept as the cursor does not allow it', async () => {
    const store = make();
    const asked: unknown[] = [];
    const write = (cursor: number, isAllowed: boolean) =>
      store.write('ann', {
        clear: true,
        records: [['cursor', cursor]],
        allows: (kept) => {
          asked.push(kept);
          return isAllowed;
        },
      });
    expect(await write(1, true)).toBe(true);
    expect(await write(2, false)).toBe(false);
    expect(await write(3, true)).toBe(true);
    expect(asked).toEqual([undefined, 1, 1]);
    expect(await store.load('ann')).toEqual([['cursor', 3]]);
  });
});

describe('IndexedDB', () => {
  test('writes all of a change or nothing', async () => {
    const store = indexedDBStore(new IDBFactory());
    await store.write('ann', { records: [['a', 1]] });
    const unwritable = () => undefined;
    const broken = store.write('ann', {
      clear: true,
      records: [
        ['b', 2],
        ['c', unwritable],
      ],
    });
    await expect(broken).rejects.toThrow();
    expect(await store.load('ann')).toEqual([['a', 1]]);
  });

  test('is shared by all pages of an origin, and lives on after a page', async () => {
    const factory = new IDBFactory();
    await indexedDBStore(factory).write('ann', { records: [['a', 1]] });
    expect(await indexedDBStore(factory).load('ann')).toEqual([['a', 1]]);
  });

  test('opens again after the browser took the database away', async () => {
    const factory = new IDBFactory();
    const store = indexedDBStore(factory);
    await store.write('ann', { records: [['a', 1]] });
    await new Promise((resolve) => {
      factory.deleteDatabase('callbox').onsuccess = resolve;
    });
    expect(await store.load('ann')).toEqual([]);
    expect(await store.write('ann', { records: [['b', 2]] })).toBe(true);
  });
});

describe('a store that is relied on', () => {
  const failures: [name: string, store: LocalStore | 'indexedDB', cause: string][] = [
    ['throws', { load: fail, write: fail }, 'no room'],
    ['rejects', { load: failLater, write: failLater }, 'no room'],
    ['is missing', 'indexedDB', 'has no IndexedDB'],
  ];
  test.each(failures)('gives way to memory once it %s', async (_name, choice, cause) => {
    const { world } = new FakeWorld();
    const store = new ReliableStore(world, choice);
    const warnings: unknown[] = [];
    store.on('warning', ({ error }) => warnings.push([error.code, String(error.cause)]));
    expect(store.outlivesPage).toBe(true);
    expect(await store.write('ann', { records: [['a', 1]] })).toBe(true);
    expect(await store.load('ann')).toEqual([['a', 1]]);
    expect(warnings).toEqual([['store_failed', expect.stringContaining(cause)]]);
    expect(store.outlivesPage).toBe(false);
  });

  test('gives way to memory when it does not answer', async () => {
    const fake = new FakeWorld();
    const store = new ReliableStore(fake.world, { load: hangs, write: hangs });
    const warnings = warningsOf(store);
    const loading = store.load('ann');
    await fake.advance(5_000);
    expect(await loading).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^Messages cannot be kept here: .+\.$/)]);
    expect(fake.timers).toBe(0);
  });

  test('forgets at a sign-out also what it had before it failed', async () => {
    const disk = memoryLocalStore();
    let isFull = false;
    const store = new ReliableStore(new FakeWorld().world, {
      load: (area) => disk.load(area),
      write: (area, change) => {
        if (isFull && change.records.length > 0) fail();
        return disk.write(area, change);
      },
    });
    const warnings = warningsOf(store);
    for (const area of ['ann seen', 'ann waiting', 'bob seen']) {
      await store.write(area, { records: [['a', 1]] });
    }
    isFull = true;
    await store.write('ann seen', { records: [['b', 2]] });
    expect(await disk.load('ann seen')).toEqual([['a', 1]]);
    await store.clear('ann seen', 'ann waiting');
    expect(await disk.load('ann seen')).toEqual([]);
    expect(await disk.load('ann waiting')).toEqual([]);
    expect(await disk.load('bob seen')).toEqual([['a', 1]]);
    expect(await store.load('ann seen')).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^Messages cannot be kept here/)]);
  });

  test('tries a sign-out that fails once more, and forgets', async () => {
    const disk = memoryLocalStore();
    let failures = 0;
    const store = new ReliableStore(new FakeWorld().world, {
      load: (area) => disk.load(area),
      write: (area, change) => {
        if (change.clear && (failures += 1) === 1) fail();
        return disk.write(area, change);
      },
    });
    await store.write('ann', { records: [['a', 1]] });
    await store.clear('ann');
    expect(await disk.load('ann')).toEqual([]);
  });

  test.each([
    ['refuses', failLater, 0],
    ['never answers', hangs, 10_000],
  ])('says once that messages may be left where it %s', async (_name, write, ms) => {
    const fake = new FakeWorld();
    const store = new ReliableStore(fake.world, { load: () => [], write });
    const warnings = warningsOf(store);
    const clearing = store.clear('ann seen', 'ann waiting');
    await fake.advance(ms);
    await clearing;
    expect(warnings).toEqual([
      expect.stringMatching(/^Messages cannot be kept here/),
      expect.stringMatching(/^Messages of the user who signed out may still be .+\.$/),
    ]);
    expect(fake.timers).toBe(0);
  });

  test('is used by one access after the other', async () => {
    const order: string[] = [];
    const memory = memoryLocalStore();
    const slow: LocalStore = {
      load: async (area) => {
        order.push('load');
        await Promise.resolve();
        order.push('loaded');
        return memory.load(area);
      },
      write: (area, change) => {
        order.push('write');
        return memory.write(area, change);
      },
    };
    const store = new ReliableStore(new FakeWorld().world, slow);
    await Promise.all([store.load('ann'), store.clear('ann'), store.load('ann')]);
    expect(order).toEqual(['load', 'loaded', 'write', 'load', 'loaded']);
  });
});

function fail(): never {
  throw new Error('no room');
}

function failLater(): Promise<never> {
  return Promise.reject(new Error('no room'));
}

function hangs(): Promise<never> {
  return new Promise(() => undefined);
}

function warningsOf(store: ReliableStore): string[] {
  const warnings: string[] = [];
  store.on('warning', ({ error }) => warnings.push(error.message));
  return warnings;
}

function sorted(records: readonly (readonly [string, unknown])[]): unknown[] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1));
}
