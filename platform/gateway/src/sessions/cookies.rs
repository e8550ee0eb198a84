//! The gateway's cookies. `__Host-` says that nobody else of this domain set them; no script reads them, and no other site
//! sends them with what changes something.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

/// The name of a session.
pub(crate) const SESSION: &str = "__Host-session";
/// What a login is bound to while it goes on.
pub(crate) const LOGIN: &str = "__Host-login";
/// Whoever comes without a login.
pub(crate) const VISITOR: &str = "__Host-visitor";
const OWN: [&str; 3] = [SESSION, LOGIN, VISITOR];

/// A cookie for so many seconds; of none, when it is taken away.
pub(crate) fn set(name: &str, value: &str, seconds: i64) -> HeaderValue {
    let text = format!("{name}={value}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(text).expect("names and values are visible ASCII")
}

/// A cookie of which there is one, no longer than that: of two, nobody knows which one was meant.
pub(crate) fn one<'h>(headers: &'h HeaderMap, name: &str, longest: usize) -> Option<&'h str> {
    let mut found = pairs(headers).filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) if !value.is_empty() && value.len() <= longest => Some(value),
        _ => None,
    }
}

/// Whether the browser says that it has a cookie of ours.
pub(crate) fn has(headers: &HeaderMap, name: &str) -> bool {
    pairs(headers).any(|(found, _)| found == name)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Takes ours out: no service sees them.
pub(crate) fn keep_back(headers: &mut HeaderMap) {
    let is_ours = |pair: &str| OWN.contains(&pair.split('=').next().unwrap_or_default().trim());
    let lines: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    // One whose bytes are no ASCII cannot be taken apart, and browsers send none.
    if !lines.iter().any(|line| line.to_str().map_or(true, |line| line.split(';').any(is_ours))) {
        return;
    }
    headers.remove(COOKIE);
    for line in lines.iter().filter_map(|line| line.to_str().ok()) {
        let others: Vec<&str> =
            line.split(';').map(str::trim).filter(|pair| !pair.is_empty() && !is_ours(pair)).collect();
        if let (false, Ok(line)) = (others.is_empty(), HeaderValue::try_from(others.join("; "))) {
            headers.append(COOKIE, line);
        }
    }
}

/// Takes out those of ours that a service sets: who is in a browser is said here and nowhere else.
pub(crate) fn refuse_foreign(headers: &mut HeaderMap) {
    let is_ours = |line: &HeaderValue| {
        let line = line.as_bytes();
        let name = line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        OWN.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
    };
    if !headers.get_all(SET_COOKIE).iter().any(is_ours) {
        return;
    }
    let others: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter(|line| !is_ours(line)).cloned().collect();
    headers.remove(SET_COOKIE);
    for line in others {
        headers.append(SET_COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).expect("a line"));
        }
        headers
    }

    #[test]
    fn a_cookie_counts_when_there_is_one() {
        let read = |lines: &[&str]| one(&sent(lines), SESSION, 4).map(str::to_owned);
        assert_eq!(read(&["a=b; __Host-session=abcd; c=d"]).as_deref(), Some("abcd"));
        assert_eq!(read(&["a=b", "__Host-session=abcd"]).as_deref(), Some("abcd"));
        for none in [
            &[][..],
            &["__Host-session="],
            &["__Host-session"],
            &["__host-session=abcd"],
            &["session=abcd"],
            &["__Host-session=abcde"],
            &["__Host-session=a; __Host-session=b"],
            &["__Host-session=a", "__Host-session=a"],
            &["x__Host-session=abcd"],
        ] {
            assert_eq!(read(none), None, "{none:?}");
        }
        assert!(has(&sent(&["__Host-session=a; __Host-session=b"]), SESSION) && !has(&sent(&["a=b"]), SESSION));
    }

    #[test]
    fn no_service_sees_ours_nor_sets_them() {
        let mut headers = sent(&["a=b; __Host-session=x; c=d", "__Host-visitor=y", "e=f", "__Host-login=z;"]);
        keep_back(&mut headers);
        let left: Vec<&str> = headers.get_all(COOKIE).iter().map(|line| line.to_str().expect("text")).collect();
        assert_eq!(left, ["a=b; c=d", "e=f"]);
        let mut headers = HeaderMap::new();
        for line in ["__Host-session=a; Path=/", "__host-SESSION =a", "b=__Host-session=c", " __Host-visitor=d"] {
            headers.append(SET_COOKIE, HeaderValue::from_str(line).expect("a line"));
        }
        refuse_foreign(&mut headers);
        let left: Vec<&HeaderValue> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(left, ["b=__Host-session=c"]);
    }
}
