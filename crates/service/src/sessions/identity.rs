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
    /// they are. The user's id is the normal form, and so ASCII. Lower case is that of ASCII alone: Unicode's would make a
    /// `k` of a Kelvin sign (U+212A), and with it one address of two.
    pub(crate) fn new(
        identity_type: IdentityType,
        name: &str,
        asserted_by: AssertedBy,
    ) -> Result<Self, String> {
        let value = match identity_type {
            IdentityType::Username => name.to_owned(),
            IdentityType::Email => name.trim().to_ascii_lowercase(),
            IdentityType::Number => {
                normal_number(name).ok_or("a number is '+', country code and all, 5 to 15 digits (E.164)")?
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

/// A number as E.164 writes it (ITU-T E.164, section 6): `+`, a country code, which never begins with 0, and the rest, 15
/// digits at most. Spaces, hyphens, dots and brackets between them say nothing and are dropped.
///
/// Nothing is guessed, because two spellings that are taken for one number, or one that is taken for two, let a person into
/// the account of another. So there is no number without `+`: which country it is in, and whether `00` or `011` leads abroad,
/// depends on where it is dialled. And `+44 (0)20 …` is refused: dialled from abroad its `0` is left out, and not
/// everybody who writes it knows.
fn normal_number(text: &str) -> Option<String> {
    let without_spaces: String = text.chars().filter(|character| !" \u{a0}".contains(*character)).collect();
    if without_spaces.contains("(0)") {
        return None;
    }
    let compact = without_spaces.replace(['-', '(', ')', '.'], "");
    let digits = compact.strip_prefix('+').filter(|digits| !digits.starts_with('0'))?;
    let good = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(compact)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(identity_type: IdentityType, name: &str) -> Option<String> {
        NamedUser::new(identity_type, name, AssertedBy::Backend).ok().map(|named| named.value)
    }

    fn number(text: &str) -> Option<String> {
        value(IdentityType::Number, text)
    }

    fn digits(text: &str) -> String {
        text.chars().filter(char::is_ascii_digit).collect()
    }

    #[test]
    fn names_have_one_normal_form() {
        assert_eq!(value(IdentityType::Username, "Ann").as_deref(), Some("Ann"));
        assert_eq!(value(IdentityType::Username, "Ann Lee"), None);
        assert_eq!(value(IdentityType::Email, " Ann@Example.com").as_deref(), Some("ann@example.com"));
        assert_eq!(value(IdentityType::Email, "mi\u{212a}e@example.com"), None, "no ASCII, however it looks");
    }

    #[test]
    fn a_number_is_international_and_nothing_is_guessed() {
        for good in
            ["+46700000000", "+46 (70) 000-00.00", " +46\u{a0}700\u{a0}000\u{a0}000 ", "(+46) 700 000 000"]
        {
            assert_eq!(number(good).as_deref(), Some("+46700000000"), "{good}");
        }
        assert_eq!(number("+39 (06) 6982").as_deref(), Some("+39066982"), "Italy's 0 belongs to the number");
        for national in ["46700000000", "0700000000", "0046700000000", "01146700000000"] {
            assert_eq!(number(national), None, "{national}");
        }
        for trunk in ["+46 (0)70 000 00 00", "+46 ( 0 ) 70 000 00 00", "+0700000000"] {
            assert_eq!(number(trunk), None, "{trunk}");
        }
        assert_eq!(number("+123456789012345").as_deref(), Some("+123456789012345"), "15 digits");
        for bad in ["", "+", "+1234", "+1234567890123456", "++4670000", "+46+70000", "46+70000", "+46x70000"]
        {
            assert_eq!(number(bad), None, "{bad}");
        }
        for other_digits in ["+\u{664}\u{666}70000", "\u{ff0b}4670000", "+\u{ff14}670000", "+46\u{200b}70000"]
        {
            assert_eq!(number(other_digits), None, "{other_digits}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_in_its_normal_form_or_none(text in "(\\PC{0,40}|[-+ ().0-9]{0,24})") {
            if let Some(normal) = number(&text) {
                prop_assert_eq!(digits(&normal), digits(&text), "no digit comes or goes");
                let all_digits = normal.strip_prefix('+').is_some_and(|rest| rest == digits(&normal));
                prop_assert!(all_digits && (6..=16).contains(&normal.len()) && !normal.starts_with("+0"), "{normal}");
                prop_assert_eq!(number(&normal), Some(normal));
            }
        }

        #[test]
        fn what_stands_between_the_digits_changes_nothing(
            parts in prop::collection::vec(("[1-9]{1,3}", "[-. ()\u{a0}]{0,2}"), 2..5),
        ) {
            let plain: String = parts.iter().map(|(digits, _)| digits.as_str()).collect();
            let written: String = parts.iter().flat_map(|(digits, between)| [digits.as_str(), between]).collect();
            prop_assert_eq!(number(&format!("+{written}")), number(&format!("+{plain}")));
        }

        #[test]
        fn one_character_altered_is_another_number_or_none(
            good in "\\+[1-9][0-9]{4,14}",
            place in any::<prop::sample::Index>(),
            other in any::<char>(),
        ) {
            prop_assert_eq!(number(&good), Some(good.clone()));
            let mut altered: Vec<char> = good.chars().collect();
            let place = place.index(altered.len());
            prop_assume!(altered[place] != other);
            altered[place] = other;
            let altered: String = altered.into_iter().collect();
            prop_assert_ne!(number(&altered), Some(good), "{}", altered);
        }

        #[test]
        fn a_normal_form_is_its_own_normal_form(name in "(\\PC{0,40}|[ -~]{0,40})") {
            for kind in [IdentityType::Username, IdentityType::Email, IdentityType::Number] {
                if let Some(normal) = value(kind, &name) {
                    prop_assert_eq!(value(kind, &normal), Some(normal));
                }
            }
        }
    }
}
