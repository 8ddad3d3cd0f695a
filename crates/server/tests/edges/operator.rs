//! The operator's commands, on a server that runs and on one that does not: the real binary, and sockets that are open
//! while it changes things.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{self, Ran, Running, Socket, operator_file};

const SECRET: &str = "JViE5vDor0Sw3WllZka15Q==";

/// Whether the users of the app can be watched, as a socket sees it.
async fn may_watch(socket: &mut Socket) -> bool {
    socket.send(json!({ "type": "presence.watch", "id": "w", "userIds": ["bob"] })).await;
    let answer = socket.receive().await;
    let may = answer["type"] == "presence.state";
    assert!(may || answer["error"]["code"] == "directory_closed", "{answer}");
    may
}

async fn sign_in(server: &Running) -> (u16, Value) {
    let body = json!({ "userId": "ann" }).to_string();
    server.request("POST", "/v1/sessions", "Application test-app", &body).await
}

/// As the operator, over HTTP.
async fn list_apps(server: &Running, token: &str) -> (u16, Value) {
    let address = server.operator().0;
    harness::request(&address, "GET", "/v1/operator/apps", &format!("Bearer {token}"), "").await
}

#[tokio::test]
async fn a_setting_acts_at_once_on_an_open_connection() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    let mut socket = server.socket(&token, "connection-1").await;
    assert!(may_watch(&mut socket).await);
    let set = server.command(&["app", "set", "test-app", "directory=", "ringSeconds=9"]).await;
    assert_eq!(set.printed(), "directory=\"contacts\"\nringSeconds=9\n");
    assert!(!may_watch(&mut socket).await);
    server.command(&["app", "set", "test-app", "directory=everyone"]).await.printed();
    assert!(may_watch(&mut socket).await);

    let unknown = server.command(&["app", "set", "test-app", "ring=9"]).await.complaint();
    assert!(unknown.contains("settings.ring: no such setting; there are ticketSignIn, "), "{unknown}");
    let beyond = server.command(&["app", "set", "test-app", "ringSeconds=1"]).await.complaint();
    assert!(beyond.contains("a whole number from 5 to 300"), "{beyond}");
    server.stop().await;
}

#[tokio::test]
async fn a_rotation_that_ends_sessions_closes_their_sockets() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    let other = server.sign_in_to_other_app("eve").await;
    let mut socket = server.socket(&token, "connection-1").await;
    let mut elsewhere = server.socket(&other, "connection-2").await;
    server.command(&["app", "rotate-secret", "test-app"]).await.printed();
    socket.quiet().await;
    let ended = server.command(&["app", "rotate-secret", "test-app", "--grace", "0", "--end-sessions"]).await;
    assert!(ended.stderr.contains("1 sessions ended."), "{ended:?}");
    assert!(ended.printed().starts_with("App secret  "));
    assert_eq!(socket.close_code().await, 4401);
    elsewhere.quiet().await;
    let refused = server.request("GET", "/v1/session", &format!("Bearer {token}"), "").await;
    assert_eq!(refused.1["error"]["details"]["reason"], "secret_rotated");
    server.stop().await;
}

#[tokio::test]
async fn a_disabled_app_closes_its_sockets_and_lets_nobody_in() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    let mut socket = server.socket(&token, "connection-1").await;
    let disabled = server.command(&["app", "disable", "test-app"]).await.printed();
    assert!(disabled.starts_with("test-app is disabled since "), "{disabled}");
    assert_eq!(socket.close_code().await, 4402);
    let (status, refused) = sign_in(&server).await;
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("app_disabled")));
    assert!(server.command(&["app", "list"]).await.printed().contains("Test  (disabled)"));
    assert_eq!(server.command(&["app", "enable", "test-app"]).await.printed(), "test-app is open.\n");
    assert_eq!(sign_in(&server).await.0, 201);
    server.stop().await;
}

