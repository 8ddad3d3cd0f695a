/** One tab with the demo in it, and what a person does there. */
import type { Locator, Page } from 'playwright-core';
import { watchSent } from './frames.js';
import { watchCandidates } from './relay.js';
import { PATIENCE_MS, within } from './wait.js';

/** How far an own message came. */
export type Ticks = 'pending' | 'accepted' | 'delivered' | 'read' | 'failed';

export class DemoTab {
  readonly page: Page;

  /** Waits until this page has sent a frame of this type. */
  readonly sent: (type: string) => Promise<void>;

  /** The candidates that this page has told the other side of its calls. */
  readonly candidates: () => string[];

  constructor(page: Page) {
    this.page = page;
    this.sent = watchSent(page);
    this.candidates = watchCandidates(page);
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
  }

  async signIn(name: string): Promise<void> {
    await this.at('sign-in-name').fill(name);
    await this.at('sign-in-submit').click();
    await this.isOnline();
  }

  async signOut(): Promise<void> {
    await this.at('sign-out').click();
    await this.at('sign-in-name').waitFor();
  }

  async openDevices(): Promise<void> {
    await this.at('devices').click();
    await this.at('devices-panel').waitFor();
  }

  /** Lets all calls from here go through the relay only. */
  async hideAddress(): Promise<void> {
    await this.openDevices();
    await this.at('hide-address').and(this.page.locator('[aria-checked="false"]')).click();
    await this.at('hide-address').and(this.page.locator('[aria-checked="true"]')).waitFor(SHOWN);
    await this.at('close-devices').click();
  }

  async openChat(name: string): Promise<void> {
    await this.at(`person-${name}`).click();
    await this.at('composer').waitFor();
  }

  async send(text: string): Promise<void> {
    await this.at('composer').fill(text);
    await this.at('send').click();
  }

  /** Calls whoever is on screen. */
  async call(media: 'voice' | 'video'): Promise<void> {
    await this.at(`call-${media}`).click();
  }

  async accept(media: 'voice' | 'video'): Promise<void> {
    await this.at(media === 'video' ? 'accept-video' : 'accept-call').click();
  }

  async hangUp(): Promise<void> {
    await this.at('hang-up').click();
  }

  /** Whatever has this handle. */
  at(handle: string): Locator {
    return this.page.getByTestId(handle);
  }

  /** The bubbles with this text. */
  bubble(text: string): Locator {
    return this.page.locator('[data-testid^="message-"]', { hasText: text });
  }

  /** Waits until the own message with this text came as far as that, and not further. */
  async ticks(text: string, ticks: Ticks): Promise<void> {
    await this.bubble(text)
      .and(this.page.locator(`[data-status="${ticks}"]`))
      .waitFor(SHOWN);
  }

  /** Waits until the message of the other with this text is there. */
  async received(text: string): Promise<void> {
    await this.bubble(text).and(this.page.locator('[data-mine="false"]')).waitFor(SHOWN);
  }

  /** The texts on screen, in their order. */
  texts(): Promise<string[]> {
    return this.page.locator('[data-testid^="message-"] .text').allTextContents();
  }

  async isOnline(): Promise<void> {
    await this.page.locator('nav').getByText('Online', { exact: true }).first().waitFor(SHOWN);
    await this.at('connection-banner').waitFor(GONE);
  }

  async isAway(): Promise<void> {
    await this.at('connection-banner').waitFor(SHOWN);
  }

  async isRinging(): Promise<void> {
    await this.at('incoming-call').waitFor(SHOWN);
  }

  async callIs(state: 'reaching' | 'ringing' | 'accepted' | 'connected'): Promise<void> {
    await this.page.locator(`[data-testid="call-view"][data-state="${state}"]`).waitFor(SHOWN);
  }

  /** Waits until the screen says that media stopped. */
  async isInterrupted(): Promise<void> {
    await this.at('call-view').getByText('Connection lost').waitFor(SHOWN);
  }

  /** Waits until the screen says why the last call is over, and gives its words. */
  async callEnded(): Promise<{ title: string; reason: string }> {
    await this.at('call-view').waitFor(GONE);
    await this.at('incoming-call').waitFor(GONE);
    const card = this.at('call-ended');
    await card.waitFor(SHOWN);
    const title = await card.getByRole('heading').innerText();
    const reason = await this.at('call-ended-reason').innerText();
    return { title, reason };
  }

  /** Waits until so many more pictures of the other side were on screen. */
  async seesPictures(count = 10): Promise<void> {
    const seen = this.at('remote-video').evaluate(
      (element, count) =>
        new Promise<void>((resolve) => {
          const video = element as HTMLVideoElement;
          let left = count;
          const shown = () => {
            left -= 1;
            if (left > 0) video.requestVideoFrameCallback(shown);
            else resolve();
          };
          video.requestVideoFrameCallback(shown);
        }),
      count,
    );
    // A busy machine may show ten a second.
    const patience = PATIENCE_MS + count * 100;
    await within(seen, `${count} pictures of the other side`, patience);
  }
}

const SHOWN = { state: 'visible', timeout: PATIENCE_MS } as const;
const GONE = { state: 'hidden', timeout: PATIENCE_MS } as const;
