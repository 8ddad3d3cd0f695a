/** Page loads that come and go at any moment, on one disk, before one mailbox. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeDisk } from '../test/fake-disk.js';
import { FakeMailbox } from '../test/fake-mailbox.js';
import { FakeWorld, settle } from '../test/fake-world.js';
import { CallboxClient } from './client.js';
import { memorySessionStore } from './session-store.js';

/** These find what takes hundreds of page loads: a busy machine needs its time. */
const PATIENCE_MS = 60_000;

const STEPS = [
  'send',
  'receive',
  'toServer',
  'toClient',
  'disk',
  'cut',
  'wait',
  'waitLong',
  'reload',
] as const;
const FAULTS = [...STEPS, 'crash', 'prune', 'restore'] as const;
type Step = (typeof FAULTS)[number];

function stepsOf(names: readonly Step[]): fc.Arbitrary<Step[]> {
  const often: Step[] = ['toServer', 'toClient', 'toServer', 'toClient', 'disk'];
  return fc.array(fc.constantFrom(...names, ...often), { maxLength: 100 });
}

test(
  'over reloads at any moment each message is accepted once, in order, and each event handled once',
  async () => {
    const property = fc.asyncProperty(stepsOf(STEPS), fc.integer(), async (steps, seed) => {
      const run = await Run.start(seed);
      for (const step of steps) await run.take(step);
      await run.heal();
      run.checkSending();
      expect(run.told).toEqual(run.mailbox.log.map(({ id }) => id));
      expect(run.stale).toBe(0);
      run.checkView();
    });
    await fc.assert(property, { numRuns: 100, seed: 20261121 });
  },
  PATIENCE_MS,
);

test(
  'over crashes too, but that what was handled since the last write is handled again',
  async () => {
    const steps = stepsOf([...STEPS, 'crash']);
    const property = fc.asyncProperty(steps, fc.integer(), async (steps, seed) => {
      const run = await Run.start(seed);
      for (const step of steps) await run.take(step);
      await run.heal();
      run.checkSending();
      expect(run.gaps).toEqual([]);
      expect(run.stale).toBe(0);
      run.checkView();
    });
    await fc.assert(property, { numRuns: 100, seed: 20261121 });
  },
  PATIENCE_MS,
);

test(
  'a log that is pruned or restored meanwhile leaves nothing that the server does not have',
  async () => {
    const property = fc.asyncProperty(stepsOf(FAULTS), fc.integer(), async (steps, seed) => {
      const run = await Run.start(seed);
      for (const step of steps) await run.take(step);
      await run.heal();
      expect(run.page.client.messages.pending).toEqual([]);
      run.checkView();
    });
    await fc.assert(property, { numRuns: 150, seed: 20261121 });
  },
  PATIENCE_MS,
);

type Page = Awaited<ReturnType<Run['open']>>;

class Run {
  readonly mailbox: FakeMailbox;
  /** The ids of the messages that were told to the app, over all page loads. */
  readonly told: string[] = [];
  /** Places in the log at which a page did not go on where it was. */
  readonly gaps: string[] = [];
  stale = 0;
  page!: Page;
  readonly #disk = new FakeDisk();
  readonly #sessionStore = memorySessionStore();
  readonly #random: () => number;
  /** What was written and did not go under in a crash before it was kept anywhere. */
  #sent: string[] = [];

  private constructor(seed: number) {
    this.#random = seeded(seed);
    this.mailbox = new FakeMailbox(new FakeWorld());
  }

  static async start(seed: number): Promise<Run> {
    const run = new Run(seed);
    run.page = await run.open();
    await run.#drain();
    return run;
  }

