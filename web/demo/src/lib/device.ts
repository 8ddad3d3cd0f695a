/** What a device is called, for people who look at the list of theirs. */
import type { Device, Session } from '@callbox/sdk';

/** This browser, as far as it tells what it is. */
export function thisDevice(agent = navigator.userAgent): Device {
  const browser = BROWSERS.find(([, sign]) => sign.test(agent))?.[0] ?? 'Browser';
  const system = SYSTEMS.find(([, sign]) => sign.test(agent))?.[0];
  return { platform: 'web', name: system ? `${browser} on ${system}` : browser };
}

/** The name that a device was given, or what there is instead. */
export function deviceName({ device }: Session): string {
  return device.name ?? device.platform ?? 'Unnamed device';
}

// The order matters: each of them also claims to be those that come later.
const BROWSERS = [
  ['Edge', /Edg\//],
  ['Opera', /OPR\//],
  ['Firefox', /Firefox\//],
  ['Chrome', /Chrom(e|ium)\//],
  ['Safari', /Safari\//],
] as const;
const SYSTEMS = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['Mac', /Mac OS X/],
  ['Linux', /Linux|X11/],
] as const;
