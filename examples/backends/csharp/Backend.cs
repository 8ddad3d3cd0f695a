// Signs Callbox tickets and JSON Web Tokens for your users. .NET 8 or newer, or Mono; nothing to install.

using System;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Text;

static class Backend
{
    static string Ticket(string user, string created)
    {
        var json = $"{{\"identity\":{{\"type\":\"username\",\"endpoint\":{Quote(user)}}},"
            + $"\"applicationKey\":{Quote(Setting("CALLBOX_APP_KEY"))},"
            + $"\"created\":{Quote(created)},\"expiresIn\":86400}}";
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(json)) + ":" + Convert.ToBase64String(Sign(json));
    }

    static string Jwt(string user, long iat, string nonce)
    {
        var header = Base64Url(Encoding.UTF8.GetBytes("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
        var payload = Base64Url(Encoding.UTF8.GetBytes(
            $"{{\"iss\":{Quote(Setting("CALLBOX_APP_KEY"))},\"sub\":{Quote(user)},"
            + $"\"iat\":{iat},\"exp\":{iat + 600},\"jti\":{Quote(nonce)}}}"));
        return $"{header}.{payload}.{Base64Url(Sign($"{header}.{payload}"))}";
    }

    /// <summary>The secret is Base64: the key is what it decodes to.</summary>
    static byte[] Sign(string message)
    {
        using (var hmac = new HMACSHA256(Convert.FromBase64String(Setting("CALLBOX_APP_SECRET"))))
        {
            return hmac.ComputeHash(Encoding.UTF8.GetBytes(message));
        }
    }

    /// <summary>
    /// A text as JSON. System.Text.Json will do as well, but Mono has none; it escapes more, which is as valid: the
    /// server verifies the bytes that were signed.
    /// </summary>
    static string Quote(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var character in text)
        {
            if (character == '"' || character == '\\') json.Append('\\').Append(character);
            else if (character < ' ') json.Append("\\u").Append(((int)character).ToString("x4"));
            else json.Append(character);
        }
        return json.Append('"').ToString();
    }

    static string Base64Url(byte[] bytes)
    {
        return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    static string Now()
    {
        return DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }

    static long NowSeconds()
    {
        return DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    }

    static string Setting(string name)
    {
        var value = Environment.GetEnvironmentVariable(name);
        if (!string.IsNullOrEmpty(value)) return value;
        Console.Error.WriteLine($"Set {name}; the key and the secret are those of your app.");
        Environment.Exit(2);
        return null;
    }

    /// <summary>The status and the JSON for one request target, such as /ticket?user=ann.</summary>
    static (int Status, string Json) Answer(string target)
    {
        var parts = target.Split(new[] { '?' }, 2);
        // !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
        // !!! A real backend takes the user from its own login session.
        var user = parts.Skip(1).SelectMany(query => query.Split('&'))
            .Where(pair => pair.StartsWith("user=", StringComparison.Ordinal))
            .Select(pair => Uri.UnescapeDataString(pair.Substring(5).Replace('+', ' '))).FirstOrDefault();
        if (parts[0] != "/ticket" && parts[0] != "/jwt") return (404, "{\"error\":\"ask for /ticket or /jwt\"}");
        if (string.IsNullOrEmpty(user)) return (400, "{\"error\":\"say which user: ?user=ann\"}");
        return parts[0] == "/ticket"
            ? (200, $"{{\"ticket\":{Quote(Ticket(user, Now()))}}}")
            : (200, $"{{\"jwt\":{Quote(Jwt(user, NowSeconds(), NewNonce()))}}}");
    }

    static string NewNonce()
    {
        return Guid.NewGuid().ToString();
    }

    static void Serve()
    {
        var port = Environment.GetEnvironmentVariable("PORT") ?? "9000";
        var listener = new HttpListener();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        Console.WriteLine($"Listening on http://127.0.0.1:{port}");
        while (true)
        {
            var context = listener.GetContext();
            try
            {
                var answer = Answer(context.Request.RawUrl);
                context.Response.StatusCode = answer.Status;
                context.Response.ContentType = "application/json";
                context.Response.Headers["Cache-Control"] = "no-store";
                context.Response.Close(Encoding.UTF8.GetBytes(answer.Json), true);
            }
            catch (HttpListenerException error)
            {
                Console.Error.WriteLine($"a client left: {error.Message}");
            }
        }
    }

    static int Main(string[] arguments)
    {
        Setting("CALLBOX_APP_KEY");
        Setting("CALLBOX_APP_SECRET");
        Func<int, string> argument = index => index < arguments.Length ? arguments[index] : null;
        if (arguments.Length == 0)
        {
            Serve();
        }
        else if (arguments[0] == "ticket" && arguments.Length >= 2)
        {
            Console.WriteLine(Ticket(arguments[1], argument(2) ?? Now()));
        }
        else if (arguments[0] == "jwt" && arguments.Length >= 2)
        {
            var iat = argument(2) == null ? NowSeconds() : long.Parse(argument(2), CultureInfo.InvariantCulture);
            Console.WriteLine(Jwt(arguments[1], iat, argument(3) ?? NewNonce()));
        }
        else
        {
            Console.Error.WriteLine("usage: backend [ticket <user> [created] | jwt <user> [iat] [nonce]]");
            return 2;
        }
        return 0;
    }
}
