"""Signs Callbox tickets and JSON Web Tokens for your users. Python 3.9 or newer, nothing to install."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

try:
    APP_KEY = os.environ["CALLBOX_APP_KEY"]
    # The secret is Base64: the key is what it decodes to.
    HMAC_KEY = base64.b64decode(os.environ["CALLBOX_APP_SECRET"])
except KeyError:
    sys.exit("Set CALLBOX_APP_KEY and CALLBOX_APP_SECRET to the key and the secret of your app.")


def ticket(user, created=None):
    if created is None:
        now = datetime.now(timezone.utc)
        created = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = to_json({
        "identity": {"type": "username", "endpoint": user},
        "applicationKey": APP_KEY,
        "created": created,
        "expiresIn": 86_400,
    })
    return f"{base64.b64encode(body).decode()}:{base64.b64encode(sign(body)).decode()}"


def jwt(user, iat=None, nonce=None):
    iat = int(time.time()) if iat is None else int(iat)
    header = base64url(to_json({"alg": "HS256", "typ": "JWT"}))
    payload = base64url(to_json({
        "iss": APP_KEY, "sub": user, "iat": iat, "exp": iat + 600, "jti": nonce or str(uuid.uuid4()),
    }))
    return f"{header}.{payload}.{base64url(sign(f'{header}.{payload}'.encode()))}"


def sign(message):
    return hmac.new(HMAC_KEY, message, hashlib.sha256).digest()


def to_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        # !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
        # !!! A real backend takes the user from its own login session.
        user = parse_qs(url.query).get("user", [None])[0]
        if url.path not in ("/ticket", "/jwt"):
            self.answer(404, {"error": "ask for /ticket or /jwt"})
        elif not user:
            self.answer(400, {"error": "say which user: ?user=ann"})
        else:
            self.answer(200, {"ticket": ticket(user)} if url.path == "/ticket" else {"jwt": jwt(user)})

    def answer(self, status, body):
        body = to_json(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(form=None, *arguments):
    if form == "ticket" and 1 <= len(arguments) <= 2:
        print(ticket(*arguments))
    elif form == "jwt" and 1 <= len(arguments) <= 3:
        print(jwt(*arguments))
    elif form is not None:
        sys.exit("usage: backend.py [ticket <user> [created] | jwt <user> [iat] [nonce]]")
    else:
        port = int(os.environ.get("PORT", "9000"))
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        print(f"Listening on http://127.0.0.1:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