  async open() {
    const fake = new FakeWorld({
      randomBytes: (length) => Uint8Array.from({ length }, () => this.#random() * 256),
    });
    fake.random = this.#random();
    fake.answer = this.mailbox.answer;
    this.mailbox.attach(fake);
    const disk = this.#disk.page();
    const client = new CallboxClient({
      appKey: 'app',
      world: fake.world,
      sessionStore: this.#sessionStore,
      localStore: disk,
    });
    const { messages } = client;
    let next: number | null = null;
    messages.on('message', ({ message }) => {
      this.told.push(message.id);
      if (next !== null && message.position !== next) this.gaps.push(message.id);
      next = message.position + 1;
    });
    messages.on('stale', () => (this.stale += 1));
    const opened = new AbortController();
    const opening = client
      .resume()
      .then((resumed) => resumed ?? client.signIn({ userId: 'ann' }))
      .finally(() => opened.abort());
    while (!opened.signal.aborted) {
      disk.step();
      await settle();
    }
    await opening;
    next = this.#kept();
    return { fake, client, disk };
  }

  async take(step: Step): Promise<void> {
    const { client, disk } = this.page;
    if (step === 'send') this.#sent.push(client.messages.send('bob', 'hello').id);
    else if (step === 'receive') this.mailbox.receive('hello');
    else if (step === 'toServer') this.mailbox.stepToServer();
    else if (step === 'toClient') this.mailbox.stepToClient();
    else if (step === 'disk') disk.step();
    else if (step === 'cut') this.mailbox.cut();
    else if (step === 'wait') await this.#pass(200);
    else if (step === 'waitLong') await this.#pass(4_000);
    else if (step === 'prune') this.mailbox.prune();
    else if (step === 'restore') this.mailbox.restore(Math.floor(this.#random() * 4));
    else await this.#leave(step === 'reload');
    await settle();
  }

  async heal(): Promise<void> {
    for (let round = 0; round < 12 + 2 * this.#sent.length; round += 1) {
      await this.#drain();
      await this.page.fake.advance(10_000);
    }
    await this.#drain();
  }

  checkSending(): void {
    expect(this.mailbox.violations).toEqual([]);
    expect(this.mailbox.accepted.map(({ id }) => id)).toEqual(this.#sent);
    expect(this.page.client.messages.pending).toEqual([]);
    expect(this.#disk.load('app ann waiting')).toEqual([]);
  }

  /** What this page shows, and what the next one will, is what the server has. */
  checkView(): void {
    const { client, fake } = this.page;
    expect(client.connection).toBe('online');
    expect(fake.reported).toEqual([]);
    const { log, epoch } = this.mailbox;
    expect(client.messages.local.history('cnv_1')).toEqual(this.#tail(log));
    const kept = new Map(this.#disk.load('app ann seen'));
    expect(kept.get('cursor')).toMatchObject({ cursor: `${epoch}.${log.length}` });
    for (const message of client.messages.local.history('cnv_1')) {
      expect(kept.get(`message/cnv_1/${message.position}`)).toEqual(message);
    }
    const messages = [...kept.keys()].filter((key) => key.startsWith('message/'));
    expect(messages).toHaveLength(client.messages.local.history('cnv_1').length);
  }

  /** What the newest messages are for someone who holds as many of them as this page does. */
  #tail<Item>(log: Item[]): Item[] {
    const { length } = this.page.client.messages.local.history('cnv_1');
    expect(length > 0 || log.length === 0 || this.stale > 0).toBe(true);
    return length === 0 ? [] : log.slice(-length);
  }

  /** Time goes by, and no disk takes seconds to answer. */
  async #pass(ms: number): Promise<void> {
    const { fake, disk } = this.page;
    while (disk.step()) await settle();
    await fake.advance(ms);
  }

  /** A page that is closed says so, and its writes are done; one that crashes leaves them. */
  async #leave(isClosed: boolean): Promise<void> {
    const { fake, client, disk } = this.page;
    if (isClosed) {
      await fake.happen('pagehide');
      while (disk.step()) await settle();
    } else {
      const waiting = new Set(this.#disk.load('app ann waiting').map(([id]) => id));
      const accepted = new Set(this.mailbox.accepted.map(({ id }) => id));
      const lost = client.messages.pending.filter(
        ({ id }) => !waiting.has(id) && !accepted.has(id),
      );
      this.#sent = this.#sent.filter((id) => !lost.some((message) => message.id === id));
    }
    this.mailbox.leave();
    this.page = await this.open();
  }

  /** The event after the last one that was kept as handled; `null` where nothing was. */
  #kept(): number | null {
    const place = new Map(this.#disk.load('app ann seen')).get('cursor');
    const { cursor } = (place ?? {}) as { cursor?: string };
    return cursor === undefined ? null : Number(cursor.split('.')[1]) + 1;
  }

  /** Everything that is on its way arrives. */
  async #drain(): Promise<void> {
    for (;;) {
      const moved =
        this.mailbox.stepToServer() || this.mailbox.stepToClient() || this.page.disk.step();
      await settle();
      if (!moved) return;
    }
  }
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
