import { describe, expect, test } from 'vitest';
import { FakePeerConnection } from '../../test/fake-rtc.js';
import { FakeWorld, settle } from '../../test/fake-world.js';
import { type CallPath, PathWatch, pathOf } from './path.js';

type Stats = Record<string, unknown>;

const HOST: Stats = { candidateType: 'host' };
const RELAY: Stats = { candidateType: 'relay' };

/** A report as browsers give it that follow the specification. */
function report(local: Stats, remote: Stats): Stats[] {
  return [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P2' },
    { id: 'P1', type: 'candidate-pair', localCandidateId: 'R', remoteCandidateId: 'R' },
    { id: 'P2', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' },
    { id: 'L', type: 'local-candidate', ...local },
    { id: 'R', type: 'remote-candidate', ...remote },
  ];
}

function read(stats: Stats[]): CallPath | null {
  return pathOf(new Map(stats.map((one) => [one['id'] as string, one])));
}

describe('the path', () => {
  test.each<[string, Stats, Stats, CallPath]>([
    ['two hosts', HOST, HOST, { kind: 'direct', relay: null }],
    [
      'mapped addresses',
      { candidateType: 'srflx' },
      { candidateType: 'prflx' },
      { kind: 'direct', relay: null },
    ],
    ["the other side's relay", HOST, RELAY, { kind: 'relayed', relay: null }],
    ...(['udp', 'tcp', 'tls'] as const).map((relayProtocol): [string, Stats, Stats, CallPath] => [
      `a relay by ${relayProtocol}`,
      { ...RELAY, relayProtocol },
      HOST,
      { kind: 'relayed', relay: relayProtocol },
    ]),
    [
      'a relay by TLS, by its address',
      { ...RELAY, url: 'turns:relay:443?transport=tcp' },
      RELAY,
      { kind: 'relayed', relay: 'tls' },
    ],
    [
      'a relay by TCP, by its address',
      { ...RELAY, url: 'turn:relay?transport=tcp' },
      RELAY,
      { kind: 'relayed', relay: 'tcp' },
    ],
    ['a relay of which nothing is told', RELAY, RELAY, { kind: 'relayed', relay: 'udp' }],
  ])('over %s', (_, local, remote, path) => {
    expect(read(report(local, remote))).toEqual(path);
  });

  test.each([
    ['selected', { selected: true }, { nominated: true, state: 'succeeded' }],
    ['nominated', { nominated: true, state: 'succeeded' }, { nominated: true, state: 'failed' }],
  ])('is that of the pair marked as %s where no transport says it', (_, chosen, other) => {
    const [, first, second, ...candidates] = report(RELAY, HOST);
    const stats = [{ ...first, ...other }, { ...second, ...chosen }, ...candidates];
    expect(read(stats)).toEqual({ kind: 'relayed', relay: 'udp' });
  });

  test('is not known before a pair is taken, nor where its candidates are missing', () => {
    const [, ...rest] = report(HOST, HOST);
    expect(read(rest)).toBeNull();
    expect(read(report(HOST, HOST).slice(0, -1))).toBeNull();
    expect(read([])).toBeNull();
  });
});

describe('watching it', () => {
  test('tells each change once, when media flows and when another pair is taken', async () => {
    const { fake, connection, paths, watch } = watching();
    connection.stats = report(HOST, HOST);
    watch.look();
    await settle();
    watch.look();
    await fake.advance(1_000);
    expect(paths).toEqual(['direct null']);
    connection.stats = report({ ...RELAY, relayProtocol: 'tcp' }, HOST);
    connection.iceTransport.onselectedcandidatepairchange?.();
    await settle();
    expect(paths).toEqual(['direct null', 'relayed tcp']);
  });

  test('looks once more, for what browsers learn or tell a moment later', async () => {
    const { fake, connection, paths, watch } = watching();
    connection.stats = report(HOST, { candidateType: 'prflx' });
    watch.look();
    await settle();
    connection.stats = report(HOST, RELAY);
    await fake.advance(1_000);
    expect(paths).toEqual(['direct null', 'relayed null']);
    expect(fake.timers).toBe(0);
  });

  test('keeps what it knows where nothing is told', async () => {
    const { fake, connection, paths, watch } = watching();
    connection.stats = null;
    watch.look();
    await fake.advance(1_000);
    connection.stats = [];
    watch.look();
    await fake.advance(1_000);
    expect([paths, fake.reported]).toEqual([[], []]);
  });

  test('ends with the connection', async () => {
    const { fake, connection, paths, watch } = watching();
    connection.stats = report(HOST, HOST);
    watch.look();
    watch.stop();
    connection.close();
    await settle();
    connection.iceTransport.onselectedcandidatepairchange?.();
    expect([paths, fake.timers]).toEqual([[], 0]);
  });

  function watching() {
    const fake = new FakeWorld();
    const connection = new FakePeerConnection({});
    const watch = new PathWatch(fake.world, connection as unknown as RTCPeerConnection);
    const paths: string[] = [];
    watch.on('change', ({ kind, relay }) => paths.push(`${kind} ${relay}`));
    return { fake, connection, paths, watch };
  }
});
