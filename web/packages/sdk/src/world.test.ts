import { expect, test } from 'vitest';
import { FakeWorld } from '../test/fake-world.js';
import { createWorld, timeOfId, timeOrderedId } from './world.js';

test('time-ordered ids sort as the times at which they were made, byte by byte', () => {
  const world = createWorld();
  const times = [0, 1, 31, 32, 1_024, 1_795_000_000_000, 1_795_000_000_001, 2 ** 48 - 1];
  const ids = times.map((at) => timeOrderedId(world, at));
  expect([...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(ids);
  expect(ids.map(timeOfId)).toEqual(times);
});

test('time-ordered ids have the form of ids and differ within a moment', () => {
  const world = createWorld();
  const ids = Array.from({ length: 1_000 }, () => timeOrderedId(world, 1_795_000_000_000));
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-v]{26}$/);
});

test('80 bits of each id come from the unpredictable source', () => {
  let asked = 0;
  const { world } = new FakeWorld({
    randomBytes: (length) => {
      asked += length;
      return new Uint8Array(length).fill(255);
    },
  });
  expect(timeOrderedId(world, 1)).toBe(`0000000001${'v'.repeat(16)}`);
  expect(asked).toBe(16);
});
