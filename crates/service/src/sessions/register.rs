//! Registers a device: a generated credential, and the session slot that it opens.

use callbox_domain::random::random_text;
use callbox_domain::{
    App, AssertedBy, ClientAddress, CredentialKind, Device, DeviceCredential, IdentityType, MailboxEpoch,
    Secret, Timestamp,
};
use callbox_storage::{Created, Tx};
use callbox_wire::{ApiError, ErrorCode};

use super::identity::{self, NamedUser};
use super::prove::{Asking, Who, check_way, sha256};
use super::random_secret;
use super::sign_in::{Credential, SignIn, SignedIn, check_app_origin};
use crate::error::{Refusal, written};
use crate::{Manager, Service, ServiceResult};

/// Who vouches for a registration.
#[derive(Debug, Clone)]
pub enum RegistrationProof {
    /// Nobody: only in a sandbox app, and only for users that registration made.
    Nothing(callbox_domain::AppKey),
    /// A ticket or a JWT of the user.
    Credential(Option<callbox_domain::AppKey>, Credential),
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
        let (app, name) = self.vouched(&request).await?;
        check_app_origin(&app.settings, request.origin.as_deref())?;
        let sandbox = name.asserted_by == AssertedBy::Myself;
        if sandbox {
            self.guessing.count_sign_up(request.address)?;
        }
        let random = self.random.as_ref();
        let username = format!("dev_{}", random_text(random, 16));
        let password = random_secret("cbd_", random);
        let credential = New {
            name,
            username: username.clone(),
            hash: sha256(password.expose()),
            metadata: request.metadata,
            sandbox,
            epoch: MailboxEpoch::generate(random),
            // No session has this id: the slot is empty until the sign-in below fills it.
            slot: callbox_domain::SessionId::generate(random),
        };
        let (app_id, now) = (app.id, self.clock.now());
        written(self.store.write(move |tx| insert(tx, app_id, &credential, now)).await)?;
        let signed_in = self.sign_in(SignIn {
            app_key: Some(app.key),
            credential: Credential::Device(username.clone(), password.clone()),
            device: request.device,
            expires_in: None,
            force: request.force,
            origin: request.origin,
            address: request.address,
        });
        match signed_in.await {
            Ok(signed_in) => Ok(Registered { username, password, signed_in }),
            Err(error) => {
                // Nobody learnt of the credential: it must not stay.
                let removed = self
                    .store
                    .write(move |tx| Ok::<_, Refusal>(tx.remove_device_credential(app_id, &username)?));
                written(removed.await)?;
                Err(error)
            }
        }
    }

    /// The app and the user for whom somebody vouches.
    async fn vouched(&self, request: &Register) -> ServiceResult<(App, NamedUser)> {
        let named = |asserted_by| {
            let name = request.identifier.as_deref();
            let name = name.ok_or_else(|| ApiError::invalid_field("identifier", "is missing"))?;
            NamedUser::new(IdentityType::Username, name, asserted_by)
                .map_err(|problem| ApiError::invalid_field("identifier", &problem))
        };
        let (app, name) = match &request.proof {
            RegistrationProof::Nothing(key) => {
                let app = self.find_app(key).await?;
                check_way(&app, CredentialKind::Device)?;
                if !app.settings.sandbox {
                    return Err(ErrorCode::RegistrationNeedsProof.into());
                }
                (app, named(AssertedBy::Myself)?)
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
                (proven.app, name)
            }
            RegistrationProof::Backend(manager) => {
                (App::clone(&manager.app.now()), named(AssertedBy::Backend)?)
            }
        };
        check_way(&app, CredentialKind::Device)?;
        Ok((app, name))
    }
}

struct New {
    name: NamedUser,
    username: String,
    hash: [u8; 32],
    metadata: String,
    sandbox: bool,
    epoch: MailboxEpoch,
    slot: callbox_domain::SessionId,
}

fn insert(tx: &mut dyn Tx, app: callbox_domain::AppId, new: &New, now: Timestamp) -> Result<(), Refusal> {
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
        Created::New => Ok(()),
        Created::Existed => Err(ErrorCode::Internal.into()),
    }
}

/// Whether registration in a sandbox made this user, and nobody has given them another credential.
fn is_sandboxed(
    tx: &mut dyn Tx,
    app: callbox_domain::AppId,
    user: &callbox_domain::UserId,
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
