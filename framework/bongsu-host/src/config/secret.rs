//! What is a secret among settings: by the name of its key, or because a password is in its URL.

use toml::{Table, Value};

/// What stands in place of a secret.
pub(super) const HIDDEN: &str = "***";
/// A key that contains one of these holds a secret.
const SECRET: [&str; 6] = ["secret", "password", "token", "api_key", "private_key", "credential"];

/// Whether what is under a key of that name is a secret.
pub(super) fn is_secret(key: &str) -> bool {
    SECRET.iter().any(|word| key.to_ascii_lowercase().contains(word))
}

/// The same of a text: one that only names a file is none.
pub(super) fn names_a_secret(key: &str) -> bool {
    is_secret(key) && !key.ends_with("_file")
}

/// `scheme://user:password@host` with the password hidden.
pub(super) fn without_password(text: &str) -> String {
    let hidden = || {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:{HIDDEN}@{host}{path}"))
    };
    hidden().unwrap_or_else(|| text.to_owned())
}

/// The first key of a table that holds a secret. What only names a file, or is a number or a switch, is none.
pub fn secret(table: &Table) -> Option<String> {
    table.iter().find_map(|(key, value)| secret_in(key, key, value))
}

fn secret_in(path: &str, name: &str, value: &Value) -> Option<String> {
    let is_one = match value {
        Value::Table(inner) => {
            return inner.iter().find_map(|(name, value)| secret_in(&format!("{path}.{name}"), name, value));
        }
        Value::Array(items) => return items.iter().find_map(|item| secret_in(path, name, item)),
        Value::String(text) => (names_a_secret(name) && !text.is_empty()) || without_password(text) != *text,
        _ => false,
    };
    is_one.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_password_is_shown_as_it_is() {
        for url in ["sqlite:./data/door.db", "http://127.0.0.1:7000", "http://host/path@2", "embedded:"] {
            assert_eq!(without_password(url), url);
        }
    }
}
