import { describe, expect } from 'vitest';
import type { DemoTab } from '../harness/demo.js';
import { growing, received } from '../harness/media.js';
import { test, type TabOptions } from '../harness/stage.js';

describe('a video call', () => {
  test('shows each side the other, until the caller hangs up', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await connect(ann, bob, 'video');
    await Promise.all([ann, bob].map((tab) => tab.seesPictures()));
    await Promise.all([ann, bob].map((tab) => growing(tab.page, 'frames')));
    await Promise.all([ann, bob].map((tab) => growing(tab.page, 'sound')));
    await ann.hangUp();
    for (const tab of [ann, bob]) {
      const { title, reason } = await tab.callEnded();
      expect(title).toMatch(/^Call ended · \d+:\d\d$/);
      expect(reason).toBe('The call ended.');
    }
  });

  test('ends for both when the callee hangs up, and the next one works', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await connect(ann, bob, 'video');
    await bob.hangUp();
    await Promise.all([ann.callEnded(), bob.callEnded()]);
    await connect(bob, ann, 'video');
    expect(await bob.at('call-ended').count()).toBe(0);
    await Promise.all([ann, bob].map((tab) => tab.seesPictures(3)));
    await bob.hangUp();
    await Promise.all([ann.callEnded(), bob.callEnded()]);
  });

  test('can be answered with the voice only, and get its picture later', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await ann.call('video');
    await bob.isRinging();
    await bob.accept('voice');
    await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
    await bob.seesPictures(3);
    await ann.page.getByText('bob’s camera is off').waitFor();
    await Promise.all([ann, bob].map((tab) => growing(tab.page, 'sound')));
    expect(await bob.at('camera-toggle').getAttribute('aria-pressed')).toBe('true');
    await bob.at('camera-toggle').click();
    await ann.seesPictures(3);
    await ann.page.getByText('bob’s camera is off').waitFor({ state: 'detached' });
  });

  test('tells the other side who is muted and whose camera is off', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await connect(ann, bob, 'video');
    await bob.at('mute-toggle').click();
    await ann.at('peer-muted').getByText('bob is muted').waitFor();
    expect(await bob.at('mute-toggle').getAttribute('aria-pressed')).toBe('true');
    await bob.at('mute-toggle').click();
    await ann.at('peer-muted').waitFor({ state: 'detached' });
    await bob.at('camera-toggle').click();
    await ann.page.getByText('bob’s camera is off').waitFor();
    await bob.at('camera-toggle').click();
    await ann.page.getByText('bob’s camera is off').waitFor({ state: 'detached' });
    await ann.seesPictures(3);
  });
});

test('a voice call is heard on both sides', async ({ stage }) => {
  const [ann, bob] = await stage.pair();
  await connect(ann, bob, 'voice');
  await Promise.all([ann, bob].map((tab) => growing(tab.page, 'sound')));
  expect((await received(ann.page)).frames).toBe(0);
  expect(await ann.at('camera-toggle').count()).toBe(0);
  await ann.hangUp();
  await Promise.all([ann.callEnded(), bob.callEnded()]);
});

describe('a call that nobody answers', () => {
  test('ends when it is declined, in all tabs of the callee', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    const second = await stage.person('bob');
    await ann.call('voice');
    await ann.callIs('ringing');
    await Promise.all([bob.isRinging(), second.isRinging()]);
    await bob.at('decline-call').click();
    expect(await ann.callEnded()).toMatchObject({ title: 'Call declined' });
    expect((await ann.callEnded()).reason).toMatch(/declined/);
    await Promise.all([bob.callEnded(), second.callEnded()]);
  });

  test('is a missed call when the caller takes it back', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await ann.call('video');
    await bob.isRinging();
    await ann.hangUp();
    expect(await bob.callEnded()).toMatchObject({ title: 'Missed call' });
    expect((await ann.callEnded()).reason).toMatch(/canceled/);
  });

  test('to someone who is away says that nobody could be reached', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await bob.page.close();
    await ann.call('voice');
    await ann.callIs('reaching');
    expect((await ann.callEnded()).reason).toMatch(/reached/);
  });

  test('rings in a page that is reloaded while it rings', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await ann.call('voice');
    await bob.isRinging();
    await bob.page.reload();
    await bob.isRinging();
    await bob.accept('voice');
    await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
    await growing(ann.page, 'sound');
  });
});

test('a call that one tab answers is answered elsewhere for the others', async ({ stage }) => {
  const [ann, bob] = await stage.pair();
  const second = await stage.person('bob');
  await ann.call('video');
  await Promise.all([bob.isRinging(), second.isRinging()]);
  await second.accept('video');
  expect(await bob.callEnded()).toEqual({
    title: 'Answered elsewhere',
    reason: 'The call was answered on another device.',
  });
  await Promise.all([ann.callIs('connected'), second.callIs('connected')]);
  await Promise.all([ann, second].map((tab) => tab.seesPictures(3)));
  // The tab that did not answer going away changes nothing.
  await bob.page.close();
  await Promise.all([ann, second].map((tab) => growing(tab.page, 'frames')));
  await ann.hangUp();
  await second.callEnded();
});

test('two people who call each other at once are in one call', async ({ stage }) => {
  const line = await stage.line();
  const [ann, bob] = await stage.pair({ url: line.url });
  // Neither hears of the other's call before both have called.
  line.dead();
  await Promise.all([ann.call('video'), bob.call('video')]);
  await Promise.all([ann, bob].map((tab) => tab.sent('call.start')));
  line.up();
  await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
  await Promise.all([ann, bob].map((tab) => tab.seesPictures()));
  for (const tab of [ann, bob]) expect(await tab.at('incoming-call').count()).toBe(0);
  await bob.hangUp();
  await Promise.all([ann.callEnded(), bob.callEnded()]);
});

