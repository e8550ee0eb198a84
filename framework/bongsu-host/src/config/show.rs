//! The effective configuration as an operator may see it.

use toml::{Table, Value};

use super::{
    Config,
    secret::{HIDDEN, is_secret, without_password},
};

impl Config {
    /// The configuration in TOML, secrets hidden.
    pub fn to_toml(&self) -> String {
        let table = hidden(super::layers::shape(self));
        toml::to_string(&table).expect("a table made of serialised values always serialises")
    }
}

/// A table of settings without its secrets.
pub(super) fn hidden(mut table: Table) -> Table {
    hide(&mut table);
    table
}

fn hide(table: &mut Table) {
    for (key, value) in table.iter_mut() {
        let secret = is_secret(key);
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
}
