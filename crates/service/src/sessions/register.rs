//! Registers a device: a generated credential, and the session slot that it opens.

use callbox_domain::random::random_text;
use callbox_domain::{
    App, AppId, AppKey, AssertedBy, ClientAddress, CredentialKind, Device, DeviceCredential, IdentityType,
    MailboxEpoch, Secret, SessionId, Timestamp, UsedOnce, UserId,
};
use callbox_storage::{Created, Tx};
use callbox_wire::{ApiError, ErrorCode};

use super::identity::{self, NamedUser};
use super::prove::{Asking, Once, Who, check_way, proven};
use super::sign_in::{Credential, SignedIn, check_app_origin, check_device};
use crate::error::Refusal;
use crate::generated::{random_secret, sha256};
use crate::{Manager, Service, ServiceResult};

/// Who vouches for a registration.
#[derive(Debug, Clone)]
pub enum RegistrationProof {
    /// Nobody: only in a sandbox app, and only for users that registration made.
    Nothing(AppKey),
    /// A ticket or a JWT of the user.
    Credential(Option<AppKey>, Credential),
    /// The app's backend, by its own signature or secret.
    Backend(Manager),
}

/// A registration.
#[derive(Debug, Clone)]
pub struct Register {
    /// Who vouches.
    pub proof: RegistrationProof,
    /// The user's name; with a ticket or JWT it may be left out, and must be theirs where it is not.
    pub identifier: Option<String>,
    /// Whether an older session makes room.
    pub force: bool,
    /// What the app wants to know of the device later: a JSON object of at most 4 KiB.
    pub metadata: String,
    /// What the client says of its device.
    pub device: Device,
    /// The web origin that asks, if any.
    pub origin: Option<String>,
    /// Where the request comes from.
    pub address: Option<ClientAddress>,
}

/// A registered device.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Generated.
    pub username: String,
    /// Generated; told only here.
    pub password: Secret<String>,
    /// The session in the device's slot.
    pub signed_in: SignedIn,
}

impl Service {
    /// Makes a device credential with its session at once, so that the limit of sessions answers here.
    ///
    /// Errors: those of `sign_in`, and `registration_needs_proof`.
    pub async fn register(&self, request: Register) -> ServiceResult<Registered> {
        if request.metadata.len() > METADATA_BYTES_MAX {
            return Err(ApiError::invalid_field("metadata", "at most 4 KiB"));
        }
        check_device(&request.device)?;
        let Vouched { app, name, once } = self.vouched(&request).await?;
        check_app_origin(&app.settings, request.origin.as_deref())?;
        let sandbox = name.asserted_by == AssertedBy::Myself;
        if sandbox {
            self.guessing.count_sign_up(request.address)?;
        }
        let random = self.random.as_ref();
        let username = format!("dev_{}", random_text(random, 16));
        let password = random_secret("cbd_", random);
        let hash = sha256(password.expose());
        let credential = New {
            name,
            once,
            username: username.clone(),
            hash,
            metadata: request.metadata,
            sandbox,
            epoch: MailboxEpoch::generate(random),
            // No session has this id: the slot is empty until the session is opened.
            slot: SessionId::generate(random),
        };
        let (app_id, now) = (app.id, self.clock.now());
        let proven = proven(app, Who::Device(username.clone(), hash), CredentialKind::Device);
        // One write: where there is no room for the session, nobody learnt of the credential, and it must not stay.
        let insert = move |tx: &mut dyn Tx| insert(tx, app_id, &credential, now);
        let signed_in = self.open_session_after(insert, proven, request.device, None, request.force).await?;
        Ok(Registered { username, password, signed_in })
    }

