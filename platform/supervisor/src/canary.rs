//! A service that stands in for another one, for some of its callers: the next version, tried by a few.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::system_file::{Service, SystemFile};

/// For whom a service stands in for another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The service whose routes lead to it, too.
    pub of: String,
    /// For so many of a hundred callers.
    #[serde(default)]
    pub percent: u32,
    /// And for whoever says this: `NAME: VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

impl Canary {
    /// What is wrong with it as that service's.
    pub(crate) fn complaint(&self, service: &Service) -> Option<String> {
        if !(service.routes.is_empty() && service.access().next().is_none()) {
            return Some("canary: it has the routes of the service it stands in for, and none of its own".into());
        }
        self.nonsense().map(|why| format!("canary: {why}"))
    }

    fn nonsense(&self) -> Option<String> {
        if self.percent == 0 && self.header.is_none() {
            return Some("it is for nobody: say 'percent' or 'header'".into());
        }
        if self.percent > 100 {
            return Some(format!("percent = {}: 0 to 100 are possible", self.percent));
        }
        let said = self.header.as_ref()?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_line = said.split_once(": ").is_some_and(|(name, value)| {
            let is_value = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
            !name.is_empty() && name.bytes().all(is_name) && is_value && value.trim() == value
        });
        (!is_line).then(|| format!("header = '{said}': what is said is 'NAME: VALUE'"))
    }
}

impl SystemFile {
    /// The service of a name.
    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// A canary is of a service that is none, and no service has more than all of its callers elsewhere.
pub(crate) fn wrong(system: &SystemFile) -> Option<String> {
    let mut percents: BTreeMap<&str, u32> = BTreeMap::new();
    for service in &system.services {
        let Some(Canary { of, percent, .. }) = &service.canary else { continue };
        if !system.services.iter().any(|other| other.name == *of && other.canary.is_none()) {
            return Some(format!("service '{}': canary of '{of}', which is no service with routes", service.name));
        }
        let all = percents.entry(of).or_default();
        *all += percent;
        if *all > 100 {
            return Some(format!("the canaries of '{of}' are for {all} of 100 callers"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, more: &str) -> String {
        format!("[[service]]\nname = '{name}'\ncommand = 'x'\n{more}\n")
    }

    /// What is wrong with it, if something is.
    fn complaint(text: &str) -> Option<String> {
        let system = match toml::from_str::<SystemFile>(&format!("name = 'house'\n{text}")) {
            Ok(system) => system,
            Err(why) => return Some(why.to_string()),
        };
        let of_one = |service: &Service| service.canary.as_ref()?.complaint(service);
        system.services.iter().find_map(of_one).or_else(|| wrong(&system))
    }

    #[test]
    fn one_that_cannot_be_meant_is_refused_by_name() {
        let right =
            service("b", "routes = ['/b']") + &service("a", "canary = { of = 'b', percent = 5, header = 'x-b: a' }");
        assert_eq!(complaint(&right), None);
        let all: &[(String, &str)] = &[
            (service("a", "canary = { of = 'b', percent = 5 }"), "canary of 'b', which is no service"),
            (service("a", "canary = { of = 'a', percent = 5 }"), "canary of 'a', which is no service"),
            (service("b", "") + &service("a", "canary = { of = 'b' }"), "it is for nobody"),
            (service("b", "") + &service("a", "canary = { of = 'b', percent = 101 }"), "percent = 101: 0 to 100"),
            (service("b", "") + &service("a", "canary = { of = 'b', percent = -1 }"), "invalid value"),
            (service("b", "") + &service("a", "canary = { of = 'b', header = 'x-canary' }"), "'NAME: VALUE'"),
            (service("b", "") + &service("a", "canary = { of = 'b', header = 'x y: z' }"), "'NAME: VALUE'"),
            (service("b", "") + &service("a", "canary = { of = 'b', share = 5 }"), "unknown field `share`"),
            (
                service("b", "") + &service("a", "routes = ['/a']\ncanary = { of = 'b', percent = 5 }"),
                "it has the routes of the service it stands in for",
            ),
            (
                service("b", "")
                    + &service("a", "canary = { of = 'b', percent = 60 }")
                    + &service("c", "canary = { of = 'b', percent = 41 }"),
                "the canaries of 'b' are for 101 of 100 callers",
            ),
        ];
        for (text, expected) in all {
            let said = complaint(text).unwrap_or_else(|| panic!("{text} is taken"));
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
