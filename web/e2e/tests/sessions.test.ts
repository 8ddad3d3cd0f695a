import { expect } from 'vitest';
import { DemoTab } from '../harness/demo.js';
import { test } from '../harness/plain.js';
import type { Stage } from '../harness/stage.js';
import { PATIENTLY } from '../harness/wait.js';

const ENDED = 'You were signed out because you signed this device out from another one.';

test('a device that is signed out from another one says why', async ({ stage }) => {
  const desk = await stage.person('ann');
  const phone = await stage.person('ann');
  await desk.openDevices();
  await expect.poll(() => rows(desk), PATIENTLY).toEqual(['true', 'false']);
  await desk.page.getByRole('button', { name: /^Sign out Chrome/ }).click();
  await phone.at('notice').waitFor();
  expect(await phone.at('notice').innerText()).toBe(ENDED);
  await expect.poll(() => rows(desk), PATIENTLY).toEqual(['true']);
  await desk.page.keyboard.press('Escape');
  await desk.at('devices-panel').waitFor({ state: 'detached' });
  await desk.isOnline();
  await phone.signIn('ann');
});

test('all others are signed out at once, with all of their tabs', async ({ stage }) => {
  const [desk, tab] = await twoTabs(stage);
  const phone = await stage.person('ann');
  await phone.openDevices();
  await phone.at('end-others').click();
  for (const ended of [desk, tab]) {
    await ended.at('notice').waitFor();
    expect(await ended.at('notice').innerText()).toBe(ENDED);
  }
  await expect.poll(() => rows(phone), PATIENTLY).toEqual(['true']);
  await phone.at('close-devices').click();
  await phone.isOnline();
});

test('signing out in one tab of a session signs the other one out, in words', async ({ stage }) => {
  const [desk, tab] = await twoTabs(stage);
  await desk.signOut();
  await tab.at('notice').waitFor();
  expect(await tab.at('notice').innerText()).toBe(
    'You were signed out because you signed out in another tab.',
  );
  expect(await desk.at('notice').count()).toBe(0);
});

test('a page that is loaded after its session was ended says why', async ({ stage }) => {
  const phone = await stage.person('ann');
  const desk = await stage.person('ann');
  await phone.page.context().setOffline(true);
  await desk.openDevices();
  await desk.at('end-others').click();
  await expect.poll(() => rows(desk), PATIENTLY).toEqual(['true']);
  await phone.page.context().setOffline(false);
  await phone.page.reload();
  await phone.at('notice').waitFor();
  expect(await phone.at('notice').innerText()).toBe(ENDED);
});

test('a call that comes in puts the devices away', async ({ stage }) => {
  const [ann, bob] = await stage.pair();
  await ann.openDevices();
  await bob.call('voice');
  await ann.isRinging();
  await ann.at('devices-panel').waitFor({ state: 'detached' });
  await ann.accept('voice');
  await ann.callIs('connected');
  await ann.hangUp();
  await bob.callEnded();
});

test('a session renews itself on the socket that it has', async ({ app, stage }) => {
  const bob = await stage.person('bob');
  const { page } = await app.person('ann');
  await page.evaluate(() => window.client.signOut());
  let sockets = 0;
  page.on('websocket', () => (sockets += 1));
  const { url, appKey } = stage.server;
  const before = await page.evaluate(
    async ({ url, appKey }) => {
      // What is to happen much later happens when the test says so.
      window.later = [];
      const client = new window.Callbox.CallboxClient({
        url,
        appKey,
        world: {
          setTimeout: (run, ms) => (ms < 600_000 ? setTimeout(run, ms) : window.later.push(run)),
        },
      });
      window.client = client;
      window.renewals = 0;
      client.on('session', () => (window.renewals += 1));
      client.messages.on('message', ({ message }) => window.messages.push(message.text));
      await client.signIn({ userId: 'ann' }, { expiresIn: 3_600 });
      return client.session?.expiresAt ?? '';
    },
    { url, appKey },
  );
  await expect.poll(() => page.evaluate(() => window.client.connection), PATIENTLY).toBe('online');
  expect(await page.evaluate(() => window.later.length)).toBe(1);
  await page.evaluate(() => window.later.pop()?.());
  await expect.poll(() => page.evaluate(() => window.renewals), PATIENTLY).toBe(1);
  const after = await page.evaluate(() => window.client.session?.expiresAt ?? '');
  expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
  await bob.openChat('ann');
  await bob.send('Heard after the renewal.');
  await expect
    .poll(() => page.evaluate(() => window.messages), PATIENTLY)
    .toEqual(['Heard after the renewal.']);
  // The new token is the one that requests carry.
  const { items } = await page.evaluate(() => window.client.sessions.list());
  expect(items.map(({ current }) => current)).toEqual([true]);
  expect(sockets).toBe(1);
});

/** Two tabs of ann in one browser, on one session. */
async function twoTabs(stage: Stage): Promise<[DemoTab, DemoTab]> {
  const first = await stage.person('ann');
  const opening = first.page.context().waitForEvent('page');
  await first.page.evaluate(() => void window.open(location.href));
  const second = new DemoTab(await opening);
  await second.isOnline();
  return [first, second];
}

/** The devices on screen: for each, whether it is this one. */
function rows(tab: DemoTab): Promise<(string | null)[]> {
  return tab.page
    .locator('[data-testid="devices-panel"] li')
    .evaluateAll((items) => items.map((item) => item.getAttribute('data-current')));
}

declare global {
  interface Window {
    later: (() => void)[];
    renewals: number;
  }
}
