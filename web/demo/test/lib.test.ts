import { describe, expect, it } from 'vitest';
import { hue, initials } from '../src/lib/avatar.js';
import { deviceName, thisDevice } from '../src/lib/device.js';
import { nameProblem, suggestNames } from '../src/lib/names.js';
import { pathWords } from '../src/lib/path.js';
import { dayName, duration, lastSeen, shortTime } from '../src/lib/time.js';
import { type Item, placement, put, statusOf } from '../src/lib/timeline.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = new Date(2026, 4, 13, 12, 0).getTime();

function item(id: string, position: number | null, more: Partial<Item> = {}): Item {
  return { id, text: id, mine: true, at: NOON, position, sending: 'accepted', ...more };
}

describe('names', () => {
  it.each(['ann', 'a', '~!@#', 'x'.repeat(80)])('takes %s', (name) => {
    expect(nameProblem(name)).toBe('');
  });

  it.each([
    ['', 'Type a name first'],
    ['ann b', 'no spaces'],
    ['zoë', '“ë”'],
    ['🙂', '“🙂”'],
    ['a\u0007', 'cannot be shown'],
    ['x'.repeat(81), 'this has 81'],
  ])('explains what is wrong with %j', (name, words) => {
    expect(nameProblem(name)).toContain(words);
  });

  it('suggests different names that are fine', () => {
    const names = suggestNames(3, () => 0.99);
    expect(new Set(names).size).toBe(3);
    expect(names.map(nameProblem)).toEqual(['', '', '']);
  });
});

describe('the way of a call', () => {
  it.each([
    ['direct', null, 'Direct', /device to device/],
    ['relayed', null, 'Relayed', /other side/],
    ['relayed', 'tls', 'Relayed · TLS', /This device .* by TLS/],
  ] as const)('that is %s (%s) has words', (kind, relay, label, meaning) => {
    const words = pathWords({ kind, relay });
    expect(words.label).toBe(label);
    expect(words.meaning).toMatch(meaning);
  });
});

describe('devices', () => {
  it.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36',
      'Chrome on Linux',
    ],
    ['Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Safari/537.36 Edg/150.0', 'Edge on Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1', 'iPhone'],
    ['Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0', 'Firefox on Android'],
    ['curl/8', 'Browser'],
  ])('reads %s', (agent, name) => {
    expect(thisDevice(agent).name).toContain(name);
  });

  it('have the name that they were given, or what there is', () => {
    const device = { id: null, name: null, platform: 'android', appVersion: null };
    const session = { device } as Parameters<typeof deviceName>[0];
    expect(deviceName(session)).toBe('android');
    expect(deviceName({ ...session, device: { ...device, name: "Ann's phone" } })).toBe(
      "Ann's phone",
    );
    expect(deviceName({ ...session, device: { ...device, platform: null } })).toBe(
      'Unnamed device',
    );
  });
});

describe('avatars', () => {
  it.each([
    ['ann', 'A'],
    ['grace.hopper', 'GH'],
    ['a-b-c', 'AB'],
    ['~~', '~'],
  ])('shortens %s to %s', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });

  it('gives a name one hue for ever, and its neighbour another', () => {
    expect(hue('ann')).toBe(hue('ann'));
    expect(Math.abs(hue('user1') - hue('user2'))).toBeGreaterThan(5);
  });
});

describe('time', () => {
  it('names days as people do', () => {
    expect(dayName(NOON - HOUR, NOON)).toBe('Today');
    expect(dayName(NOON - 13 * HOUR, NOON)).toBe('Yesterday');
    expect(dayName(NOON - 48 * HOUR, NOON)).toBe('Monday');
    expect(shortTime(NOON - 13 * HOUR, NOON)).toBe('Yesterday');
  });

  it('says when someone was there', () => {
    expect(lastSeen(NOON - 10_000, NOON)).toBe('last seen just now');
    expect(lastSeen(NOON - 5 * MINUTE, NOON)).toBe('last seen 5 min ago');
    expect(lastSeen(NOON - 13 * HOUR, NOON)).toContain('last seen Yesterday, ');
  });

  it.each([
    [0, '0:00'],
    [7_900, '0:07'],
    [754_000, '12:34'],
    [3_723_000, '1:02:03'],
    [-5, '0:00'],
  ])('writes %i ms as %s', (milliseconds, words) => {
    expect(duration(milliseconds)).toBe(words);
  });
});

describe('timeline', () => {
  it('keeps the order of positions, with what is on its way at the end', () => {
    const items: Item[] = [];
    for (const next of [item('b', 2), item('p', null), item('c', 3), item('a', 1)])
      put(items, next);
    expect(items.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'p']);
  });

  it('moves a message to its place when it is accepted', () => {
    const items = [
      item('p', null, { sending: 'pending' }),
      item('q', null, { sending: 'pending' }),
    ];
    put(items, item('q', 4));
    expect(items.map(({ id, position }) => [id, position])).toEqual([
      ['q', 4],
      ['p', null],
    ]);
  });

  it.each([
    [1, 'read'],
    [2, 'delivered'],
    [3, 'accepted'],
  ])('knows how far the message at %i is', (position, status) => {
    expect(statusOf(item('a', position), { delivered: 2, read: 1 })).toBe(status);
  });

  it('does not believe receipts about what was never sent', () => {
    const failed = item('a', null, { sending: 'failed' });
    expect(statusOf(failed, { delivered: 9, read: 9 })).toBe('failed');
  });

  it('groups by person, pause and day', () => {
    const items = [
      item('a', 1, { at: NOON - 24 * HOUR }),
      item('b', 2),
      item('c', 3, { at: NOON + MINUTE }),
      item('d', 4, { at: NOON + 2 * MINUTE, mine: false }),
      item('e', 5, { at: NOON + 10 * MINUTE, mine: false }),
    ];
    const places = items.map((_, index) => placement(items, index));
    expect(places.map(({ newDay }) => newDay)).toEqual([true, true, false, false, false]);
    expect(places.map(({ first }) => first)).toEqual([true, true, false, true, true]);
    expect(places.map(({ last }) => last)).toEqual([true, false, true, true, true]);
  });
});
