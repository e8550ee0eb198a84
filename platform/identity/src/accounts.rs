//! What people do with their accounts. Each is one Commit: the event without a name, and the documents with it.

pub(crate) mod sign_up;
pub(crate) mod log_in;
pub(crate) mod delays;
pub(crate) mod sessions;
pub(crate) mod change_password;
pub(crate) mod forget;
pub(crate) mod sweep;

use crate::{crypto::proof, passwords};

/// Longest address (RFC 5321 §4.5.3.1.3), in bytes.
pub(crate) const LONGEST_EMAIL: usize = 254;
/// Longest name, in characters.
pub(crate) const LONGEST_NAME: usize = 100;

/// An address in the one spelling by which it is found, if it can be one.
pub(crate) fn normalised(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (user, host) = email.rsplit_once('@')?;
    let is_whole = !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    let is_plain = !email.chars().any(|it| it.is_whitespace() || it.is_control() || "<>\"(),;:\\".contains(it));
    let is_one = !user.contains('@') && email.len() <= LONGEST_EMAIL;
    (is_whole && is_plain && is_one).then_some(email)
}

/// Under which id a login is kept: who reads the file without the pepper learns no address.
pub(crate) fn login_id(pepper: &str, email: &str) -> String {
    proof(pepper, &["login", email])
}

/// Whether it can be taken as a password.
pub(crate) fn is_a_password(password: &str) -> bool {
    password.chars().count() >= passwords::SHORTEST && password.len() <= passwords::LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(normalised(" Ann@House.Example ").as_deref(), Some("ann@house.example"));
        for bad in [
            "",
            "ann",
            "@house.example",
            "ann@",
            "ann@house",
            "a b@house.example",
            "a@b@house.example",
            "a\n@b.c",
            "a@.b",
        ] {
            assert_eq!(normalised(bad), None, "{bad:?}");
        }
        assert_eq!(normalised(&format!("{}@house.example", "a".repeat(250))), None);
    }
}
