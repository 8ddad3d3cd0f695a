/** Runs last: what all servers of the run have logged, searched for all that must not be there. */
import { describe, expect } from 'vitest';
import { nodeClient, online } from '../harness/node-client.js';
import { keepSecret, logs, secrets, type Secret, type SecretKind } from '../harness/secrets.js';
import { callbox } from '../harness/server.js';
import { test } from '../harness/stage.js';

describe('the logs of the whole run', () => {
  const app = { key: '', ticket: '' };
  test.override('serverOptions', () => ({
    prepare: async (folder: string) => {
      const storage = ['--data', folder];
      const created = await callbox('app', 'create', ...storage, '--name', 'Backend');
      app.key = /App key +(\S+)/.exec(created)![1]!;
      keepSecret('app secret', /App secret +(\S+)/.exec(created)![1]!);
      app.ticket = (await callbox('ticket', ...storage, '--app', app.key, '--user', 'ann')).trim();
      keepSecret('ticket', app.ticket);
    },
  }));

  test('contain no token, ticket, secret, password or message', async ({ stage }) => {
    const { url, appKey } = stage.server;
    // Whatever else ran: at least this was signed in with and written.
    const backendUser = nodeClient({ url, appKey: app.key });
    await backendUser.signIn({ ticket: app.ticket });
    await online(backendUser);
    const forged = `${app.ticket.slice(0, -8)}AAAAAAA=`;
    keepSecret('ticket', forged);
    await expect(nodeClient({ url, appKey: app.key }).signIn({ ticket: forged })).rejects.toThrow();
    const ann = nodeClient({ url, appKey });
    await ann.signIn({ userId: 'ann' });
    await online(ann);
    await ann.messages.send('ann-alone', 'To a person who does not exist.').accepted.catch(() => 0);
    await ann.signOut();
    backendUser.close();
    await stage.server.stop();

    const all = secrets();
    const kinds = new Set(all.map(({ kind }) => kind));
    for (const kind of ALWAYS) expect(kinds).toContain(kind);
    const written = logs();
    expect(written.map(({ text }) => text).join('')).toContain('"message":"signed in"');
    const found = written.flatMap(({ text }) => all.flatMap((secret) => places(text, secret)));
    expect(found.slice(0, SHOWN_MAX), `${found.length} places`).toEqual([]);
  });
});

const ALWAYS: SecretKind[] = ['token', 'ticket', 'app secret', 'message'];

/** The lines in which a secret appears, as it is or as JSON writes it; here it is hidden again. */
function places(log: string, { kind, text }: Secret): string[] {
  const forms = [...new Set([text, JSON.stringify(text).slice(1, -1)])];
  if (!forms.some((form) => log.includes(form))) return [];
  return forms.flatMap((form) =>
    log
      .split('\n')
      .filter((line) => line.includes(form))
      .map((line) => excerpt(line.replaceAll(form, `<${kind}>`), `<${kind}>`)),
  );
}

function excerpt(line: string, around: string): string {
  const from = Math.max(0, line.indexOf(around) - EXCERPT_CHARS);
  return line.slice(from, from + 2 * EXCERPT_CHARS);
}

const EXCERPT_CHARS = 150;
const SHOWN_MAX = 20;
