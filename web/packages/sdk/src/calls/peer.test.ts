import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ICE } from '../../test/call-frames.js';
import { FakePeerConnection, FakeStream, FakeTrack, rtcParts } from '../../test/fake-rtc.js';
import { FakeWorld, settle } from '../../test/fake-world.js';
import type { IceConfiguration } from '../frames.js';
import { Ice } from './ice.js';
import { Peer, type PeerEvents } from './peer.js';

type SignalOf = {
  [Name in 'describe' | 'candidate']: { name: Name; signal: PeerEvents[Name] };
}['describe' | 'candidate'];

interface PairOptions {
  video?: boolean;
  calleeTracks?: string[];
  hold?: boolean;
  configuration?: IceConfiguration;
  relayOnly?: boolean;
  /** What the server answers when it is asked for fresh credentials. */
  ask?: () => Promise<IceConfiguration>;
}

/** Two legs, and the way of their signals between them. */
async function pair(options: PairOptions = {}) {
  const fake = new FakeWorld(rtcParts());
  const restarted: string[] = [];
  const asked: string[] = [];
  const told: SignalOf[] = [];
  const ways: Record<'caller' | 'callee', SignalOf[]> = { caller: [], callee: [] };
  const make = (name: 'caller' | 'callee', tracks: string[]) => {
    const stream = new FakeStream(tracks.map((kind) => new FakeTrack(kind)));
    const ice = new Ice(fake.world, {
      configuration: options.configuration ?? ICE,
      relayOnly: options.relayOnly ?? false,
      ask: () => {
        asked.push(name);
        return options.ask?.() ?? Promise.resolve(options.configuration ?? ICE);
      },
    });
    const peer = new Peer(fake.world, {
      polite: name === 'callee',
      video: options.video ?? false,
      stream: stream as unknown as MediaStream,
      ice,
    });
    const media: string[] = [];
    peer.on('media', (state) => media.push(state));
    const tell = (signal: SignalOf): void => {
      ways[name].push(signal);
      told.push(signal);
    };
    peer.on('describe', (signal) => tell({ name: 'describe', signal }));
    peer.on('candidate', (signal) => tell({ name: 'candidate', signal }));
    const connection = FakePeerConnection.all.at(-1)!;
    const restartIce = connection.restartIce.bind(connection);
    connection.restartIce = () => {
      restarted.push(name);
      restartIce();
    };
    return { peer, ice, media, connection };
  };
  const kinds = options.video ? ['audio', 'video'] : ['audio'];
  const caller = make('caller', kinds);
  const callee = make('callee', options.calleeTracks ?? kinds);
  const deliver = (from: 'caller' | 'callee'): boolean => {
    const next = ways[from].shift();
    const to = from === 'caller' ? callee.peer : caller.peer;
    if (next?.name === 'describe')
      to.handleDescription(next.signal.generation, next.signal.description);
    else if (next) to.handleCandidate(next.signal.generation, next.signal.candidate);
    return next !== undefined;
  };
  const drain = async (): Promise<void> => {
    await settle();
    while (deliver('caller') || deliver('callee')) await settle();
  };
  if (!options.hold) await drain();
  return { fake, caller, callee, ways, told, restarted, asked, deliver, drain };
}

const camera = (): MediaStreamTrack => new FakeTrack('video') as unknown as MediaStreamTrack;
const turn = (credential: string): IceConfiguration => ({
  ...ICE,
  iceServers: [{ urls: ['turn:relay?transport=udp'], username: 'ann', credential }],
});
/** So long that what was told before is not fresh any more. */
const LONG_MS = 60_000;
const states = (...legs: { connection: FakePeerConnection }[]): string[] =>
  legs.flatMap(({ connection }) => [connection.signalingState, connection.connectionState]);
const UP = ['stable', 'connected', 'stable', 'connected'];

