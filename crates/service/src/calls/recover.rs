//! Live calls after a start of the server.

use callbox_call_proto::Input;

use super::machine;
use crate::error::read;
use crate::{Service, ServiceResult};

impl Service {
    /// Takes up the calls that were live when the server stopped. Media between browsers goes on meanwhile, and devices
    /// come back by themselves; those that have not yet count as lost.
    pub async fn recover_calls(&self) -> ServiceResult<()> {
        let records = read(self.store.read(|store| store.live_calls()).await)?;
        for record in &records {
            let Ok(call) = machine(record) else {
                tracing::error!(call = %record.id, "a live call cannot be read and is left alone");
                continue;
            };
            self.calls.note(record.app_id, &call);
            // Time first: a timer that ran out while the server was away does not wait for sockets.
            if let Err(error) = self.move_call(record.app_id, record.id.clone(), Input::Tick, None).await {
                self.try_again(record.app_id, &record.id, &error);
            }
            self.look_at_call(record.app_id, &record.id).await;
        }
        self.calls.set_complete();
        if !records.is_empty() {
            tracing::info!(calls = records.len(), "live calls taken up again");
        }
        Ok(())
    }
}
