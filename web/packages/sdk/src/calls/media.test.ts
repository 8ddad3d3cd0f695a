import { describe, expect, test } from 'vitest';
import { joined, incoming, last, readyToCall, started } from '../../test/call-frames.js';
import { FakeDevices, FakeStream, FakeTrack, rtcParts } from '../../test/fake-rtc.js';
import { FakeWorld, rejection, settle } from '../../test/fake-world.js';
import type { Call } from './call.js';
import { mediaError, openMedia, playStream } from './media.js';

describe('errors of devices', () => {
  test.each([
    ['NotAllowedError', 'permission_denied', 'Allow it'],
    ['NotFoundError', 'no_device', 'Connect one'],
    ['OverconstrainedError', 'no_device', 'Connect one'],
    ['NotReadableError', 'device_busy', 'Close it'],
    ['AbortError', 'device_busy', 'Close it'],
    ['SecurityError', 'insecure_context', 'https'],
    ['WeirdError', 'media_failed', 'Try another browser'],
  ])('%s becomes %s, with a sentence that says what to do', async (name, code, words) => {
    const devices = new FakeDevices();
    devices.audioError = name;
    const error = await rejection(openMedia(new FakeWorld(rtcParts(devices)).world, false));
    expect(error).toMatchObject({ name: 'CallboxError', code, cause: { name } });
    expect(error.message).toContain(words);
  });

  test('a page without devices says why', async () => {
    const insecure = new FakeWorld({ mediaDevices: null, secureContext: false }).world;
    expect(await rejection(openMedia(insecure, true))).toMatchObject({ code: 'insecure_context' });
    const secure = new FakeWorld({ mediaDevices: null, secureContext: true }).world;
    expect(await rejection(openMedia(secure, true))).toMatchObject({ code: 'media_failed' });
    expect(mediaError(null)).toMatchObject({ code: 'media_failed' });
  });

  test('without a camera the call goes on with sound; without a microphone it does not', async () => {
    const devices = new FakeDevices();
    const { world } = new FakeWorld(rtcParts(devices));
    devices.videoError = 'NotFoundError';
    const local = await openMedia(world, true);
    expect(local.stream.getTracks().map(({ kind }) => kind)).toEqual(['audio']);
    expect(local.error?.code).toBe('no_device');
    devices.audioError = 'NotAllowedError';
    expect(await rejection(openMedia(world, true))).toMatchObject({ code: 'permission_denied' });
    expect(devices.asked.slice(0, 2)).toEqual([{ audio: true, video: true }, { audio: true }]);
  });

  test('a browser that waits for a click says so', async () => {
    const stream = new FakeStream() as unknown as MediaStream;
    const element = (name: string | null) => {
      const play = (): Promise<void> =>
        name ? Promise.reject(new DOMException('no', name)) : Promise.resolve();
      return { srcObject: null, play } as unknown as HTMLMediaElement;
    };
    const good = element(null);
    await playStream(good, stream);
    expect(good.srcObject).toBe(stream);
    await playStream(good, null);
    expect(good.srcObject).toBeNull();
    await playStream(element('AbortError'), stream);
    const blocked = await rejection(playStream(element('NotAllowedError'), stream));
    expect(blocked).toMatchObject({ code: 'autoplay_blocked' });
    const broken = await rejection(playStream(element('NotSupportedError'), stream));
    expect(broken).toMatchObject({ code: 'media_failed' });
  });
});