describe('the first exchange', () => {
  test('the caller offers, the callee answers, both connect, with one offer', async () => {
    const { caller, callee, ways } = await pair({ hold: true });
    await settle();
    expect(ways.callee).toEqual([]);
    expect(ways.caller[0]).toMatchObject({ name: 'describe', signal: { generation: 1 } });
    expect(ways.caller.slice(1).map(({ signal }) => signal.generation)).toEqual([1, 1, 1]);
    const held = await pair();
    expect(states(held.caller, held.callee)).toEqual(UP);
    expect(held.callee.media).toEqual(['connected']);
    expect(caller.connection.configuration).toEqual({
      iceServers: [{ urls: ['stun:a'] }],
      iceTransportPolicy: 'all',
    });
    expect(callee.connection.transceivers).toEqual([]);
  });

  test('candidates that come before the description wait for it', async () => {
    const { caller, callee, ways, drain } = await pair({ hold: true });
    await settle();
    ways.caller.reverse();
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(callee.connection.rejected).toEqual([]);
  });

  test('without a camera the picture of the other side still has its place', async () => {
    const { caller, callee } = await pair({ video: true, calleeTracks: ['audio'] });
    expect(states(caller, callee)).toEqual(UP);
    const directions = callee.connection.transceivers.map(({ kind, direction }) => [
      kind,
      direction,
    ]);
    expect(directions).toEqual([
      ['audio', 'sendrecv'],
      ['video', 'sendrecv'],
    ]);
  });

  test('a camera that comes later needs no new exchange where it has its place', async () => {
    const { callee, ways, drain } = await pair({ video: true, calleeTracks: ['audio'] });
    const track = new FakeTrack('video');
    await callee.peer.sendVideo(track as unknown as MediaStreamTrack);
    await settle();
    expect(ways.callee).toEqual([]);
    expect(callee.connection.transceivers[1]?.sender.track).toBe(track);
    await drain();
  });

  test('a camera in a call with sound only is negotiated, from either side', async () => {
    for (const side of ['caller', 'callee'] as const) {
      const both = await pair();
      await both[side].peer.sendVideo(camera());
      await both.drain();
      expect(states(both.caller, both.callee)).toEqual(UP);
      const other = side === 'caller' ? both.callee : both.caller;
      expect(other.connection.transceivers.map(({ kind }) => kind)).toEqual(['audio', 'video']);
    }
  });
});

describe('both offer at once', () => {
  test('the callee gives way, and both ends meet', async () => {
    const { caller, callee, drain } = await pair();
    caller.peer.restart();
    callee.peer.restart();
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect([caller.connection.rollbacks, callee.connection.rollbacks]).toEqual([0, 1]);
  });

  test("the callee's wish is not lost when it gave way", async () => {
    const { caller, callee, drain } = await pair();
    await callee.peer.sendVideo(camera());
    caller.peer.restart();
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(caller.connection.transceivers.map(({ kind }) => kind)).toEqual(['audio', 'video']);
  });
});

