//! Which passwords may be chosen. Passwords that exist are not held to it.

use callbox_wire::{ApiError, ErrorCode};
use zxcvbn::{Score, zxcvbn};

use super::normal_form;

/// Whether a user known by these identities (user name, e-mail address, number) may choose this password: it has 8 to 256
/// characters, it is not among the million guesses that an attacker makes first, and it is not made of the user's own
/// identities. There is no rule about kinds of characters: such rules make passwords harder to keep, not to guess.
///
/// "Hard to guess" is `zxcvbn`'s score of 2 or more. A million guesses is far beyond what the limits on guessing let anyone
/// try over the network; more is asked of nobody, because the hash is made for the day when the database is stolen.
/// `details.rule` is `too_short`, `too_long`, `is_identity` or `easy_to_guess`.
///
/// It may take as long as a hash: [`HashPool::hash_chosen`](super::HashPool::hash_chosen) does both where nobody else waits.
pub fn check_password(password: &str, identities: &[&str]) -> Result<(), ApiError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(too_long());
    }
    let password = normal_form(password);
    let characters = password.chars().count();
    if characters < PASSWORD_CHARACTERS_MIN {
        return Err(weak("too_short", "The password is too short; take at least 8 characters.")
            .detail("charactersMin", PASSWORD_CHARACTERS_MIN));
    }
    if characters > PASSWORD_CHARACTERS_MAX {
        return Err(too_long());
    }
    let names = names(identities);
    if is_made_of(&password.to_lowercase(), &names) {
        let sentence =
            "The password is the user's own name, address or number; take one that others do not know.";
        return Err(weak("is_identity", sentence));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if zxcvbn(start(&password, ESTIMATED_CHARACTERS_MAX), &names).score() < Score::Two {
        let sentence = "The password is easy to guess; take several words that do not belong together.";
        return Err(weak("easy_to_guess", sentence));
    }
    Ok(())
}

/// Everything by which the user is known, in lower case and the longest first: each identity, the part of an e-mail address
/// before the `@`, and a number without its `+`.
fn names(identities: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for identity in identities {
        let identity = start(identity.trim(), IDENTITY_CHARACTERS_MAX).to_lowercase();
        names.extend(identity.rsplit_once('@').map(|(local, _)| local.to_owned()));
        names.extend(identity.strip_prefix('+').map(str::to_owned));
        names.push(identity);
    }
    names.retain(|name| !name.is_empty());
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

/// Whether nothing but punctuation and spaces is left of a text without the names in it.
fn is_made_of(text: &str, names: &[String]) -> bool {
    // A space in place of a name, so that what was around it does not become a name in turn.
    let rest = names.iter().fold(text.to_owned(), |rest, name| rest.replace(name.as_str(), " "));
    rest != text && !rest.chars().any(char::is_alphanumeric)
}

fn start(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

fn too_long() -> ApiError {
    weak("too_long", "The password is too long; take at most 256 characters.")
        .detail("charactersMax", PASSWORD_CHARACTERS_MAX)
}

fn weak(rule: &str, sentence: &str) -> ApiError {
    ApiError::with_message(ErrorCode::PasswordWeak, sentence).detail("rule", rule)
}

/// The shortest password. NIST SP 800-63B asks for at least 8, and since its fourth edition for 15 where a password stands
/// alone; the limits on guessing and the estimate make up for the difference.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;

/// The longest password.
pub const PASSWORD_CHARACTERS_MAX: usize = 256;

/// Looked at before anything that takes time. No password of 256 characters is longer in NFC.
const PASSWORD_BYTES_MAX: usize = 1024;

/// So much of a password is judged: a start that is hard to guess is enough. The time grows with every character that may
/// stand for a letter (`4@8(`): 100 such characters take more than a second, 32 of them about as long as one hash.
const ESTIMATED_CHARACTERS_MAX: usize = 32;

/// So much of an identity is compared. Longer ones do not exist.
const IDENTITY_CHARACTERS_MAX: usize = 320;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDENTITIES: &[&str] = &["annika", "Annika.Svensson@example.com", "+46701234567"];

    fn rule(password: &str) -> Option<String> {
        let error = check_password(password, IDENTITIES).err()?;
        assert_eq!(error.code, ErrorCode::PasswordWeak);
        Some(error.details["rule"].as_str().expect("text").to_owned())
    }

    #[test]
    fn ordinary_good_passwords_are_taken() {
        for good in [
            "correct horse battery staple",
            "kX9#vbq2",
            "zwölf Boxkämpfer jagen",
            "пароль-на-крыше-дома",
            "annika likes purple tractors",
            "👩‍🚀🦄🐙🌵🎻🧲🪁🧦",
        ] {
            assert_eq!(rule(good), None, "{good}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_of_the_normal_form() {
        assert_eq!(rule("kX9#vbq").as_deref(), Some("too_short"));
        assert_eq!(
            rule("e\u{301}e\u{301}kx9v").as_deref(),
            Some("too_short"),
            "six, though eight code points"
        );
        let long = |count| "kX9#vbq2ü".chars().cycle().take(count).collect::<String>();
        assert_eq!(rule(&long(256)), None);
        assert_eq!(rule(&long(257)).as_deref(), Some("too_long"));
        assert_eq!(rule(&"🦄".repeat(257)).as_deref(), Some("too_long"), "more bytes than are looked at");
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for common in
            ["password", "Password1", "12345678", "qwertyuiop", "iloveyou", "aaaaaaaaaaaa", "p@ssw0rd"]
        {
            assert_eq!(rule(common).as_deref(), Some("easy_to_guess"), "{common}");
        }
    }

    #[test]
    fn the_users_own_names_are_no_passwords() {
        for own in [
            "annika.svensson@example.com",
            "ANNIKA.SVENSSON",
            "46701234567",
            "+46701234567",
            "AnnikaAnnika",
            "--annika annika!!",
            "annika46701234567",
        ] {
            assert_eq!(rule(own).as_deref(), Some("is_identity"), "{own}");
        }
        assert_eq!(rule("annika12").as_deref(), Some("easy_to_guess"), "little more than a name");
    }

    #[test]
    fn the_refusal_says_the_numbers_and_never_the_password() {
        let error = check_password("hunter2", &[]).expect_err("too short");
        assert_eq!(error.details["charactersMin"], 8);
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_be_judged(text in ".{0,300}", identity in ".{0,20}") {
            let _ = check_password(&text, &[&identity]);
        }

        #[test]
        fn names_in_a_row_are_refused_whatever_is_between(
            names in prop::collection::vec(prop::sample::select(IDENTITIES), 2..4),
            between in "[-_. !]{0,3}",
        ) {
            prop_assert_eq!(rule(&names.join(&between)), Some("is_identity".to_owned()));
        }
    }
}
