/** What the demo does not do with calls, and what only the SDK can tell. */
import type { Call, CallEnd } from '@callbox/sdk';
import { expect } from 'vitest';
import { test, type PlainTab } from '../harness/plain.js';
import { PATIENTLY, within } from '../harness/wait.js';

test('a call rings no longer than the caller wants', async ({ app, stage }) => {
  const ann = await app.person('ann');
  const bob = await stage.person('bob');
  const ended = ann.page.evaluate(async () => {
    const call = await window.client.calls.start('bob', { ringSeconds: 1 });
    return await new Promise<CallEnd>((resolve) => call.on('ended', resolve));
  });
  await bob.isRinging();
  expect(await within(ended, 'the call to end')).toMatchObject({
    cause: 'no_answer',
    endedBy: null,
  });
  expect(await bob.callEnded()).toMatchObject({ title: 'Missed call' });
});

test('a call between two plain pages tells its states, in order, and its end', async ({ app }) => {
  const ann = await app.person('ann');
  const bob = await app.person('bob');
  await answerEverything(bob);
  await ann.page.evaluate(async () => {
    window.seen = [];
    const call = await window.client.calls.start('bob', { video: true });
    window.seen.push(call.state);
    call.on('state', (state) => window.seen.push(state));
    window.call = call;
  });
  await expect.poll(() => state(ann), PATIENTLY).toBe('connected');
  await expect.poll(() => state(bob), PATIENTLY).toBe('connected');
  const kinds = () =>
    ann.page.evaluate(() => window.call.remoteStream?.getTracks().map((track) => track.kind));
  await expect.poll(async () => (await kinds())?.toSorted(), PATIENTLY).toEqual(['audio', 'video']);
  await bob.page.evaluate(() => window.call.hangUp());
  await expect.poll(() => state(ann), PATIENTLY).toBe('ended');
  const seen = await ann.page.evaluate(() => window.seen);
  const order = ['reaching', 'ringing', 'accepted', 'connected', 'ended'];
  expect(seen).toEqual(order.filter((name) => seen.includes(name)));
  expect(seen.slice(-3)).toEqual(order.slice(-3));
  const [annsEnd, bobsEnd] = await Promise.all(
    [ann, bob].map((tab) => tab.page.evaluate(() => window.call.end)),
  );
  expect(annsEnd).toMatchObject({
    cause: 'completed',
    endedBy: 'bob',
    sentence: 'The call ended.',
  });
  expect(bobsEnd).toMatchObject({ cause: 'completed', endedBy: 'bob' });
});

test('of two calls that cross, both sides are left with the same one', async ({ app, stage }) => {
  const line = await stage.line();
  const people = await Promise.all(
    ['ann', 'bob'].map((name) => app.person(name, 'script', line.url)),
  );
  line.dead();
  const starting = people.map((tab, index) =>
    tab.page.evaluate(
      async (peer) => void (window.call = await window.client.calls.start(peer, { video: true })),
      ['bob', 'ann'][index]!,
    ),
  );
  await Promise.all(people.map((tab) => tab.sent('call.start')));
  line.up();
  await within(Promise.all(starting), 'both calls to be started');
  for (const tab of people) await expect.poll(() => state(tab), PATIENTLY).toBe('connected');
  const [ann, bob] = await Promise.all(
    people.map((tab) =>
      tab.page.evaluate(() => ({
        id: window.call.id,
        direction: window.call.direction,
        active: window.client.calls.active.length,
      })),
    ),
  );
  expect(ann!.id).toBe(bob!.id);
  expect(new Set([ann!.direction, bob!.direction])).toEqual(new Set(['outgoing', 'incoming']));
  expect([ann!.active, bob!.active]).toEqual([1, 1]);
});

/** Accepts what rings in this tab. */
async function answerEverything(tab: PlainTab): Promise<void> {
  await tab.page.evaluate(() => {
    window.client.calls.on('incoming', (call) => {
      window.call = call;
      void call.accept();
    });
  });
}

function state(tab: PlainTab): Promise<string | undefined> {
  return tab.page.evaluate(() => (window.call as Call | undefined)?.state);
}

declare global {
  interface Window {
    call: Call;
    seen: string[];
  }
}