describe('restarts of ICE', () => {
  const RENEWED = turn('renewed');

  test('use fresh credentials, on both sides', async () => {
    const { fake, caller, callee, asked, drain } = await pair({
      configuration: turn('first'),
      ask: () => Promise.resolve(RENEWED),
    });
    await fake.advance(LONG_MS);
    caller.peer.restart();
    await drain();
    expect(asked).toEqual(['caller', 'callee']);
    for (const { connection } of [caller, callee])
      expect(connection.configuration.iceServers).toEqual(RENEWED.iceServers);
    expect(states(caller, callee)).toEqual(UP);
  });

  test('use what was told just before, without asking', async () => {
    const { fake, caller, asked, drain } = await pair();
    await fake.advance(LONG_MS);
    caller.ice.take(RENEWED);
    // Until then, browsers would take it for the wish to restart.
    expect(caller.connection.configuration.iceServers).toEqual([{ urls: ['stun:a'] }]);
    caller.peer.restart();
    await drain();
    expect(asked).toEqual(['callee']);
    expect(caller.connection.configuration.iceServers).toEqual(RENEWED.iceServers);
  });

  test('at the same time are one, with one question', async () => {
    const answers: (() => void)[] = [];
    const { fake, caller, callee, restarted, asked, drain } = await pair({
      ask: () => new Promise((resolve) => answers.push(() => resolve(RENEWED))),
    });
    await fake.advance(LONG_MS);
    caller.peer.restart();
    await fake.advance(1_000);
    caller.peer.restart();
    answers[0]?.();
    await drain();
    answers[1]?.();
    await drain();
    expect(restarted).toEqual(['caller']);
    expect(asked).toEqual(['caller', 'callee']);
    expect(states(caller, callee)).toEqual(UP);
  });

  test('of both sides at the same time ask once on each', async () => {
    const answers: (() => void)[] = [];
    const { fake, caller, callee, asked, drain } = await pair({
      ask: () => new Promise((resolve) => answers.push(() => resolve(RENEWED))),
    });
    await fake.advance(LONG_MS);
    caller.peer.restart();
    callee.peer.restart();
    answers[0]?.();
    // The caller's offer finds the callee asking for its own.
    await drain();
    expect(asked).toEqual(['caller', 'callee']);
    answers[1]?.();
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(asked).toEqual(['caller', 'callee']);
  });

  test('wait some seconds for the server, and not longer', async () => {
    const silent = () => new Promise<never>(() => undefined);
    const { fake, caller, callee, restarted, drain } = await pair({ ask: silent });
    await fake.advance(LONG_MS);
    caller.peer.restart();
    await fake.advance(4_999);
    caller.peer.restart();
    expect(restarted).toEqual([]);
    await fake.advance(1);
    await drain();
    expect(restarted).toEqual(['caller']);
    // The callee asks too before it answers.
    await fake.advance(5_000);
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(callee.connection.remoteDescription?.sdp).toBe(caller.connection.localDescription?.sdp);
    expect(fake.reported).toEqual([]);
  });

  test('go on with what there is where the server refuses', async () => {
    const refusing = () => Promise.reject(new Error('no'));
    const { fake, caller, callee, restarted, drain } = await pair({ ask: refusing });
    await fake.advance(LONG_MS);
    callee.peer.restart();
    await drain();
    expect(restarted).toEqual(['callee']);
    expect(states(caller, callee)).toEqual(UP);
    expect(fake.reported).toEqual([]);
  });

  test('go on where the browser does not take what the server told', async () => {
    const { fake, caller, callee, restarted, drain } = await pair();
    await fake.advance(LONG_MS);
    caller.connection.setConfiguration = () => {
      throw new DOMException('bad address', 'SyntaxError');
    };
    caller.peer.restart();
    await drain();
    expect(restarted).toEqual(['caller']);
    expect(states(caller, callee)).toEqual(UP);
    expect(fake.reported).toMatchObject([{ code: 'media_failed' }]);
  });

  test('are not begun any more when the call ends meanwhile', async () => {
    let answer: (ice: IceConfiguration) => void = () => undefined;
    const { fake, caller, restarted, ways } = await pair({
      ask: () => new Promise((resolve) => (answer = resolve)),
    });
    await fake.advance(LONG_MS);
    caller.peer.restart();
    await settle();
    caller.peer.close();
    answer(RENEWED);
    await settle();
    expect([restarted, ways.caller, fake.reported]).toEqual([[], [], []]);
    expect(fake.timers).toBe(0);
  });

  test('are told from other offers: a camera needs no credentials', async () => {
    const { fake, caller, callee, asked, drain } = await pair();
    await fake.advance(LONG_MS);
    await caller.peer.sendVideo(camera());
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(asked).toEqual([]);
  });
});

describe('relay only', () => {
  const ADDRESSES = /(192\.0\.2|203\.0\.113|198\.51\.100)\.1/g;

  test('tells no candidate but those of relays, nor the addresses behind them', async () => {
    const both = await pair({ configuration: turn('first'), relayOnly: true });
    await both.fake.advance(LONG_MS);
    both.callee.peer.restart();
    await both.drain();
    expect(states(both.caller, both.callee)).toEqual(UP);
    expect(both.caller.connection.configuration.iceTransportPolicy).toBe('relay');
    // The fake browser itself would tell them.
    expect(both.caller.connection.localDescription?.sdp).toContain('typ host');
    const texts = JSON.stringify(both.told);
    expect(both.told.length).toBeGreaterThan(8);
    expect(texts).toContain('typ relay raddr 0.0.0.0 rport 9');
    expect(texts).not.toMatch(/typ (host|srflx)/);
    expect(new Set(texts.match(ADDRESSES))).toEqual(new Set(['198.51.100.1']));
  });

  test('holds where the server wants it, also from the middle of a call on, and for good', async () => {
    const { fake, caller, ways, drain } = await pair({ configuration: turn('first') });
    await fake.advance(LONG_MS);
    caller.ice.take({ ...turn('strict'), iceTransportPolicy: 'relay' });
    caller.ice.take(turn('lax'));
    caller.peer.restart();
    await settle();
    expect(caller.connection.configuration.iceTransportPolicy).toBe('relay');
    expect(JSON.stringify(ways.caller)).not.toMatch(/typ (host|srflx)/);
    await drain();
  });

  test('is refused where there is no relay', () => {
    const { world } = new FakeWorld(rtcParts());
    const ask = () => Promise.resolve(ICE);
    const strict: IceConfiguration = { ...ICE, iceTransportPolicy: 'relay' };
    for (const init of [
      { configuration: ICE, relayOnly: true, ask },
      { configuration: strict, relayOnly: false, ask },
    ])
      expect(() => new Ice(world, init)).toThrow(
        expect.objectContaining({ code: 'relay_unavailable' }),
      );
  });
});

