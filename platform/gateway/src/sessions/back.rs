//! Where a browser may return to after a login: a path of this system, and nothing that anybody could read as another place.

/// Longest path that is taken, in bytes: it travels to the issuer and back.
const LONGEST: usize = 1_024;

/// Whether a browser takes it for a path of the place it is at, and for nothing else.
///
/// `//host` and `/\host` are another host to a browser; tabs and line ends it leaves out first (WHATWG URL, section 4.4).
pub(crate) fn is_own_path(text: &str) -> bool {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_path = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    is_visible && is_path && text.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_system_are_returned_to() {
        for good in ["/", "/bell", "/doors/7?at=2026-01-01#lines", "/a//b", "/%ED%95%9C", "/x?next=//evil.example"] {
            assert!(is_own_path(good), "{good}");
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for bad in [
            "",
            "bell",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "http:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nset-cookie: a=b",
            " /bell",
            "/a b",
            "/\0",
            "/\u{7f}",
            "/장바구니",
            "./bell",
            "?x",
            "@evil.example",
            &long,
        ] {
            assert!(!is_own_path(bad), "{bad:?}");
        }
    }
}