#[tokio::test]
async fn a_blocked_user_is_out_at_once_and_in_again_when_let_in() {
    let server = Running::start().await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let mut socket = server.socket(&ann, "connection-1").await;
    let mut of_bob = server.socket(&bob, "connection-2").await;
    let sessions = server.command(&["user", "sessions", "--app", "test-app", "ann"]).await.printed();
    assert!(sessions.starts_with("ses_") && sessions.ends_with("  (connected)\n"), "{sessions}");
    let blocked = server.command(&["user", "block", "--app", "test-app", "ann"]).await.printed();
    assert!(blocked.starts_with("ann is blocked since "), "{blocked}");
    assert_eq!(socket.close_code().await, 4401);
    of_bob.quiet().await;
    let (status, refused) = sign_in(&server).await;
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("user_blocked")));
    let sessions = server.command(&["user", "sessions", "--app", "test-app", "ann"]).await.printed();
    assert_eq!(sessions, "ann is not signed in.\n");
    let listed = server.command(&["user", "list", "--app", "test-app"]).await.printed();
    assert!(listed.starts_with("ann ") && listed.contains("  (blocked)\nbob "), "{listed}");

    let unblocked = server.command(&["user", "unblock", "--app", "test-app", "ann"]).await.printed();
    assert_eq!(unblocked, "ann may sign in.\n");
    assert_eq!(sign_in(&server).await.0, 201);
    let listed = server.command(&["user", "list", "--app", "test-app"]).await.printed();
    let folder = server.stop().await;
    let stopped = harness::command(folder.path(), &["user", "list", "--app", "test-app"]).await.printed();
    let ids =
        |list: &str| list.lines().filter_map(|line| line.split(' ').next()).collect::<Vec<_>>().join(" ");
    assert_eq!((ids(&listed), ids(&stopped)), ("ann bob".to_owned(), "ann bob".to_owned()));
    assert!(!stopped.contains("(blocked)"), "{stopped}");
}

#[tokio::test]
async fn one_session_ends_alone_and_all_end_together() {
    let server = Running::start().await;
    let ended = async |arguments: &[&str]| {
        let command = [&["user", "end-sessions", "--app", "test-app", "ann"], arguments].concat();
        server.command(&command).await
    };
    let (status, phone) = sign_in(&server).await;
    let id = phone["session"]["id"].as_str().expect("an id");
    let laptop = server.sign_in("ann").await;
    let mut on_phone = server.socket(phone["token"].as_str().expect("a token"), "connection-1").await;
    let mut on_laptop = server.socket(&laptop, "connection-2").await;
    assert_eq!(status, 201);
    assert_eq!(ended(&["--session", id]).await.printed(), format!("ann is signed out of {id}.\n"));
    assert_eq!(on_phone.close_code().await, 4401);
    on_laptop.quiet().await;
    assert!(ended(&["--session", id]).await.complaint().contains("no such open session"));
    assert_eq!(ended(&[]).await.printed(), "ann is signed out everywhere.\n");
    assert_eq!(on_laptop.close_code().await, 4401);
    let refused = server.request("GET", "/v1/session", &format!("Bearer {laptop}"), "").await;
    assert_eq!(refused.1["error"]["details"]["reason"], "ended_by_operator");
    server.stop().await;
}