describe('lost ways', () => {
  test('"failed" restarts ICE: the caller at once, the callee later', async () => {
    const { fake, caller, callee, restarted, drain } = await pair();
    caller.connection.lose('failed');
    callee.connection.lose('failed');
    expect([caller.media.at(-1), callee.media.at(-1)]).toEqual(['interrupted', 'interrupted']);
    await fake.advance(0);
    await drain();
    await fake.advance(5_000);
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(restarted).toEqual(['caller']);
    expect(caller.media).toEqual(['connected', 'interrupted', 'connected']);
  });

  test('the callee restarts where the caller does not notice', async () => {
    const { fake, caller, callee, restarted, drain } = await pair();
    callee.connection.lose('failed');
    await fake.advance(2_000);
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(restarted).toEqual(['callee']);
  });

  test('"disconnected" is given three seconds to come back by itself', async () => {
    const { fake, caller, restarted, drain } = await pair();
    caller.connection.lose('disconnected');
    await fake.advance(2_999);
    caller.connection.recover();
    await fake.advance(10_000);
    expect(restarted).toEqual([]);
    expect(caller.media).toEqual(['connected', 'interrupted', 'connected']);
    caller.connection.lose('disconnected');
    await fake.advance(3_000);
    await drain();
    expect(restarted).toEqual(['caller']);
  });

  test('an offer that was lost is told again, and told twice is answered once', async () => {
    const { caller, callee, ways, drain } = await pair({ hold: true });
    await settle();
    ways.caller.splice(0);
    caller.peer.resend();
    caller.peer.resend();
    await drain();
    expect(states(caller, callee)).toEqual(UP);
    expect(callee.connection.transceivers).toHaveLength(1);
  });

  test('an answer that was lost is told again', async () => {
    const { caller, callee, ways, deliver, drain } = await pair({ hold: true });
    await settle();
    while (deliver('caller')) await settle();
    ways.callee.splice(0);
    callee.peer.resend();
    await drain();
    expect(states(caller, callee)).toEqual(UP);
  });

  test('what is connected has nothing to tell again', async () => {
    const { caller, callee, ways } = await pair();
    caller.peer.resend();
    callee.peer.resend();
    await settle();
    expect([ways.caller, ways.callee]).toEqual([[], []]);
  });

  test('after the end nothing is done any more', async () => {
    const { fake, caller, callee, ways } = await pair();
    caller.peer.close();
    caller.peer.close();
    callee.peer.close();
    caller.peer.restart();
    caller.peer.handleCandidate(1, null);
    await settle();
    expect(ways.caller).toEqual([]);
    expect(fake.timers).toBe(0);
    expect(fake.reported).toEqual([]);
  });
});

test('whatever is lost and whoever restarts, both ends meet when signals come through again', async () => {
  const STEPS = [
    'fromCaller',
    'fromCallee',
    'lose',
    'resend',
    'callerRestarts',
    'calleeRestarts',
    'callerFilms',
    'calleeFilms',
  ] as const;
  const step = fc.constantFrom(...STEPS, 'fromCaller' as const, 'fromCallee' as const);
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const { fake, caller, callee, ways, deliver, drain } = await pair({ hold: true });
    await fake.advance(LONG_MS);
    const resend = (): void => {
      caller.peer.resend();
      callee.peer.resend();
    };
    for (const name of steps) {
      if (name === 'fromCaller') deliver('caller');
      else if (name === 'fromCallee') deliver('callee');
      else if (name === 'callerRestarts') caller.peer.restart();
      else if (name === 'calleeRestarts') callee.peer.restart();
      else if (name === 'callerFilms') await caller.peer.sendVideo(camera());
      else if (name === 'calleeFilms') await callee.peer.sendVideo(camera());
      else if (name === 'resend') resend();
      else [ways.caller, ways.callee].forEach((way) => way.splice(0));
      await settle();
    }
    for (let round = 0; round < 3; round += 1) {
      resend();
      await drain();
    }
    expect(states(caller, callee)).toEqual(UP);
    expect(fake.reported).toEqual([]);
  });
  await fc.assert(property, { numRuns: 300, seed: 7 });
});
