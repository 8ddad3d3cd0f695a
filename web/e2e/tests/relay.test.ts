/** Calls through the relay inside the server: by every way that a firewall leaves open, and through what goes wrong there. */
import { describe, expect } from 'vitest';
import { writeCertificate } from '../harness/certificate.js';
import type { DemoTab } from '../harness/demo.js';
import { relaysInUse } from '../harness/relay.js';
import type { ServerOptions } from '../harness/server.js';
import { test, type Stage, type TabOptions } from '../harness/stage.js';
import { PATIENTLY } from '../harness/wait.js';

/** The way, what the screen calls it, the addresses that a page may use for it, and what the server needs for it. */
const WAYS: [way: string, label: string, relays: string, options: ServerOptions][] = [
  ['UDP', 'Relayed · UDP', '^turn:.*transport=udp', {}],
  ['TCP', 'Relayed · TCP', '^turn:.*transport=tcp', {}],
  ['TLS', 'Relayed · TLS', '^turns:', { environment: relayCertificate }],
  ['TLS on the port of HTTPS', 'Relayed · TLS', '^turns:', { environment: certificate }],
];

describe.for(WAYS)('a call through the relay by %s', ([way, label, relays, options]) => {
  test.override('serverOptions', () => options);

  test('shows each side the other, and neither learns where the other is', async ({ stage }) => {
    const [ann, bob] = await hidden(stage, { relays });
    await connect(ann, bob);
    await Promise.all([ann, bob].map((tab) => tab.seesPictures()));
    for (const tab of [ann, bob]) await tab.at('call-path').getByText(label).waitFor();
    for (const tab of [ann, bob]) {
      expect(tab.candidates()).not.toEqual([]);
      expect(openAddresses(tab)).toEqual([]);
    }
    const isOnPageDoor = way.endsWith('HTTPS');
    for (const { page } of [ann, bob]) {
      const used = await relaysInUse(page);
      expect(used).toEqual([expect.stringMatching(relays)]);
      expect(used[0]!.includes(`:${stage.server.port}?`)).toBe(isOnPageDoor);
    }
  });
});

test('a call in which one side hides its address goes through the relay of that side', async ({
  stage,
}) => {
  const [ann, bob] = await stage.pair();
  await ann.hideAddress();
  await connect(ann, bob);
  await Promise.all([ann, bob].map((tab) => tab.seesPictures(3)));
  await ann.at('call-path').getByText('Relayed · ').waitFor();
  await bob.at('call-path').getByText('Relayed').waitFor();
  expect(openAddresses(ann)).toEqual([]);
  expect(openAddresses(bob)).not.toEqual([]);
});

describe('in a call through the relay', () => {
  test.override('serverOptions', () => ({ control: {} }));

  test('lost allocations are made anew, and it goes on', async ({ stage }) => {
    const [ann, bob] = await hidden(stage);
    await connect(ann, bob);
    await Promise.all([ann, bob].map((tab) => tab.seesPictures(3)));
    await loseAllocations(stage, [ann, bob]);
    await Promise.all([ann, bob].map((tab) => tab.seesPictures()));
    await ann.hangUp();
    expect((await bob.callEnded()).reason).toBe('The call ended.');
  });

  describe('with allocations that are refreshed every four seconds', () => {
    test.override('serverOptions', () => ({ control: { allocationSeconds: 8 } }));

    test('media outlives the credentials, and a restart has fresh ones', async ({ stage }) => {
      const [ann, bob] = await hidden(stage);
      await connect(ann, bob);
      await stage.server.control.advanceClock(30 * 60);
      // Longer than allocations live that are not refreshed.
      await Promise.all([ann, bob].map((tab) => tab.seesPictures(PICTURES_OF_LONGER_THAN_A_LIFE)));
      expect([ann, bob].map(rounds)).toEqual([1, 1]);
      const asked = [ann, bob].map((tab) => tab.page.waitForRequest(/\/v1\/ice-servers\?callId=/));
      await loseAllocations(stage, [ann, bob]);
      await Promise.all(asked);
      await Promise.all([ann, bob].map((tab) => tab.seesPictures()));
    });
  });

  test('a session that is ended elsewhere loses its media, even where no page hears of it', async ({
    stage,
  }) => {
    const line = await stage.line();
    const [ann, bob] = await hidden(stage, { url: line.url });
    const desk = await stage.person('ann');
    await connect(ann, bob);
    await Promise.all([ann, bob].map((tab) => tab.seesPictures(3)));
    line.dead();
    await desk.openDevices();
    await desk.at('end-others').click();
    await Promise.all([ann, bob].map((tab) => tab.isInterrupted()));
    line.up();
    await ann.at('notice').waitFor();
    expect((await bob.callEnded()).title).toMatch(/^Call ended/);
  });
});

/** Takes away the relay ports of both, and waits until they have told each other of new ones. */
async function loseAllocations(stage: Stage, tabs: DemoTab[]): Promise<void> {
  const before = Math.max(...tabs.map(rounds));
  await stage.server.control.dropAllocations();
  for (const tab of tabs) await expect.poll(() => rounds(tab), PATIENTLY).toBeGreaterThan(before);
}

/** How often this tab has looked for its ways: each time under another name. */
function rounds(tab: DemoTab): number {
  const names = tab.candidates().map((candidate) => / ufrag (\S+)/.exec(candidate)?.[1]);
  return new Set(names.filter((name) => name !== undefined)).size;
}

/** Two people who hide their addresses, and have each other's conversation on screen. */
async function hidden(
  stage: Stage,
  options: TabOptions = {},
): Promise<[ann: DemoTab, bob: DemoTab]> {
  const pair = await stage.pair({ relays: '^turn:.*transport=udp', ...options });
  for (const tab of pair) await tab.hideAddress();
  return pair;
}

/** Ann calls with a picture, Bob answers alike, and both see that they are connected. */
async function connect(ann: DemoTab, bob: DemoTab): Promise<void> {
  await ann.call('video');
  await bob.isRinging();
  await bob.accept('video');
  await Promise.all([ann.callIs('connected'), bob.callIs('connected')]);
}

/** What this tab has told of that is no relay. */
function openAddresses(tab: DemoTab): string[] {
  return tab.candidates().filter((candidate) => !candidate.includes(' typ relay '));
}

/** For everything: page and relay. */
function certificate(folder: string): Record<string, string> {
  const { cert, key } = writeCertificate(folder);
  return { CALLBOX_TLS_CERT: cert, CALLBOX_TLS_KEY: key };
}

/** For the relay alone, which then has a door of its own for TLS. */
function relayCertificate(folder: string): Record<string, string> {
  const { cert, key } = writeCertificate(folder);
  return {
    CALLBOX_RELAY_CERT: cert,
    CALLBOX_RELAY_KEY: key,
    CALLBOX_RELAY_TLS_LISTEN: '["127.0.0.1:0"]',
  };
}

/** Cameras make thirty pictures a second at most, and an allocation that is not refreshed lives for eight. */
const PICTURES_OF_LONGER_THAN_A_LIFE = 270;
