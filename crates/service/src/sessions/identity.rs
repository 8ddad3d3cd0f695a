//! From a name to a user: finds the user, or makes one, and keeps what a backend says apart from what strangers say.

use callbox_domain::{AppId, AssertedBy, Identity, IdentityType, MailboxEpoch, Timestamp, User, UserId};
use callbox_storage::{Created, Tx};
use callbox_wire::{ApiError, ErrorCode};

use crate::error::Refusal;

/// A name as a credential gave it, in its normal form.
#[derive(Debug, Clone)]
pub(crate) struct NamedUser {
    pub identity_type: IdentityType,
    pub value: String,
    pub user_id: UserId,
    pub asserted_by: AssertedBy,
}

impl NamedUser {
    /// Brings the name to its normal form: e-mail addresses in lower case, numbers as `+` and digits, user names as
    /// they are. The user's id is the normal form.
    pub(crate) fn new(
        identity_type: IdentityType,
        name: &str,
        asserted_by: AssertedBy,
    ) -> Result<Self, String> {
        let value = match identity_type {
            IdentityType::Username => name.to_owned(),
            IdentityType::Email => name.trim().to_lowercase(),
            IdentityType::Number => {
                normal_number(name).ok_or("a number is '+' and 5 to 15 digits (E.164)")?
            }
        };
        let user_id = UserId::new(&value).map_err(|error| error.to_string())?;
        if user_id.is_tombstone() {
            return Err("names of this form stand for users who were deleted".to_owned());
        }
        Ok(Self { identity_type, value, user_id, asserted_by })
    }
}

/// The user of this name, made where there is none; and whether it is new.
///
/// A name that someone else vouched for is not resolved: a backend's credential must not open a user whom a stranger
/// signed up under that name, nor open sign-in one whom the backend knows.
pub(super) fn resolve(
    tx: &mut dyn Tx,
    app: AppId,
    name: &NamedUser,
    epoch: &MailboxEpoch,
    now: Timestamp,
) -> Result<(User, Created), Refusal> {
    if let Some(identity) = tx.identity(app, name.identity_type, &name.value)? {
        if identity.asserted_by != name.asserted_by {
            return Err(conflict());
        }
        let user = tx.user(app, &identity.user_id)?.ok_or(ErrorCode::Internal)?;
        return Ok((user, Created::Existed));
    }
    let user = User { id: name.user_id.clone(), created_at: now, last_seen_at: None, blocked_at: None };
    let created = tx.insert_user(app, &user, epoch)?;
    if created == Created::Existed {
        let others = tx.identities_of(app, &user.id)?;
        if others.iter().any(|other| other.asserted_by != name.asserted_by) {
            return Err(conflict());
        }
    }
    tx.insert_identity(
        app,
        &Identity {
            identity_type: name.identity_type,
            value: name.value.clone(),
            user_id: user.id.clone(),
            asserted_by: name.asserted_by,
            created_at: now,
        },
    )?;
    let user = tx.user(app, &user.id)?.ok_or(ErrorCode::Internal)?;
    Ok((user, created))
}

/// The user of this name, who comes without any credential: someone who has one cannot be entered this way.
pub(super) fn resolve_unproven(
    tx: &mut dyn Tx,
    app: AppId,
    name: &NamedUser,
    epoch: &MailboxEpoch,
    now: Timestamp,
) -> Result<(User, Created), Refusal> {
    let (user, created) = resolve(tx, app, name, epoch, now)?;
    let has_credential = created == Created::Existed
        && (tx.password(app, &user.id)?.is_some()
            || !tx.access_tokens_of(app, &user.id)?.is_empty()
            || !tx.device_credentials_of(app, &user.id)?.is_empty()
            || tx.identities_of(app, &user.id)?.iter().any(|one| one.asserted_by == AssertedBy::Backend));
    if has_credential { Err(ErrorCode::OpenSignInOff.into()) } else { Ok((user, created)) }
}

fn conflict() -> Refusal {
    ApiError::new(ErrorCode::IdentityConflict).into()
}

fn normal_number(text: &str) -> Option<String> {
    let compact: String = text.chars().filter(|character| !" -().\u{a0}".contains(*character)).collect();
    let digits = compact.strip_prefix('+')?;
    let good = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(compact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(identity_type: IdentityType, name: &str) -> Option<String> {
        NamedUser::new(identity_type, name, AssertedBy::Backend).ok().map(|named| named.value)
    }

    #[test]
    fn names_have_one_normal_form() {
        assert_eq!(value(IdentityType::Username, "Ann").as_deref(), Some("Ann"));
        assert_eq!(value(IdentityType::Username, "Ann Lee"), None);
        assert_eq!(value(IdentityType::Email, " Ann@Example.com").as_deref(), Some("ann@example.com"));
        assert_eq!(value(IdentityType::Number, "+46 (70) 000-00.00").as_deref(), Some("+46700000000"));
        for bad in ["46700000000", "+46x", "+1", "+1234567890123456", ""] {
            assert_eq!(value(IdentityType::Number, bad), None, "{bad}");
        }
    }
}
