/** What really flows between two browsers, asked of their peer connections. */
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { PATIENTLY } from './wait.js';

/** Lets every page of this context find no microphone, or no camera, whatever the machine has. */
export async function hideDevices(
  context: BrowserContext,
  kinds: ('audio' | 'video')[],
): Promise<void> {
  await context.addInitScript((kinds) => {
    // Pages that are not secure have no devices anyway.
    if (!('mediaDevices' in navigator)) return;
    const prototype = MediaDevices.prototype;
    const find = Reflect.get(prototype, 'getUserMedia');
    prototype.getUserMedia = function (wanted) {
      const missing = kinds.some((kind) => wanted?.[kind]);
      if (!missing) return find.call(this, wanted);
      return Promise.reject(new DOMException('Requested device not found', 'NotFoundError'));
    };
  }, kinds);
}

export interface Received {
  /** Pictures that were decoded. */
  frames: number;
  /** How much was heard: grows with sound, stands still in silence. */
  sound: number;
}

/** Notes the peer connections of every page of this context. */
export async function watchMedia(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const connections: RTCPeerConnection[] = [];
    window.peerConnections = connections;
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
  });
}

/** Everything that this page has received since it was loaded. */
export function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const sum = { frames: 0, sound: 0 };
    for (const connection of window.peerConnections) {
      const stats = (await connection.getStats()) as unknown as Map<string, InboundStats>;
      for (const report of stats.values()) {
        if (report.type !== 'inbound-rtp') continue;
        sum.frames += report.framesDecoded ?? 0;
        sum.sound += report.totalAudioEnergy ?? 0;
      }
    }
    return sum;
  });
}

/** Waits until more pictures, or more sound, came than at this moment. */
export async function growing(page: Page, what: keyof Received): Promise<void> {
  const before = (await received(page))[what];
  await expect
    .poll(async () => (await received(page))[what], { ...PATIENTLY, message: `${what} received` })
    .toBeGreaterThan(before);
}

interface InboundStats {
  type: string;
  framesDecoded?: number;
  totalAudioEnergy?: number;
}

declare global {
  interface Window {
    peerConnections: RTCPeerConnection[];
  }
}
