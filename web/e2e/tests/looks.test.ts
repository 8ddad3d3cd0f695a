/** How the demo looks, on a phone and on a desk, light and dark: checked by axe, and kept as pictures for people. */
import axe from 'axe-core';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DemoTab } from '../harness/demo.js';
import { SCREENS } from '../harness/places.js';
import { test } from '../harness/stage.js';

const LOOKS = [
  ['phone', 'light'],
  ['phone', 'dark'],
  ['desk', 'light'],
  ['desk', 'dark'],
] as const;
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

test.for(LOOKS)('on a %s, %s', async ([size, colorScheme], { stage }) => {
  const look = (tab: DemoTab, name: string) => inspect(tab, `${name}-${size}-${colorScheme}`);
  const options = { viewport: SIZES[size], colorScheme, hasTouch: size === 'phone' };
  const bob = await stage.person('bob');
  await stage.person('chidi');

  const ann = await stage.tab(options);
  await look(ann, '1-sign-in');
  await ann.at('sign-in-name').fill('two words');
  await look(ann, '2-sign-in-refused');
  await ann.signIn('ann');
  await ann.at('person-chidi').waitFor();
  await look(ann, '3-people');

  const tablet = await stage.person('ann');
  await ann.openDevices();
  await ann.at('end-others').waitFor();
  await look(ann, '3b-devices');
  await ann.at('hide-address').click();
  await look(ann, '3c-hidden-address');
  await ann.at('hide-address').click();
  await ann.at('close-devices').click();
  await tablet.page.close();

  await bob.openChat('ann');
  await bob.send('Shall we meet at the harbour at seven?');
  await ann.openChat('bob');
  await ann.send('Gladly! I will bring the maps, and something to eat for the crossing.');
  await ann.ticks('Gladly! I will bring the maps', 'read');
  await bob.at('composer').fill('And');
  await ann.at('typing').waitFor();
  await look(ann, '4-conversation');
  await bob.at('composer').fill('');

  await bob.call('video');
  await ann.isRinging();
  await look(ann, '5-incoming-call');
  await ann.accept('video');
  await ann.callIs('connected');
  await bob.callIs('connected');
  await ann.seesPictures(3);
  await ann.at('call-path').getByText('Direct').waitFor();
  await look(ann, '6-video-call');
  await bob.at('mute-toggle').click();
  await bob.at('camera-toggle').click();
  await ann.at('peer-muted').waitFor();
  await ann.page.getByText('camera is off').waitFor();
  await look(ann, '7-camera-off');
  await bob.hangUp();
  await ann.callEnded();
  await look(ann, '8-call-ended');
  await ann.at('dismiss-end').click();
  await ann.call('voice');
  await ann.callIs('ringing');
  await look(ann, '9-calling');
  await ann.hangUp();
});

/** Takes a picture, and expects nothing serious of axe. */
async function inspect({ page }: DemoTab, name: string): Promise<void> {
  // What still moves has no colour that could be measured.
  await page.evaluate(async () => {
    const finite = document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().iterations !== Infinity);
    await Promise.allSettled(finite.map(({ finished }) => finished));
  });
  mkdirSync(SCREENS, { recursive: true });
  await page.screenshot({ path: join(SCREENS, `${name}.png`) });
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ help, nodes }) => `${name}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
  expect(serious).toEqual([]);
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}
