//! What it costs to see whose session a token is.
//!
//! Measured in this process, because over HTTP the request around the check costs many times more. A check is a read of
//! the store, which runs on a thread of its own: the way there and back is measured by a read that reads nothing.

use std::sync::Arc;
use std::time::Duration;

use callbox_bus::LocalBus;
use callbox_domain::{AppKey, Device, UserId};
use callbox_service::sessions::{Credential, SessionToken, SignIn};
use callbox_storage::Store;
use tokio::task::JoinSet;

use crate::BenchResult;
use crate::local::Local;
use crate::process::Usage;
use crate::report::{Bar, Figure};
use crate::scale::Scale;

/// Checks 200,000 tokens, 64 at once.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Vec<Figure>> {
    let local = Local::open(Arc::new(LocalBus::default())).await?;
    let mut tokens = Vec::new();
    for user in 0..TASKS {
        let signed_in = local.service.sign_in(SignIn {
            app_key: Some(AppKey::new("demo")?),
            credential: Credential::Open(UserId::new(format!("user-{user}"))?),
            device: Device::default(),
            expires_in: None,
            force: true,
            origin: None,
            address: None,
        });
        tokens.push(signed_in.await.map_err(|error| error.message)?.token.expose().to_owned());
    }
    let each = scale.times(CHECKS, QUICK_CHECKS) / TASKS;
    let check = cpu_of(tokens.into_iter().map(|token| {
        let service = Arc::clone(&local.service);
        async move {
            for _ in 0..each {
                let token = SessionToken::from_client(&token);
                service.authenticate(&token).await.map_err(|error| error.message)?;
            }
            BenchResult::Ok(())
        }
    }));
    let check = check.await?;
    let hop = cpu_of((0..TASKS).map(|_| {
        let store: Arc<dyn Store> = local.store.clone();
        async move {
            for _ in 0..each {
                store.read(|_| Ok(())).await?;
            }
            BenchResult::Ok(())
        }
    }));
    let hop = hop.await?;
    let microseconds = |cpu: Duration| cpu.as_secs_f64() * 1e6 / (each * TASKS) as f64;
    Ok(vec![
        Figure::new(
            "session check: CPU, way to the store and back included",
            microseconds(check),
            "µs",
            None,
        ),
        Figure::new("that way alone: CPU of a read that reads nothing", microseconds(hop), "µs", None),
        Figure::new(
            "session check: CPU of the check itself",
            microseconds(check.saturating_sub(hop)),
            "µs",
            Some(Bar::AtMost(5.0)),
        ),
    ])
}

/// The CPU time of this process while the tasks run beside each other.
async fn cpu_of<T: Future<Output = BenchResult<()>> + Send + 'static>(
    tasks: impl Iterator<Item = T>,
) -> BenchResult<Duration> {
    let before = Usage::of(std::process::id())?.cpu;
    let mut running: JoinSet<_> = tasks.collect();
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(Usage::of(std::process::id())?.cpu.saturating_sub(before))
}

const TASKS: usize = 64;
const CHECKS: usize = 200_000;
const QUICK_CHECKS: usize = 6_400;
