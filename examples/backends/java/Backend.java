// Signs Callbox tickets and JSON Web Tokens for your users. Java 11 or newer, nothing to install.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.UTF_8;

public final class Backend {
    private static final String APP_KEY = setting("CALLBOX_APP_KEY");
    /** The secret is Base64: the key is what it decodes to. */
    private static final byte[] HMAC_KEY = Base64.getDecoder().decode(setting("CALLBOX_APP_SECRET"));
    /** With exactly three decimals; {@code Instant.toString} leaves them out when they are zero. */
    private static final DateTimeFormatter MILLISECONDS =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    static String ticket(String user, String created) throws GeneralSecurityException {
        byte[] json = String.format(
                "{\"identity\":{\"type\":\"username\",\"endpoint\":%s},\"applicationKey\":%s,\"created\":%s,\"expiresIn\":86400}",
                quote(user), quote(APP_KEY), quote(created)).getBytes(UTF_8);
        Base64.Encoder base64 = Base64.getEncoder();
        return base64.encodeToString(json) + ":" + base64.encodeToString(sign(json));
    }

    static String jwt(String user, long iat, String nonce) throws GeneralSecurityException {
        String header = base64url("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".getBytes(UTF_8));
        String payload = base64url(("{\"iss\":" + quote(APP_KEY) + ",\"sub\":" + quote(user) + ",\"iat\":" + iat
                + ",\"exp\":" + (iat + 600) + ",\"jti\":" + quote(nonce) + "}").getBytes(UTF_8));
        String signed = header + "." + payload;
        return signed + "." + base64url(sign(signed.getBytes(UTF_8)));
    }

    private static byte[] sign(byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(HMAC_KEY, "HmacSHA256"));
        return mac.doFinal(message);
    }

    /** A text as JSON; a library for JSON does this as well. */
    private static String quote(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char character : text.toCharArray()) {
            if (character == '"' || character == '\\') {
                json.append('\\').append(character);
            } else if (character < ' ') {
                json.append(String.format("\\u%04x", (int) character));
            } else {
                json.append(character);
            }
        }
        return json.append('"').toString();
    }

    private static String base64url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static String now() {
        return MILLISECONDS.format(Instant.now());
    }

    private static String setting(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            System.err.println("Set " + name + "; the key and the secret are those of your app.");
            System.exit(2);
        }
        return value;
    }

    private static void handle(HttpExchange exchange) throws IOException {
        URI target = exchange.getRequestURI();
        // !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
        // !!! A real backend takes the user from its own login session.
        String user = queryParameter(target, "user");
        try {
            if (!target.getPath().equals("/ticket") && !target.getPath().equals("/jwt")) {
                answer(exchange, 404, "{\"error\":\"ask for /ticket or /jwt\"}");
            } else if (user.isEmpty()) {
                answer(exchange, 400, "{\"error\":\"say which user: ?user=ann\"}");
            } else if (target.getPath().equals("/ticket")) {
                answer(exchange, 200, "{\"ticket\":" + quote(ticket(user, now())) + "}");
            } else {
                String jwt = jwt(user, Instant.now().getEpochSecond(), UUID.randomUUID().toString());
                answer(exchange, 200, "{\"jwt\":" + quote(jwt) + "}");
            }
        } catch (GeneralSecurityException error) {
            throw new IOException(error);
        }
    }

    private static String queryParameter(URI target, String name) {
        String query = target.getRawQuery() == null ? "" : target.getRawQuery();
        for (String pair : query.split("&")) {
            if (pair.startsWith(name + "=")) {
                return URLDecoder.decode(pair.substring(name.length() + 1), UTF_8);
            }
        }
        return "";
    }

    private static void answer(HttpExchange exchange, int status, String json) throws IOException {
        byte[] body = json.getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static void serve() throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
        server.createContext("/", Backend::handle);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("Listening on http://127.0.0.1:" + port);
    }

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        String form = arguments.length >= 2 ? arguments[0] : "";
        if (arguments.length == 0) {
            serve();
        } else if (form.equals("ticket")) {
            System.out.println(ticket(arguments[1], arguments.length > 2 ? arguments[2] : now()));
        } else if (form.equals("jwt")) {
            long iat = arguments.length > 2 ? Long.parseLong(arguments[2]) : Instant.now().getEpochSecond();
            String nonce = arguments.length > 3 ? arguments[3] : UUID.randomUUID().toString();
            System.out.println(jwt(arguments[1], iat, nonce));
        } else {
            System.err.println("usage: Backend [ticket <user> [created] | jwt <user> [iat] [nonce]]");
            System.exit(2);
        }
    }
}
