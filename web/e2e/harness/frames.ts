/** What a page says to the server. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { PATIENTLY } from './wait.js';

/** Begins to note the frames of this page; the answer waits until one of a type was sent. */
export function watchSent(page: Page): (type: string) => Promise<void> {
  const frames: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => frames.push(payload.toString()));
  });
  return async (type) => {
    const isSent = () => frames.some((frame) => frame.includes(`"type":"${type}"`));
    await expect.poll(isSent, { ...PATIENTLY, message: `${type} sent` }).toBe(true);
  };
}
