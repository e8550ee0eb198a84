//! Whether a request was meant for an address that was given out.
//!
//! A web page whose name leads to this machine after all (DNS rebinding) is, for a browser, of the same origin as what
//! listens here: it may read every answer. Its requests carry its name as `Host`, and that is what gives it away: what
//! listens here is reached by a number, or by `localhost`.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, Uri, header};

/// Whether every `Host` of a request, and its target if that names one, is an IP address, `localhost`, or one of these
/// names. Without any (an in-process call, HTTP/1.0) nobody was fooled by a name.
pub fn is_given_out(headers: &HeaderMap, target: &Uri, names: &[String]) -> bool {
    let named = headers.get_all(header::HOST).iter().map(|value| value.to_str().ok());
    let targeted = target.authority().map(|authority| Some(authority.as_str()));
    named.chain(targeted).all(|host| host.is_some_and(|host| is_ours(host, names)))
}

fn is_ours(host: &str, names: &[String]) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    if !port.is_none_or(is_port) {
        return false;
    }
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_out(hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, http::HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        is_given_out(&headers, &Uri::from_static("/x"), &["house.example".to_owned()])
    }

    #[test]
    fn numbers_localhost_and_names_that_were_given_are_ours() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost:1",
            "LocalHost",
            "[::1]:80",
            "[::1]",
            "house.example:443",
            "10.0.0.7:",
        ] {
            assert!(given_out(&[host]), "{host}");
        }
        assert!(given_out(&[]));
    }

    #[test]
    fn a_name_that_leads_here_is_not() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "localhost.",
            "",
            ":80",
            "[::1",
            "[evil]:80",
            "[::1]x",
            "127.0.0.1:x",
            "127.0.0.1:99999",
            "localhost:80:80",
            "봉수.example",
        ] {
            assert!(!given_out(&[host]), "{host}");
        }
        assert!(!given_out(&["localhost", "evil.example"]), "each of several counts");
        let absolute = Uri::from_static("http://evil.example/x");
        assert!(!is_given_out(&HeaderMap::new(), &absolute, &[]), "a target may name one, too");
    }
}
