// Signs Callbox tickets and JSON Web Tokens for your users. Node 20 or newer, nothing to install.
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const { CALLBOX_APP_KEY: appKey, CALLBOX_APP_SECRET: appSecret, PORT: port = '9000' } = process.env;
if (!appKey || !appSecret) {
  console.error(
    'Set CALLBOX_APP_KEY and CALLBOX_APP_SECRET to the key and the secret of your app.',
  );
  process.exit(2);
}

function ticket(user, created = new Date().toISOString()) {
  const json = JSON.stringify({
    identity: { type: 'username', endpoint: user },
    applicationKey: appKey,
    created,
    expiresIn: 86_400,
  });
  return `${Buffer.from(json).toString('base64')}:${sign(json).toString('base64')}`;
}

function jwt(user, iat = Math.floor(Date.now() / 1_000), nonce = randomUUID()) {
  const header = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }));
  const payload = base64url(
    JSON.stringify({ iss: appKey, sub: user, iat, exp: iat + 600, jti: nonce }),
  );
  return `${header}.${payload}.${base64url(sign(`${header}.${payload}`))}`;
}

/** The secret is Base64: the key is what it decodes to. */
function sign(message) {
  return createHmac('sha256', Buffer.from(appSecret, 'base64')).update(message).digest();
}

function base64url(data) {
  return Buffer.from(data).toString('base64url');
}

function answer(url) {
  // !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
  // !!! A real backend takes the user from its own login session.
  const user = url.searchParams.get('user');
  if (!['/ticket', '/jwt'].includes(url.pathname))
    return [404, { error: 'ask for /ticket or /jwt' }];
  if (!user) return [400, { error: 'say which user: ?user=ann' }];
  return [200, url.pathname === '/ticket' ? { ticket: ticket(user) } : { jwt: jwt(user) }];
}

const [form, user, moment, nonce] = process.argv.slice(2);
if (form === 'ticket' && user) {
  console.log(ticket(user, moment));
} else if (form === 'jwt' && user) {
  console.log(jwt(user, moment && Number(moment), nonce));
} else if (form) {
  console.error('usage: backend.mjs [ticket <user> [created] | jwt <user> [iat] [nonce]]');
  process.exit(2);
} else {
  const server = createServer((request, response) => {
    const [status, body] = answer(new URL(`http://localhost${request.url}`));
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify(body));
  });
  server.listen(Number(port), '127.0.0.1', () =>
    console.log(`Listening on http://127.0.0.1:${port}`),
  );
}
