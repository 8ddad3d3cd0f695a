//! Hashes a password anew when today's parameters are higher than those of its hash.

use callbox_domain::{AppId, PasswordRecord, Secret};

use super::hash::needs_rehash;
use crate::Service;
use crate::error::Refusal;

impl Service {
    /// The password as it is kept from now on. A failure leaves it as it is: the next sign-in tries again.
    pub(crate) async fn keep_password_fresh(
        &self,
        app: AppId,
        record: PasswordRecord,
        password: &Secret<String>,
    ) -> PasswordRecord {
        if !needs_rehash(&record.hash) {
            return record;
        }
        let Ok(hash) = self.passwords.hash(password.clone(), self.random.as_ref()).await else {
            return record;
        };
        let fresh = PasswordRecord { hash, ..record.clone() };
        let (old, kept) = (record.hash.clone(), fresh.clone());
        let written = self.store.write(move |tx| {
            let same = tx.password(app, &kept.user_id)?.is_some_and(|now| now.hash == old);
            if same {
                tx.set_password(app, &kept)?;
            }
            Ok::<_, Refusal>(same)
        });
        match written.await {
            Ok(true) => fresh,
            _ => record,
        }
    }
}
