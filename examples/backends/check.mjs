// Holds every example whose language is on this machine against vectors.json, as a command and as a server.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isDeepStrictEqual } from 'node:util';

import { forEachLanguage } from './languages.mjs';

const { key, secret, cases } = JSON.parse(
  readFileSync(new URL('vectors.json', import.meta.url), 'utf8'),
);
const environment = { CALLBOX_APP_KEY: key, CALLBOX_APP_SECRET: secret };

await forEachLanguage(environment, async (name, example) => {
  if (!example) return console.log(`${name}: not on this machine: vectors only`);
  try {
    await checkCommand(example);
    await checkServer(example);
    console.log(`${name}: checked`);
  } catch (error) {
    console.log(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
});

async function checkCommand(example) {
  for (const { user, created, ticket, iat, nonce, jwt } of cases) {
    same(`ticket of ${user}`, await example.command('ticket', user, created), ticket);
    same(`jwt of ${user}`, await example.command('jwt', user, iat, nonce), jwt);
  }
}

async function checkServer(example) {
  const port = await freePort();
  const server = await example.serve(port);
  try {
    const origin = `http://127.0.0.1:${port}`;
    await said(server, origin);
    for (const { user } of cases) await checkRoutes(origin, user);
    same('status without a user', (await fetch(`${origin}/ticket`)).status, 400);
    same('status of another path', (await fetch(`${origin}/?user=ann`)).status, 404);
  } finally {
    server.kill();
  }
}

/** What a server signs is of this moment, so its parts are looked at instead of the whole. */
async function checkRoutes(origin, user) {
  const query = new URLSearchParams({ user });
  const { ticket } = await (await fetch(`${origin}/ticket?${query}`)).json();
  const [data, signature] = ticket.split(':');
  const json = Buffer.from(data, 'base64');
  const { created, ...rest } = JSON.parse(json);
  const identity = { type: 'username', endpoint: user };
  same('ticket served', rest, { identity, applicationKey: key, expiresIn: 86_400 });
  same('form of created', new Date(created).toISOString(), created);
  same('created within the hour', isFresh(Date.parse(created)), true);
  same('signature of the ticket served', signature, hmac(json, 'base64'));

  const { jwt } = await (await fetch(`${origin}/jwt?${query}`)).json();
  const { iat, jti, ...claims } = payloadOf(jwt);
  same('jwt served', claims, { iss: key, sub: user, exp: iat + 600 });
  same('iat within the hour', isFresh(iat * 1_000), true);
  same('nonce is a text', typeof jti === 'string' && jti.length >= 16, true);
  const end = jwt.lastIndexOf('.');
  same('signature of the jwt served', jwt.slice(end + 1), hmac(jwt.slice(0, end), 'base64url'));
}

function payloadOf(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
}

function hmac(message, encoding) {
  return createHmac('sha256', Buffer.from(secret, 'base64')).update(message).digest(encoding);
}

function isFresh(milliseconds) {
  return Math.abs(Date.now() - milliseconds) < 3_600_000;
}

function same(what, found, expected) {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}\n  is        ${show(found)}\n  should be ${show(expected)}`);
}

function show(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

/** Resolves when a server has said that it listens. */
function said(server, origin) {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (data) => {
      text += data;
      if (text.includes(origin)) resolve();
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`the server ended: ${text}`)));
  });
}