    /// The app and the user for whom somebody vouches.
    async fn vouched(&self, request: &Register) -> ServiceResult<Vouched> {
        let named = |asserted_by| {
            let name = request.identifier.as_deref();
            let name = name.ok_or_else(|| ApiError::invalid_field("identifier", "is missing"))?;
            NamedUser::new(IdentityType::Username, name, asserted_by)
                .map_err(|problem| ApiError::invalid_field("identifier", &problem))
        };
        let (app, name, once) = match &request.proof {
            RegistrationProof::Nothing(key) => {
                let app = self.find_app(key).await?;
                check_way(&app, CredentialKind::Device)?;
                if !app.settings.sandbox {
                    return Err(ErrorCode::RegistrationNeedsProof.into());
                }
                (app, named(AssertedBy::Myself)?, None)
            }
            RegistrationProof::Credential(key, credential) => {
                let asking = Asking { app_key: key.as_ref(), address: request.address, device: None };
                let proven = self.prove(credential, &asking).await?;
                let Who::Named(name) = proven.who else {
                    return Err(ErrorCode::RegistrationNeedsProof.into());
                };
                if request.identifier.as_deref().is_some_and(|wanted| wanted != name.value) {
                    return Err(ErrorCode::RegistrationNeedsProof.into());
                }
                (proven.app, name, proven.once)
            }
            RegistrationProof::Backend(manager) => {
                (App::clone(&manager.app.now()), named(AssertedBy::Backend)?, None)
            }
        };
        check_way(&app, CredentialKind::Device)?;
        Ok(Vouched { app, name, once })
    }
}

/// For whom somebody vouches, and by what that is good for one use.
struct Vouched {
    app: App,
    name: NamedUser,
    once: Option<Once>,
}

struct New {
    name: NamedUser,
    once: Option<Once>,
    username: String,
    hash: [u8; 32],
    metadata: String,
    sandbox: bool,
    epoch: MailboxEpoch,
    slot: SessionId,
}

fn insert(tx: &mut dyn Tx, app: AppId, new: &New, now: Timestamp) -> Result<Created, Refusal> {
    if let Some(Once { hash, expires_at }) = new.once {
        // The answer tells the password only once: a repeat cannot be answered as the first one was.
        let used = UsedOnce { hash, expires_at, used_at: now, result: new.slot.as_str().to_owned() };
        if tx.insert_used_once(app, &used)? == Created::Existed {
            return Err(ErrorCode::JwtUsed.into());
        }
    }
    let (user, created) = identity::resolve(tx, app, &new.name, &new.epoch, now)?;
    let devices = tx.device_credentials_of(app, &user.id)?;
    if new.sandbox && created == Created::Existed && !is_sandboxed(tx, app, &user.id, &devices)? {
        return Err(ErrorCode::RegistrationNeedsProof.into());
    }
    if devices.len() >= DEVICES_PER_USER_MAX {
        // The oldest device whose session is over makes room; they are listed oldest first.
        for device in &devices {
            let session = tx.session(app, &device.session_id)?;
            if session.is_none_or(|session| session.check(now).is_err()) {
                tx.remove_device_credential(app, &device.username)?;
                break;
            }
        }
    }
    let credential = DeviceCredential {
        username: new.username.clone(),
        user_id: user.id,
        hash: new.hash,
        session_id: new.slot.clone(),
        metadata: new.metadata.clone(),
        sandbox: new.sandbox,
        created_at: now,
    };
    match tx.insert_device_credential(app, &credential)? {
        Created::New => Ok(created),
        Created::Existed => Err(ErrorCode::Internal.into()),
    }
}

/// Whether registration in a sandbox made this user, and nobody has given them another credential.
fn is_sandboxed(
    tx: &mut dyn Tx,
    app: AppId,
    user: &UserId,
    devices: &[DeviceCredential],
) -> Result<bool, Refusal> {
    Ok(!devices.is_empty()
        && devices.iter().all(|device| device.sandbox)
        && tx.password(app, user)?.is_none()
        && tx.access_tokens_of(app, user)?.is_empty())
}

const METADATA_BYTES_MAX: usize = 4 * 1024;

/// Device credentials that one user keeps, while some of them have no open session.
const DEVICES_PER_USER_MAX: usize = 100;
