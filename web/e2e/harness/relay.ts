/** Which relays pages may use, and what they then tell the other side. */
import type { BrowserContext, Page } from 'playwright-core';

/** Lets every page of this context know only the STUN and TURN servers whose addresses match. */
export async function useOnly(context: BrowserContext, pattern: string): Promise<void> {
  await context.addInitScript((pattern) => {
    const only = ({ iceServers = [], ...rest }: RTCConfiguration = {}): RTCConfiguration => ({
      ...rest,
      iceServers: iceServers
        .map((server) => ({
          ...server,
          urls: [server.urls].flat().filter((url) => new RegExp(pattern).test(url)),
        }))
        .filter(({ urls }) => urls.length > 0),
    });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(only(configuration));
      }

      override setConfiguration(configuration?: RTCConfiguration): void {
        super.setConfiguration(only(configuration));
      }
    };
  }, pattern);
}

/** Begins to note the candidates that this page tells, in whatever form; the answer gives those so far. */
export function watchCandidates(page: Page): () => string[] {
  const candidates: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      candidates.push(...(payload.toString().match(/candidate:[^"\\]+/g) ?? []));
    });
  });
  return () => candidates;
}

/** By which addresses of relays the media of this page goes at this moment. */
export function relaysInUse(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const urls: string[] = [];
    for (const connection of window.peerConnections) {
      const stats = (await connection.getStats()) as unknown as Map<string, IceStats>;
      for (const { type, selectedCandidatePairId } of stats.values()) {
        const pair = type === 'transport' && stats.get(selectedCandidatePairId ?? '');
        const local = pair && stats.get(pair.localCandidateId ?? '');
        if (local && local.url) urls.push(local.url);
      }
    }
    return urls;
  });
}

interface IceStats {
  type: string;
  selectedCandidatePairId?: string;
  localCandidateId?: string;
  url?: string;
}