/// Every command on users, on ann and on one whose id is no plain word.
async fn manage_users(run: impl AsyncFn(&[&str]) -> Ran) {
    let user =
        async |verb: &str, rest: &[&str]| run(&[&["user", verb, "--app", "test-app"], rest].concat()).await;
    let first = user("list", &["--limit", "1"]).await;
    let cursor = first.stderr.trim().rsplit(' ').next().expect("a word").to_owned();
    assert!(first.stdout.starts_with("a/b?c ") && first.stderr.contains("--cursor "), "{first:?}");
    let second = user("list", &["--cursor", &cursor]).await;
    assert!(second.stdout.starts_with("ann ") && second.stderr.is_empty(), "{second:?}");
    user("block", &["a/b?c"]).await.printed();
    let shown = user("show", &["a/b?c"]).await.printed();
    for part in
        ["User       a/b?c\n", "State      blocked since ", "\n  username  a/b?c ", "by the user alone"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    user("unblock", &["a/b?c"]).await.printed();
    assert!(user("show", &["a/b?c"]).await.printed().contains("State      may sign in\n"));
    user("end-sessions", &["ann"]).await.printed();
    let warned = user("erase", &["ann"]).await.complaint();
    assert!(warned.contains("cannot be undone; add --yes"), "{warned}");
    user("show", &["ann"]).await.printed();
    assert_eq!(user("erase", &["ann", "--yes"]).await.printed(), "ann is erased.\n");
    for verb in ["show", "block", "unblock", "sessions", "end-sessions"] {
        assert!(user(verb, &["ann"]).await.complaint().contains("No such user"), "{verb}");
    }
    let elsewhere = run(&["user", "list", "--app", "none"]).await.complaint();
    assert!(elsewhere.contains("No app has this key"), "{elsewhere}");
}

const USER_CHANGES: [&str; 4] = ["user.blocked", "user.unblocked", "user.sessions_ended", "user.deleted"];

#[tokio::test]
async fn users_are_managed_beside_a_server_and_where_none_runs() {
    let server = Running::start().await;
    for user in ["ann", "a/b?c"] {
        server.sign_in(user).await;
    }
    manage_users(async |arguments| server.command(arguments).await).await;
    let audit = server.command(&["audit", "--app", "test-app", "--limit", "4"]).await.printed();
    assert_eq!(told(&audit), USER_CHANGES.map(|action| ("operator", action)));

    server.sign_in("ann").await;
    let folder = server.stop().await;
    manage_users(async |arguments| harness::command(folder.path(), arguments).await).await;
    let audit =
        harness::command(folder.path(), &["audit", "--app", "test-app", "--limit", "4"]).await.printed();
    assert_eq!(told(&audit), USER_CHANGES.map(|action| ("command_line", action)));
}

/// Every command that changes something, once; what the log says of it has to be the same whoever has the database.
async fn change_everything(run: impl AsyncFn(&[&str]) -> Ran, secret_file: &str) {
    let made = run(&["app", "create", "--name", "Shop", "--key", "shop", "--directory", "everyone"]).await;
    assert!(made.printed().starts_with("App key     shop\nApp secret  "));
    run(&["app", "set", "shop", "sandbox=true"]).await.printed();
    run(&["app", "disable", "shop"]).await.printed();
    run(&["app", "enable", "shop"]).await.printed();
    run(&["app", "alias", "shop", "old"]).await.printed();
    run(&["app", "import-key", "shop", "legacy", "--secret-file", secret_file]).await.printed();
    run(&["app", "rotate-secret", "shop"]).await.printed();
    let removed = run(&["app", "remove-key", "shop", "old"]).await.printed();
    assert_eq!(removed, "old leads to shop no longer.\n");

    let shown = run(&["app", "show", "legacy"]).await.printed();
    for part in
        ["Name      Shop\n", "State     open\n", "sandbox=true  (set)\n", "ringSeconds=60\n", " imported "]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains(SECRET));
    for (arguments, part) in [
        (&["app", "show", "old"][..], "No app has this key"),
        (&["app", "remove-key", "shop", "shop"], "own key cannot be removed"),
        (&["app", "alias", "shop", "test-app"], "key: another app has this key"),
        (&["app", "create", "--name", "Shop", "--key", "shop"], "key: another app has this key"),
        (&["app", "import-key", "shop", "x", "--secret-file", "/nonexistent"], "cannot read the secret"),
    ] {
        let complaint = run(arguments).await.complaint();
        assert!(complaint.starts_with("callbox: ") && complaint.contains(part), "{complaint}");
    }
}

/// Who did what in the shop, oldest first.
fn told(audit: &str) -> Vec<(&str, &str)> {
    let mut told: Vec<_> = audit
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|words| (words[1], words[2]))
        .collect();
    told.reverse();
    told
}

const CHANGES: [&str; 8] = [
    "app.created",
    "app.updated",
    "app.updated",
    "app.updated",
    "app.alias_added",
    "app.key_imported",
    "app.secret_rotated",
    "app.key_removed",
];

