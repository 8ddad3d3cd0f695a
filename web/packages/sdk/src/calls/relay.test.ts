import { describe, expect, test } from 'vitest';
import {
  ICE,
  OtherSide,
  TURN,
  incoming,
  joined,
  last,
  readyToCall,
  started,
  type CallSetup,
} from '../../test/call-frames.js';
import { FakePeerConnection } from '../../test/fake-rtc.js';
import { type FakeWorld, rejection, settle } from '../../test/fake-world.js';
import { answerAsServer, errorBody } from '../../test/signed-in.js';
import type { ClientOptions } from '../client.js';
import type { IceConfiguration } from '../frames.js';
import type { Call } from './call.js';

describe('a call that may only be relayed', () => {
  test('asks whether there is a relay, then goes only through it', async () => {
    const { fake, client } = await ready(TURN);
    const starting = client.calls.start('bob', { relayOnly: true });
    await settle();
    expect(questions(fake)).toEqual(['/v1/ice-servers']);
    await started(fake.socket, {}, TURN);
    await starting;
    expect(policies()).toEqual(['relay']);
    expect(last(fake.socket, 'call.describe').description.sdp).not.toMatch(/typ (host|srflx)/);
    const told = fake.socket.of('call.candidate').map(({ candidate }) => candidate?.candidate);
    expect(told).toEqual([expect.stringContaining('typ relay'), undefined]);
  });

  test('is refused without a relay, before anybody is asked or rung', async () => {
    const { fake, client, devices } = await ready(ICE);
    const error = await rejection(client.calls.start('bob', { relayOnly: true }));
    expect(error).toMatchObject({ code: 'relay_unavailable', retry: 'never' });
    expect(error.message).toMatch(/configuration/);
    expect([devices.asked, fake.socket.of('call.start')]).toEqual([[], []]);
  });

  test('is ended where only its beginning tells that there is no relay', async () => {
    const { fake, client, devices } = await ready(null);
    const failing = rejection(client.calls.start('bob', { relayOnly: true }));
    await settle();
    await started(fake.socket);
    expect(await failing).toMatchObject({ code: 'relay_unavailable' });
    expect(last(fake.socket, 'call.end')).toMatchObject({ reason: 'failed' });
    expect(devices.opened.map(({ readyState }) => readyState)).toEqual(['ended']);
    expect(client.calls.active).toEqual([]);
  });

  test('rings on where it cannot be answered so', async () => {
    const { fake, call } = await ringing(ICE);
    const error = await rejection(call.accept({ relayOnly: true }));
    expect(error).toMatchObject({ code: 'relay_unavailable' });
    expect(questions(fake)).toEqual([`/v1/ice-servers?callId=${call.id}`]);
    expect([call.state, fake.socket.of('call.accept')]).toEqual(['ringing', []]);
  });

  test('is answered so', async () => {
    const { fake, call } = await ringing(TURN);
    const accepting = call.accept({ relayOnly: true });
    await settle();
    await joined(fake, fake.socket, {}, TURN);
    await accepting;
    expect(policies()).toEqual(['relay']);
  });

  test('stays one where it answers the call of the same user', async () => {
    const { fake, client, call } = await ringing(TURN);
    const starting = client.calls.start('bob', { relayOnly: true });
    await settle();
    await joined(fake, fake.socket, {}, TURN);
    expect(await starting).toBe(call);
    expect(policies()).toEqual(['relay']);
  });

  test('is every call of a client that wants it, whatever a call says', async () => {
    const out = await ready(TURN, { relayOnly: true });
    const starting = out.client.calls.start('bob', { relayOnly: false });
    await settle();
    await started(out.fake.socket, {}, TURN);
    await starting;
    expect(policies()).toEqual(['relay']);
    const { fake, call } = await ringing(TURN, { relayOnly: true });
    const accepting = call.accept({ relayOnly: false });
    await settle();
    await joined(fake, fake.socket, {}, TURN);
    await accepting;
    expect(policies()).toEqual(['relay']);
  });

  test('is one where the app wants it, without a question; without a relay it ends', async () => {
    const strict: IceConfiguration = { ...ICE, iceTransportPolicy: 'relay' };
    const { fake, call } = await ringing(ICE);
    const accepting = call.accept();
    await settle();
    await joined(fake, fake.socket, {}, strict);
    await accepting;
    expect(questions(fake)).toEqual([]);
    expect(call.end?.cause).toBe('failed');
    expect(call.end?.sentence).toMatch(/relay/);
    expect(last(fake.socket, 'call.end')).toMatchObject({ callId: call.id, reason: 'failed' });
  });
});