describe('in the middle of a call', () => {
  test.for(['caller', 'callee'] as const)(
    'a closed page of the %s ends it, with a reason',
    async (who, { stage }) => {
      const [ann, bob] = await stage.pair();
      await connect(ann, bob, 'video');
      const [gone, left] = who === 'caller' ? [ann, bob] : [bob, ann];
      await gone.page.close();
      const { title, reason } = await left.callEnded();
      expect(title).toMatch(/^Call ended/);
      expect(reason).not.toBe('');
    },
  );

  test('a reload ends it, and both can call again', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await connect(ann, bob, 'voice');
    await bob.page.reload();
    await ann.callEnded();
    await bob.isOnline();
    await connect(ann, bob, 'voice');
    await growing(bob.page, 'sound');
  });

  test('a signing out ends it', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await connect(ann, bob, 'voice');
    await bob.page.getByRole('button', { name: /Make the call small/ }).click();
    await bob.signOut();
    await ann.callEnded();
  });

  test('a broken line to the server leaves it alone, and comes back', async ({ stage }) => {
    const line = await stage.line();
    const [ann, bob] = await stage.pair({ url: line.url });
    await connect(ann, bob, 'video');
    line.down();
    await Promise.all([ann.isAway(), bob.isAway()]);
    await Promise.all([ann, bob].map((tab) => growing(tab.page, 'frames')));
    await bob.at('mute-toggle').click();
    line.up();
    await Promise.all([ann.isOnline(), bob.isOnline()]);
    await ann.at('peer-muted').waitFor();
    await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
    await Promise.all([ann, bob].map((tab) => growing(tab.page, 'frames')));
    await ann.hangUp();
    await Promise.all([ann.callEnded(), bob.callEnded()]);
  });

  test('messages go on beside it', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await connect(ann, bob, 'voice');
    await ann.page.getByRole('button', { name: /Make the call small/ }).click();
    await ann.send('Can you hear me well over there?');
    await bob.received('Can you hear me well over there?');
    await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
  });

  describe('on a server that is started again', () => {
    test.override('serverOptions', () => ({ fixedPort: true }));

    test('goes on, and can be ended by either side', async ({ stage }) => {
      const [ann, bob] = await stage.pair();
      await connect(ann, bob, 'video');
      await stage.server.kill();
      await Promise.all([ann.isAway(), bob.isAway()]);
      await stage.server.restart();
      await Promise.all([ann.isOnline(), bob.isOnline()]);
      await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
      await Promise.all([ann, bob].map((tab) => growing(tab.page, 'frames')));
      await bob.hangUp();
      await Promise.all([ann.callEnded(), bob.callEnded()]);
    });
  });
});

/** Devices that may not be used or are not there, and the word with which the page helps. */
const NO_DEVICES = [
  ['denied', { devices: 'denied' }, /allow/i],
  ['missing', { missing: ['audio', 'video'] }, /connect|plug/i],
] satisfies [string, TabOptions, RegExp][];

describe('a microphone', () => {
  test.for(NO_DEVICES)(
    'that is %s is explained to the caller',
    async ([, options, words], { stage }) => {
      const ann = await stage.person('ann', options);
      const bob = await stage.person('bob');
      await ann.openChat('bob');
      for (const media of ['voice', 'video'] as const) {
        await ann.call(media);
        const { title, reason } = await ann.callEnded();
        expect(title).toBe('The call did not start');
        expect(reason).toMatch(/microphone/);
        expect(reason).toMatch(words);
        await ann.at('dismiss-end').click();
      }
      expect(await bob.at('incoming-call').count()).toBe(0);
    },
  );

  test.for(NO_DEVICES)(
    'that is %s is explained to the callee',
    async ([, options, words], { stage }) => {
      const ann = await stage.person('ann');
      const bob = await stage.person('bob', options);
      await ann.openChat('bob');
      await ann.call('video');
      await bob.isRinging();
      await bob.accept('video');
      await bob.at('incoming-call').getByRole('alert').getByText(words).waitFor();
      // It rings on, here and elsewhere, and the person may still decline.
      await ann.callIs('ringing');
      await bob.at('decline-call').click();
      expect(await ann.callEnded()).toMatchObject({ title: 'Call declined' });
    },
  );
});

test.for(['caller', 'callee'] as const)(
  'a %s without a camera is in a video call with sound, and is told why',
  async (who, { stage }) => {
    const options: TabOptions = { missing: ['video'] };
    const ann = await stage.person('ann', who === 'caller' ? options : {});
    const bob = await stage.person('bob', who === 'callee' ? options : {});
    await ann.openChat('bob');
    await connect(ann, bob, 'video');
    const [without, other] = who === 'caller' ? [ann, bob] : [bob, ann];
    await without
      .at('call-view')
      .getByText(/camera|device/i)
      .first()
      .waitFor();
    await other
      .at('call-view')
      .getByText(/camera is off/)
      .waitFor();
    await without.seesPictures(3);
    await Promise.all([ann, bob].map((tab) => growing(tab.page, 'sound')));
  },
);

/** One calls, the other answers alike, and both see that they are connected. */
async function connect(caller: DemoTab, callee: DemoTab, media: 'voice' | 'video'): Promise<void> {
  await caller.call(media);
  await callee.isRinging();
  await callee.accept(media);
  await Promise.all([caller.callIs('connected'), callee.callIs('connected')]);
}