#[tokio::test]
async fn every_command_works_beside_a_running_server() {
    let server = Running::start().await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("secret").to_string_lossy().into_owned();
    fs::write(&file, format!("{SECRET}\n")).expect("writable");
    change_everything(async |arguments| server.command(arguments).await, &file).await;
    let audit = server.command(&["audit", "--app", "shop"]).await.printed();
    assert_eq!(told(&audit), CHANGES.map(|action| ("operator", action)));
    assert!(!audit.contains(SECRET));
    server.stop().await;
}

#[tokio::test]
async fn every_command_works_where_no_server_runs() {
    let folder = Running::start().await.stop().await;
    let file = folder.path().join("secret").to_string_lossy().into_owned();
    fs::write(&file, SECRET).expect("writable");
    change_everything(async |arguments| harness::command(folder.path(), arguments).await, &file).await;
    let audit = harness::command(folder.path(), &["audit", "--app", "shop"]).await.printed();
    assert_eq!(told(&audit), CHANGES.map(|action| ("command_line", action)));

    let server = Running::start_in(folder, |_| ()).await;
    assert!(server.command(&["app", "show", "shop"]).await.printed().contains("sandbox=true  (set)"));
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_good_for_one_run_of_a_server_and_for_its_owner() {
    let server = Running::start().await;
    let (_, token) = server.operator();
    assert!(token.starts_with("cbo_") && token.len() == 47);
    let (status, apps) = list_apps(&server, &token).await;
    assert_eq!((status, &apps["items"][0]["key"]), (200, &json!("test-app")));
    for wrong in ["", "cbo_", &token[..46], &format!("{token}x"), &server.sign_in("ann").await] {
        let (status, refused) = list_apps(&server, wrong).await;
        assert_eq!((status, &refused["error"]["code"]), (401, &json!("operator_token_wrong")), "{wrong}");
    }
    let path = "/v1/operator/apps";
    let public = server.request("GET", path, &format!("Bearer {token}"), "").await;
    assert_eq!((public.0, &public.1["error"]["code"]), (404, &json!("not_found")));

    let folder = server.stop().await;
    let file = operator_file(folder.path());
    assert!(!file.exists(), "a server that stops takes it along");
    fs::write(&file, json!({ "url": "http://127.0.0.1:1", "token": token }).to_string()).expect("writable");
    let beside = harness::command(folder.path(), &["app", "list"]).await;
    assert!(beside.printed().starts_with("test-app"), "what a crash left behind is no running server");

    let server = Running::start_in(folder, |_| ()).await;
    assert_ne!(server.operator().1, token);
    assert_eq!(list_apps(&server, &token).await.0, 401);
    assert_eq!(list_apps(&server, &server.operator().1).await.0, 200);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = operator_file(server.folder());
        assert_eq!(fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_folder_that_nobody_answers_for_is_one_clear_line() {
    let folder = Running::start().await.stop().await;
    let lock = fs::File::open(config_folder(&folder).join("lock")).expect("a lock file");
    lock.lock().expect("nobody has it");
    let list = async || harness::command(folder.path(), &["app", "list"]).await.complaint();
    let starting = list().await;
    assert!(starting.contains("is in use") && starting.contains("try again in a moment"), "{starting}");
    let nobody = json!({ "url": "http://127.0.0.1:1", "token": "cbo_old" }).to_string();
    fs::write(operator_file(folder.path()), nobody).expect("writable");
    let crashed = list().await;
    assert!(crashed.contains("does not answer") && crashed.contains("try again in a moment"), "{crashed}");
    drop(lock);
    let nothing = tempfile::TempDir::new().expect("a folder");
    let empty = harness::command(nothing.path(), &["app", "list"]).await.complaint();
    assert!(empty.contains("there is no Callbox data"), "{empty}");
}

fn config_folder(folder: &tempfile::TempDir) -> std::path::PathBuf {
    harness::config(folder.path()).storage.folder
}
