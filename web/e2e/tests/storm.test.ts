/** Two hundred messages through a storm: each arrives, once, in one order, and nothing is told but what happened. */
import { env } from 'node:process';
import { type ExpectStatic, describe } from 'vitest';
import type { Receipt } from '@callbox/sdk';
import type { Told } from '../harness/correspondent.js';
import { STORM_EVENTS, type StormEvent } from '../harness/fate.js';
import { test } from '../harness/plain.js';
import type { CallboxServer } from '../harness/server.js';
import { type Side, messagesOf, nodeSide, pageSide } from '../harness/side.js';
import { PATIENTLY } from '../harness/wait.js';
import { type Testimony, witness } from '../harness/witness.js';

/** Each seed makes two storms, one for each side. */
const SEEDS_IN_NODE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
const SEEDS_IN_PAGES = [101, 102];
/** Runs one seed alone, committed or not. */
const chosen = Number(env['STORM_SEED'] ?? 0);
const seedsOf = (committed: number[]) => (chosen > 0 ? [chosen] : committed);
const ALONE = '(alone: STORM_SEED=%i npm run e2e -- storm)';

describe('two sides in Node', () => {
  const done = new Set<StormEvent>();

  describe.concurrent('that write through a storm', () => {
    test.for(seedsOf(SEEDS_IN_NODE).map((seed) => [seed, seed] as const))(
      `see each message once, with seed %i ${ALONE}`,
      async ([seed], { stage, expect }) => {
        const sides = await Promise.all([
          nodeSide(stage, 'ann', 2 * seed),
          nodeSide(stage, 'bob', 2 * seed + 1),
        ]);
        await correspondThrough(sides, stage.server, expect);
        for (const { storm } of sides) for (const event of storm.done.keys()) done.add(event);
        for (const side of sides) side.close();
      },
    );
  });

  test.runIf(chosen === 0)('have met all that a storm can do', ({ expect }) => {
    expect([...done].toSorted()).toEqual(STORM_EVENTS.toSorted());
  });
});

describe.concurrent('two sides in pages', () => {
  test.for(seedsOf(SEEDS_IN_PAGES).map((seed) => [seed, seed] as const))(
    `that write through a storm see each message once, with seed %i ${ALONE}`,
    async ([seed], { stage, app, expect }) => {
      const [first, second] = await Promise.all([app.tab(), app.tab()]);
      const sides = await Promise.all([
        pageSide(stage, first, 'ann', 2 * seed),
        pageSide(stage, second, 'bob', 2 * seed + 1),
      ]);
      await correspondThrough(sides, stage.server, expect);
    },
  );
});

async function correspondThrough(
  sides: [Side, Side],
  server: CallboxServer,
  expect: ExpectStatic,
): Promise<void> {
  const [ann, bob] = sides;
  for (const { line, storm } of sides) line.rage(storm);
  await Promise.all([ann.write(bob.userId, textsFrom(ann)), bob.write(ann.userId, textsFrom(bob))]);
  const progress = () => Promise.all(sides.map((side) => side.progress()));
  const accepted = { accepted: EACH, troubles: [] };
  await expect.poll(progress, STORMILY).toMatchObject([accepted, accepted]);
  for (const { line } of sides) line.calm();
  const told = { told: 2 * EACH, troubles: [] };
  await expect.poll(progress, PATIENTLY).toMatchObject([told, told]);
  const { conversationId } = messagesOf(await ann.diary())[0]!;
  await Promise.all(sides.map((side) => side.read(conversationId, 2 * EACH)));
  const testimonies = [];
  for (const side of sides) {
    const { stored } = await side.diary();
    const testimony = await witness(server, stored!, expect);
    await expect
      .poll(async () => (await side.diary()).told.length, { ...PATIENTLY, message: 'events told' })
      .toBe(testimony.told.length);
    await checkSide(side, testimony, expect);
    testimonies.push(testimony);
  }
  const [first, second] = testimonies as [Testimony, Testimony];
  expect(first.history).toEqual(second.history);
  expect(messagesOf(first)).toEqual(messagesOf(second));
}

/** The server and one app tell the same story, and a plausible one. */
async function checkSide(
  side: Side,
  { seqs, told, history, members, unreadCount }: Testimony,
  expect: ExpectStatic,
): Promise<void> {
  const diary = await side.diary();
  expect(diary.troubles).toEqual([]);
  expect(side.storm.breaks).toBeGreaterThan(10);

  // Every event of the log, none twice: what the app was told is what the log has.
  expect(seqs).toEqual(upTo(seqs.length));
  expect(diary.told.map(identity)).toEqual(told.map(identity));

  // Every message once, in the one order of the conversation, and the list says the same.
  const messages = messagesOf(diary);
  expect(messages.map(({ position }) => position)).toEqual(upTo(2 * EACH));
  expect(history).toEqual(messages);
  for (const page of diary.pages) {
    const from = page[0]!.position - 1;
    expect(page).toEqual(history.slice(from, from + page.length));
  }

  // What this side wrote was kept in the order of writing, and it was told so once.
  const own = messages.filter(({ senderId }) => senderId === side.userId);
  expect(own.map(({ text }) => text)).toEqual(textsFrom(side));
  expect(own.map(({ id }) => id)).toEqual(diary.sent);
  expect(diary.accepted).toEqual(own);
  expect(diary.statuses).toEqual(own.map(({ id }) => ({ id, status: 'accepted' })));

  // What was read is never unread, in the events and in the answers, and in the end all is.
  const receipts = diary.told.flatMap((entry) => ('receipt' in entry ? [entry.receipt] : []));
  for (const { userId } of members) {
    const rising = receipts.filter((receipt) => receipt.userId === userId);
    expectRising(rising, expect);
    expect(rising.at(-1)).toMatchObject({ deliveredUpTo: 2 * EACH, readUpTo: 2 * EACH });
  }
  expectRising(diary.recorded, expect);
  expect(members).toHaveLength(2);
  for (const member of members) {
    expect(member).toMatchObject({ deliveredUpTo: 2 * EACH, readUpTo: 2 * EACH });
  }
  expect(unreadCount).toBe(0);
}

/** What of an event stays the same: a receipt that is told late tells where its user is by then. */
function identity(told: Told): unknown {
  if ('message' in told) return told.message;
  const { conversationId, userId } = told.receipt;
  return { conversationId, userId };
}

function expectRising(receipts: Receipt[], expect: ExpectStatic): void {
  for (const mark of ['deliveredUpTo', 'readUpTo'] as const) {
    const marks = receipts.map((receipt) => receipt[mark]);
    expect(marks).toEqual(marks.toSorted((a, b) => a - b));
  }
}

function textsFrom({ userId }: Side): string[] {
  return upTo(EACH).map((number) => `From ${userId}, number ${number}.`);
}

/** 1, 2, 3 and so on. */
function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** How many messages each side writes. */
const EACH = 100;
/** A storm that never lets anything through would be one from which nobody learns. */
const STORMILY = { timeout: 60_000, interval: 50 };
