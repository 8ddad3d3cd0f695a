/** Chromium, with a camera and a microphone that are made up. */
import { type Browser, chromium } from 'playwright-core';
import { chromiumBinary } from './places.js';

/** What the browser does when a page wants camera and microphone. */
export type Devices = 'allowed' | 'denied';

export function launch(devices: Devices): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumBinary(),
    args: [...ALWAYS, ...DEVICES[devices]],
    ignoreDefaultArgs: ['--mute-audio'],
  });
}

const ALWAYS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  // Servers of tests make their own. For TURN over TLS no page can be asked.
  '--ignore-certificate-errors',
];
const DEVICES: Record<Devices, string[]> = {
  allowed: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  denied: ['--use-fake-device-for-media-stream', '--deny-permission-prompts'],
};
