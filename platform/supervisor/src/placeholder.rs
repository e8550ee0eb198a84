//! `${url:NAME}` in a service's environment or arguments: where the first instance of another service listens.

/// The names whose addresses a text needs.
///
/// # Errors
/// What is wrong with a placeholder that is none.
pub(crate) fn names(text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    for part in text.split("${").skip(1) {
        let inside = part.split_once('}').map(|(inside, _)| inside);
        let name = inside.and_then(|inside| inside.strip_prefix("url:"));
        names.push(name.ok_or_else(|| format!("'${{{part}': the only placeholder is ${{url:SERVICE}}"))?);
    }
    Ok(names)
}

/// The text with every placeholder replaced.
///
/// # Errors
/// One whose address is not known.
pub(crate) fn fill(text: &str, url_of: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = text.to_owned();
    for name in names(text)? {
        let url = url_of(name).ok_or_else(|| format!("the address of '{name}' is not known yet"))?;
        filled = filled.replace(&format!("${{url:{name}}}"), &url);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_by_addresses() {
        let url_of = |name: &str| (name == "bell").then(|| "http://127.0.0.1:1".to_owned());
        assert_eq!(fill("plain", url_of).unwrap(), "plain");
        assert_eq!(fill("<${url:bell}/x ${url:bell}>", url_of).unwrap(), "<http://127.0.0.1:1/x http://127.0.0.1:1>");
        assert_eq!(fill("${url:door}", url_of).unwrap_err(), "the address of 'door' is not known yet");
        assert!(names("${port:bell}").is_err() && names("${url:bell").is_err());
    }
}