describe('microphone and camera of a call', () => {
  async function calling(
    video: boolean,
    prepare?: (devices: FakeDevices) => void,
    stream?: FakeStream,
  ) {
    const setup = await readyToCall();
    prepare?.(setup.devices);
    const own = stream && { stream: stream as unknown as MediaStream };
    const starting = setup.client.calls.start('bob', { video, ...own });
    await settle();
    await started(setup.fake.socket);
    const call = await starting;
    const tracks = () => (call.localStream as unknown as FakeStream).getTracks();
    return { ...setup, call, tracks, socket: setup.fake.socket };
  }

  test('are switched without closing them, and the other side is told', async () => {
    const { call, tracks, socket } = await calling(true);
    const muted: unknown[] = [];
    call.on('muted', (change) => muted.push(change));
    expect(call.muted).toEqual({ audio: false, video: false });
    call.setMicrophone(false);
    call.setMicrophone(false);
    await call.setCamera(false);
    expect(tracks().map(({ enabled, readyState }) => [enabled, readyState])).toEqual([
      [false, 'live'],
      [false, 'live'],
    ]);
    call.setMicrophone(true);
    expect(socket.of('call.mute').map(({ audio, video }) => [audio, video])).toEqual([
      [true, false],
      [true, true],
      [false, true],
    ]);
    expect(muted).toHaveLength(3);
  });

  test('the other side switches its own', async () => {
    const { call, socket } = await calling(true);
    const heard: unknown[] = [];
    call.on('peerMuted', (muted) => heard.push(muted));
    const told = { type: 'call.muted', callId: call.id, audio: true, video: false } as const;
    socket.receive({ ...told, userId: 'bob' });
    socket.receive({ ...told, userId: 'bob' });
    socket.receive({ ...told, userId: 'ann', audio: false });
    expect(heard).toEqual([{ audio: true, video: false }]);
    expect(call.peerMuted).toEqual({ audio: true, video: false });
  });

  test('a video call without a camera says so, on both sides', async () => {
    const { call, socket } = await calling(
      true,
      (devices) => (devices.videoError = 'NotFoundError'),
    );
    expect(call).toMatchObject({ media: 'video', muted: { audio: false, video: true } });
    expect(call.mediaError?.code).toBe('no_device');
    expect(last(socket, 'call.mute')).toMatchObject({ audio: false, video: true });
    expect(last(socket, 'call.start').media).toBe('video');
  });

  test('a camera can come later, and fail to', async () => {
    const { call, devices, tracks, socket } = await calling(false);
    expect(call.muted.video).toBe(true);
    devices.videoError = 'NotAllowedError';
    expect(await rejection(call.setCamera(true))).toMatchObject({ code: 'permission_denied' });
    expect(call.muted.video).toBe(true);
    devices.videoError = null;
    await Promise.all([call.setCamera(true), call.setCamera(true)]);
    expect(tracks().map(({ kind }) => kind)).toEqual(['audio', 'video']);
    expect(last(socket, 'call.mute')).toMatchObject({ audio: false, video: false });
    call.hangUp();
    expect(tracks().map(({ readyState }) => readyState)).toEqual(['ended', 'ended']);
  });

  test('a device that is unplugged is told', async () => {
    const { call, tracks, socket } = await calling(true);
    tracks()[0]!.unplug();
    expect(call.muted).toEqual({ audio: true, video: false });
    expect(call.mediaError).toMatchObject({
      code: 'no_device',
      details: { kind: 'audio' },
    });
    expect(last(socket, 'call.mute')).toMatchObject({ audio: true, video: false });
  });

  test("an app's own stream is used and left open", async () => {
    const stream = new FakeStream([new FakeTrack('audio')]);
    const { call, devices } = await calling(false, undefined, stream);
    expect(devices.asked).toEqual([]);
    expect(call.localStream).toBe(stream);
    call.hangUp();
    expect(stream.tracks[0]?.readyState).toBe('live');
  });

  test('the callee chooses: sound only in a video call, or a picture in one with sound', async () => {
    for (const [media, video] of [
      ['video', false],
      ['audio', true],
    ] as const) {
      const { fake, client, devices } = await readyToCall();
      let call: Call | undefined;
      client.calls.on('incoming', (incomingCall) => (call = incomingCall));
      incoming(fake.socket, { media });
      const accepting = call!.accept({ video });
      await settle();
      await joined(fake, fake.socket, { media });
      await accepting;
      expect(devices.asked).toEqual([video ? { audio: true, video: true } : { audio: true }]);
      expect(last(fake.socket, 'call.mute')).toMatchObject({ audio: false, video: !video });
    }
  });
});
