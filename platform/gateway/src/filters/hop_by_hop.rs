//! Headers that are meant for the next hop only, and those that say where a request came from.

use bongsu_host::server::Secured;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request, response};

use crate::filter::{Exchange, Filter, Flow};
use crate::tunnel;

/// RFC 9110 §7.6.1, and `Expect`, which the gateway has answered itself.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// Removes them, in both directions, and says truthfully whom the request came from.
pub struct HopByHop;

impl Filter for HopByHop {
    fn name(&self) -> &'static str {
        "hop-by-hop"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        exchange.upgrade = tunnel::asked(request);
        let headers = &mut request.headers;
        strip(headers);
        // Whatever the client says of itself here, it could have invented.
        headers.remove(header::FORWARDED);
        for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"] {
            headers.remove(name);
        }
        if let Ok(peer) = HeaderValue::try_from(exchange.peer.ip().to_string()) {
            headers.insert("x-forwarded-for", peer);
        }
        let proto = if request.extensions.get::<Secured>().is_some() { "https" } else { "http" };
        headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
        // An instance is asked by its own address.
        if let Some(host) = headers.remove(header::HOST) {
            headers.insert("x-forwarded-host", host);
        }
        Flow::Continue
    }

    fn on_response(&self, response: &mut response::Parts, _: &Exchange) {
        strip(&mut response.headers);
        if response.status == StatusCode::SWITCHING_PROTOCOLS {
            tunnel::ask(&mut response.headers);
        }
    }
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}