test('a call asks for fresh credentials of its own before it looks for another way', async () => {
  const { fake, call } = await talking();
  await fake.advance(15_000);
  await fake.happen('networkchange');
  await fake.advance(500);
  const [question] = fake.requests.filter(({ path }) => path.startsWith('/v1/ice-servers'));
  expect(question).toMatchObject({
    method: 'GET',
    path: `/v1/ice-servers?callId=${call.id}`,
    authorization: 'Bearer cbs_1',
  });
  expect(fake.socket.of('call.describe').map(({ generation }) => generation)).toEqual([1, 2]);
  expect(own().configuration.iceServers).toEqual(TURN.iceServers);
});

test('a call tells which way its media goes, each time that it changes', async () => {
  const { fake, call } = await talking();
  const paths: unknown[] = [];
  call.on('path', (path) => paths.push(path));
  expect(call.path).toBeNull();
  own().stats = statsOf({ candidateType: 'relay', relayProtocol: 'tls' });
  await fake.advance(1_000);
  own().stats = statsOf({ candidateType: 'host' });
  own().iceTransport.onselectedcandidatepairchange?.();
  await settle();
  const relayed = { kind: 'relayed', relay: 'tls' };
  const direct = { kind: 'direct', relay: null };
  expect(paths).toEqual([relayed, direct]);
  call.hangUp();
  expect(call.path).toEqual(direct);
  await fake.advance(1_000);
  expect(paths).toHaveLength(2);
});

/** Ann, with what the server answers to her question for STUN and TURN servers; `null` where it knows no such question. */
async function ready(
  ice: IceConfiguration | null,
  options: Partial<ClientOptions> = {},
): Promise<CallSetup> {
  FakePeerConnection.all.splice(0);
  const setup = await readyToCall(options);
  setup.fake.answer = (request) => {
    if (!request.path.startsWith('/v1/ice-servers')) return answerAsServer(request);
    return ice ? { status: 200, body: ice } : { status: 404, body: errorBody('not_found') };
  };
  return setup;
}

/** Bob calls Ann. */
async function ringing(ice: IceConfiguration, options: Partial<ClientOptions> = {}) {
  const setup = await ready(ice, options);
  const calls: Call[] = [];
  setup.client.calls.on('incoming', (call) => calls.push(call));
  incoming(setup.fake.socket);
  return { ...setup, call: calls[0]! };
}

/** Ann has called Bob, and their media flows. */
async function talking() {
  const setup = await ready(TURN);
  const starting = setup.client.calls.start('bob');
  await settle();
  await started(setup.fake.socket, {}, ICE);
  const call = await starting;
  const other = new OtherSide(() => setup.fake.socket, call.id);
  other.connection.addTransceiver('audio');
  await other.answer();
  await settle();
  return { ...setup, call };
}

/** The connection of Ann's call. */
function own(): FakePeerConnection {
  return FakePeerConnection.all[0]!;
}

function policies(): (string | undefined)[] {
  return FakePeerConnection.all.map(({ configuration }) => configuration.iceTransportPolicy);
}

function questions({ requests }: FakeWorld): string[] {
  return requests.map(({ path }) => path).filter((path) => path.startsWith('/v1/ice-servers'));
}

function statsOf(local: Record<string, unknown>): Record<string, unknown>[] {
  return [
    {
      id: 'P',
      type: 'candidate-pair',
      selected: true,
      localCandidateId: 'L',
      remoteCandidateId: 'R',
    },
    { id: 'L', type: 'local-candidate', ...local },
    { id: 'R', type: 'remote-candidate', candidateType: 'host' },
  ];
}
