//! `callbox settings`

use callbox_domain::AppSettings;
use callbox_wire::operator::Setting;

/// Prints what this version knows; needs no server.
pub(super) fn run() {
    for (info, Setting { name, default, sentence, .. }) in AppSettings::TABLE.iter().zip(Setting::all()) {
        println!("{name}\n    {sentence}\n    Takes {}; default {default}\n", info.values);
    }
    println!(
        "Set one:    callbox app set <app key> <name>=<value>\nReset one:  callbox app set <app key> <name>="
    );
}
