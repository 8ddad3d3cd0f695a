//! `callbox backup`

use std::path::PathBuf;

use callbox_domain::Clock as _;
use callbox_storage_sqlite::back_up;
use clap::Args;

use super::FolderArguments;
use super::progress::{size, watched};
use crate::data_folder::{StartError, existing_database};
use crate::system::SystemClock;

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The file to make; one that exists is not overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    folder: FolderArguments,
}

pub(super) async fn run(arguments: BackupArguments) -> Result<(), StartError> {
    let storage = arguments.folder.storage()?;
    let database = existing_database(&storage.folder)?;
    let file = arguments.file.clone();
    let now = SystemClock::new().now();
    let bytes = watched("copying", move |watch| Ok(back_up(&database, &file, now, watch)?)).await?;
    println!("Backup      {} ({})", arguments.file.display(), size(bytes));
    println!("Master key  {} is not in it: keep a copy of that, apart", storage.master_key_file.display());
    Ok(())
}
