<?php
// Signs Callbox tickets and JSON Web Tokens for your users. PHP 8.0 or newer, nothing to install.

declare(strict_types=1);

function ticket(string $user, ?string $created = null): string
{
    $now = new DateTimeImmutable('now', new DateTimeZone('UTC'));
    $json = to_json([
        'identity' => ['type' => 'username', 'endpoint' => $user],
        'applicationKey' => setting('CALLBOX_APP_KEY'),
        'created' => $created ?? $now->format('Y-m-d\TH:i:s.v\Z'),
        'expiresIn' => 86400,
    ]);
    return base64_encode($json) . ':' . base64_encode(sign($json));
}

function jwt(string $user, ?int $iat = null, ?string $nonce = null): string
{
    $iat ??= time();
    $header = base64url(to_json(['alg' => 'HS256', 'typ' => 'JWT']));
    $payload = base64url(to_json([
        'iss' => setting('CALLBOX_APP_KEY'),
        'sub' => $user,
        'iat' => $iat,
        'exp' => $iat + 600,
        'jti' => $nonce ?? bin2hex(random_bytes(16)),
    ]));
    return "$header.$payload." . base64url(sign("$header.$payload"));
}

/** The secret is Base64: the key is what it decodes to. The last argument asks for bytes instead of hexadecimal text. */
function sign(string $message): string
{
    return hash_hmac('sha256', $message, base64_decode(setting('CALLBOX_APP_SECRET')), true);
}

function to_json(array $value): string
{
    return json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function setting(string $name): string
{
    return getenv($name) ?: throw new RuntimeException("Set $name; the key and the secret are those of your app.");
}

function answer(string $path): array
{
    // !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
    // !!! A real backend takes the user from its own login session.
    $user = $_GET['user'] ?? '';
    if (!in_array($path, ['/ticket', '/jwt'], true)) {
        return [404, ['error' => 'ask for /ticket or /jwt']];
    }
    if (!is_string($user) || $user === '') {
        return [400, ['error' => 'say which user: ?user=ann']];
    }
    return [200, $path === '/ticket' ? ['ticket' => ticket($user)] : ['jwt' => jwt($user)]];
}

if (PHP_SAPI === 'cli') {
    [, $form, $user, $moment, $nonce] = array_pad($argv, 5, null);
    if ($form === 'ticket' && $user !== null) {
        echo ticket($user, $moment), "\n";
    } elseif ($form === 'jwt' && $user !== null) {
        echo jwt($user, $moment === null ? null : (int) $moment, $nonce), "\n";
    } else {
        fwrite(STDERR, "usage: php backend.php ticket <user> [created] | jwt <user> [iat] [nonce]\n");
        fwrite(STDERR, "to serve: php -S 127.0.0.1:9000 backend.php\n");
        exit(2);
    }
} else {
    [$status, $body] = answer((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
    http_response_code($status);
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo to_json($body);
}
