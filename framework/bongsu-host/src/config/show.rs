//! The effective configuration as an operator may see it.

use toml::{Table, Value};

use super::Config;

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// A key that contains one of these holds a secret.
const SECRET: [&str; 6] = ["secret", "password", "token", "api_key", "private_key", "credential"];

impl Config {
    /// The configuration in TOML, secrets hidden.
    pub fn to_toml(&self) -> String {
        let mut table = super::layers::shape(self);
        hide(&mut table);
        toml::to_string(&table).expect("a table made of serialised values always serialises")
    }
}

fn hide(table: &mut Table) {
    for (key, value) in table.iter_mut() {
        let secret = SECRET.iter().any(|word| key.to_ascii_lowercase().contains(word));
        match value {
            Value::Table(inner) => hide(inner),
            Value::Array(items) if !secret => items.iter_mut().for_each(|item| match item {
                Value::Table(inner) => hide(inner),
                Value::String(text) => *text = without_password(text),
                _ => {}
            }),
            _ if secret => *value = Value::String(HIDDEN.to_owned()),
            Value::String(text) => *text = without_password(text),
            _ => {}
        }
    }
}

/// `scheme://user:password@host` with the password hidden.
fn without_password(text: &str) -> String {
    let hidden = || {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:{HIDDEN}@{host}{path}"))
    };
    hidden().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_passwords_in_urls_are_hidden() {
        let mut config = Config::defaults("door");
        config.store = "postgres://ann:hunter2@db:5432/door".into();
        config.service.insert("mail_password".into(), "hunter3".into());
        let shown = config.to_toml();
        assert!(shown.contains("postgres://ann:***@db:5432/door"), "{shown}");
        assert!(shown.contains("mail_password = \"***\""), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }

    #[test]
    fn a_url_without_a_password_is_shown_as_it_is() {
        for url in ["sqlite:./data/door.db", "http://127.0.0.1:7000", "http://host/path@2", "embedded:"] {
            assert_eq!(without_password(url), url);
        }
    }
}
