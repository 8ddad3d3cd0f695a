//! Signs Callbox tickets and JSON Web Tokens for your users.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, io, process, thread};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::UtcDateTime;
use time::macros::format_description;

fn ticket(user: &str, created: &str) -> String {
    let json = format!(
        r#"{{"identity":{{"type":"username","endpoint":{}}},"applicationKey":{},"created":{},"expiresIn":86400}}"#,
        quoted(user),
        quoted(&setting("CALLBOX_APP_KEY")),
        quoted(created),
    );
    format!("{}:{}", BASE64_STANDARD.encode(&json), BASE64_STANDARD.encode(sign(&json)))
}

fn jwt(user: &str, iat: i64, nonce: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let payload = BASE64_URL_SAFE_NO_PAD.encode(format!(
        r#"{{"iss":{},"sub":{},"iat":{iat},"exp":{},"jti":{}}}"#,
        quoted(&setting("CALLBOX_APP_KEY")),
        quoted(user),
        iat + 600,
        quoted(nonce),
    ));
    let signed = format!("{header}.{payload}");
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(sign(&signed)))
}

/// The secret is Base64: the key is what it decodes to.
fn sign(message: &str) -> Vec<u8> {
    let Ok(key) = BASE64_STANDARD.decode(setting("CALLBOX_APP_SECRET")) else {
        fail("CALLBOX_APP_SECRET is not Base64")
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn quoted(text: &str) -> Value {
    Value::from(text)
}

fn now() -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    UtcDateTime::now().format(format).expect("every part of the format is known")
}

fn new_nonce() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system gives randomness");
    format!("{:032x}", u128::from_be_bytes(random))
}

fn setting(name: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| {
        fail(&format!("Set {name}; the key and the secret are those of your app."));
    })
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    process::exit(2);
}

fn answer(target: &str) -> (&'static str, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // !!! NEVER TAKE THE USER FROM THE REQUEST, as this example does: whoever asks can then be anyone.
    // !!! A real backend takes the user from its own login session.
    let user = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "user");
    let user = user.map(|(_, value)| value).filter(|value| !value.is_empty());
    match (path, user) {
        ("/ticket", Some(user)) => ("200 OK", json!({ "ticket": ticket(&user, &now()) })),
        ("/jwt", Some(user)) => {
            let iat = UtcDateTime::now().unix_timestamp();
            ("200 OK", json!({ "jwt": jwt(&user, iat, &new_nonce()) }))
        }
        ("/ticket" | "/jwt", None) => ("400 Bad Request", json!({ "error": "say which user: ?user=ann" })),
        _ => ("404 Not Found", json!({ "error": "ask for /ticket or /jwt" })),
    }
}

/// Just enough HTTP for an example; in an application this is a route of its framework.
fn serve() -> io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "9000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("Listening on http://127.0.0.1:{port}");
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = converse(stream) {
                eprintln!("a client left: {error}");
            }
        });
    }
    Ok(())
}

fn converse(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for header in lines {
        if header?.is_empty() {
            break;
        }
    }
    let (status, body) = answer(request.split(' ').nth(1).unwrap_or("/"));
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())
}

fn main() -> io::Result<()> {
    // What is missing is said at the start, not at the first request.
    for name in ["CALLBOX_APP_KEY", "CALLBOX_APP_SECRET"] {
        setting(name);
    }
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve()?,
        ["ticket", user] => println!("{}", ticket(user, &now())),
        ["ticket", user, created] => println!("{}", ticket(user, created)),
        ["jwt", user] => println!("{}", jwt(user, UtcDateTime::now().unix_timestamp(), &new_nonce())),
        ["jwt", user, iat] => println!("{}", jwt(user, seconds(iat), &new_nonce())),
        ["jwt", user, iat, nonce] => println!("{}", jwt(user, seconds(iat), nonce)),
        _ => fail("usage: backend [ticket <user> [created] | jwt <user> [iat] [nonce]]"),
    }
    Ok(())
}

fn seconds(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| fail("iat is a number of seconds"))
}
