//! Writes what is derived from the Rust sources and checked in: the OpenAPI document, the samples, the tables in the
//! documentation. Run by `cargo xtask gen`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use callbox_domain::AppSettings;
use callbox_server::{api, config, serve};
use callbox_wire::operator::Setting;
use callbox_wire::{CloseCode, ErrorCode, Retry, samples};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::temp_dir().join(format!("callbox-gen-{}", std::process::id()));
    let document = document(&folder);
    let _ = fs::remove_dir_all(&folder);
    write(&root.join("schema/openapi.json"), &(document + "\n"));
    write(&root.join("docs/error-codes.md"), &error_codes());
    write(&root.join("docs/settings.md"), &settings());
    write(&root.join("docs/callbox.toml"), &config::Config::example());
    let folder = root.join("web/packages/wire/samples");
    for sample in samples::all() {
        let folder =
            if sample.schema.ends_with("Frame") { folder.join(sample.schema) } else { folder.clone() };
        let text = serde_json::to_string_pretty(&sample.value).expect("plain data") + "\n";
        write(&folder.join(format!("{}.json", sample.name)), &text);
    }
}

fn document(folder: &Path) -> String {
    let storage = config::StorageConfig { folder: folder.join("data"), master_key_file: folder.join("key") };
    let config = config::Config { storage, ..config::Config::default() };
    let server = serve::Server::open(&config, None).expect("a temporary folder can be written");
    let api = api::assemble(Arc::clone(server.service()), Arc::clone(server.hub()));
    api.document.to_pretty_json().expect("plain data")
}

fn error_codes() -> String {
    let mut text = String::from(
        "# Error codes\n\nEvery error, over HTTP and over the socket, carries one of these codes. \
         `retry` says whether the same request can succeed: never, after a while, or now.\n\n\
         | code | HTTP | retry | what happened, and what to do |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let retry = match code.retry() {
            Retry::Never => "never",
            Retry::After => "after",
            Retry::Now => "now",
        };
        let name = code.name();
        writeln!(
            text,
            "| <a id=\"{name}\"></a>`{name}` | {} | {retry} | {} |",
            code.status(),
            code.sentence()
        )
        .expect("a string can be written");
    }
    text += "\n# Close codes of the socket\n\n4000 to 4099: come back with the last cursor. 4400 to 4499: stop.\n\n\
             | code | name | what happened, and what to do |\n|---|---|---|\n";
    for code in CloseCode::ALL {
        writeln!(text, "| {} | `{}` | {} |", code.number(), code.name(), code.sentence())
            .expect("a string can be written");
    }
    text
}

fn settings() -> String {
    let mut text = String::from(
        "# Settings of an app\n\n`callbox app set <app key> <name>=<value>` changes one, `<name>=` resets it to the default, and both act at \
         once; see [Managing apps](operations.md#managing-apps). `callbox settings` prints this table.\n\n\
         | name | values | default | what it does |\n|---|---|---|---|\n",
    );
    for (info, setting) in AppSettings::TABLE.iter().zip(Setting::all()) {
        let (values, default) = (info.values, setting.default);
        writeln!(text, "| `{}` | {values} | `{default}` | {} |", setting.name, setting.sentence)
            .expect("a string can be written");
    }
    text
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("writable");
    fs::write(path, text).expect("writable");
}
