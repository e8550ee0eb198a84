//! A browser as far as login pages need one: cookies, forms, and stopping where a redirect leaves for the party.

use std::{collections::BTreeMap, time::Duration};

use ureq::{
    Agent,
    http::{Method, Request, Response, header},
};
use url::{Url, form_urlencoded::Serializer};

/// Nobody listens there: a redirect below it is where a journey ends.
pub(crate) const HOME: &str = "https://party.example/";
/// More redirects than any login needs.
const MOST_REDIRECTS: usize = 10;
/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with its cookies.
pub(crate) struct Browser {
    agent: Agent,
    cookies: BTreeMap<String, String>,
}

/// Where a journey ended.
#[derive(Debug)]
pub(crate) enum End {
    Page {
        url: Url,
        body: String,
    },
    /// At the party.
    Left(Url),
}

/// A client that sees every answer as it is.
pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder().max_redirects(0).http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().into()
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { agent: agent(), cookies: BTreeMap::new() }
    }

    pub(crate) fn open(&mut self, url: &Url) -> End {
        self.follow(url.clone(), None)
    }

    /// Fills in the form of a page and sends it, hidden fields (against forged requests, too) as they came.
    pub(crate) fn submit(&mut self, page: &End, fields: &[(&str, &str)]) -> End {
        let End::Page { url, body } = page else { panic!("no page: {page:?}") };
        let form = body.split("<form").nth(1).unwrap_or_else(|| panic!("no form at {url}: {body}"));
        let action = url.join(&attribute(form, "action").expect("an action")).expect("an address");
        let mut filled = Serializer::new(String::new());
        for input in form.split("<input").skip(1) {
            if let (Some("hidden"), Some(name)) = (attribute(input, "type").as_deref(), attribute(input, "name")) {
                filled.append_pair(&name, &attribute(input, "value").unwrap_or_default());
            }
        }
        self.follow(action, Some(filled.extend_pairs(fields).finish()))
    }

    fn follow(&mut self, mut url: Url, mut form: Option<String>) -> End {
        for _ in 0..MOST_REDIRECTS {
            if url.as_str().starts_with(HOME) {
                return End::Left(url);
            }
            let mut answer = self.send(&url, form.take());
            let next = answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("text").to_owned());
            match next {
                Some(next) => url = url.join(&next).expect("an address"),
                None => return End::Page { url, body: answer.body_mut().read_to_string().expect("text") },
            }
        }
        panic!("redirected without end, last to {url}");
    }

    fn send(&mut self, url: &Url, form: Option<String>) -> Response<ureq::Body> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().uri(url.as_str()).header(header::COOKIE, cookies.join("; "));
        let answer = match form {
            Some(form) => {
                let request =
                    request.method(Method::POST).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                self.agent.run(request.body(form).expect("a request"))
            }
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().expect("text").split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a name and a value");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split('>').next()?.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
