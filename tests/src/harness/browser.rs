//! A browser as far as the mall needs one: it keeps cookies, follows redirects, fills in a form, and says where a page is from
//! that sends something.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use crate::harness::{
    Mall,
    http::{Http, Response},
};

/// Longer is no way to a page.
const MOST_REDIRECTS: usize = 10;

/// A browser at one address.
pub struct Browser {
    http: Http,
    gateway: String,
    /// By name.
    pub cookies: RefCell<BTreeMap<String, String>>,
}

impl Browser {
    /// One without cookies.
    pub fn at(mall: &Mall) -> Self {
        Self { http: Http::new(), gateway: mall.gateway().to_owned(), cookies: RefCell::default() }
    }

    /// Another tab of it: the same cookies, from here on its own.
    #[must_use]
    pub fn tab(&self) -> Self {
        Self { http: Http::new(), gateway: self.gateway.clone(), cookies: self.cookies.clone() }
    }

    /// Reads a page, as it is answered.
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], Vec::new())
    }

    /// What a script of a page of this address sends.
    pub fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &Value) -> Response {
        let mut headers =
            vec![("content-type", "application/json"), ("sec-fetch-site", "same-origin"), ("origin", &self.gateway)];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.send(method, path, &headers, body.to_string().into_bytes())
    }

    /// Who is logged in, as the gateway says it to the page.
    pub fn who(&self) -> Value {
        self.get("/session").expect(200).json()
    }

    /// Goes to log in, fills the form in where the issuer asks, and ends where the gateway sends it in the end: a path.
    pub fn log_in(&self, email: &str, password: &str, back: &str) -> String {
        let mut at = format!("/login?return={back}");
        for _ in 0..MOST_REDIRECTS {
            let mut answer = self.get(&at);
            if answer.status == 200 && at.starts_with(&format!("{}/identity/login", self.gateway)) {
                answer = self.submit(&answer, &[("email", email), ("password", password)]);
            }
            assert_eq!(answer.status, 303, "{at}: {answer:?}");
            let next = answer.header("location").expect("it leads on").to_owned();
            if next == back {
                return next;
            }
            at = next;
        }
        panic!("it leads in a circle: {at}");
    }

    /// Signs somebody up, who is logged in at the issuer then.
    pub fn sign_up(&self, email: &str, name: &str, password: &str) {
        let page = self.get("/identity/sign-up").expect(200);
        let _ = self.submit(&page, &[("email", email), ("name", name), ("password", password)]).expect(303);
    }

    /// Sends the form of a page.
    fn submit(&self, page: &Response, fields: &[(&str, &str)]) -> Response {
        let text = String::from_utf8(page.body.to_vec()).expect("a page");
        let form = text.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {text}"));
        let hidden = form.split("<input").skip(1).filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let hidden: Vec<_> = hidden.filter_map(|it| Some((attribute(it, "name")?, attribute(it, "value")?))).collect();
        let all = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(fields.iter().copied());
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        self.send("POST", &attribute(form, "action").expect("an action"), &headers, body.into_bytes())
    }

    fn send(&self, method: &str, at: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
        let url = if at.starts_with('/') { format!("{}{at}", self.gateway) } else { at.to_owned() };
        assert!(url.starts_with(&self.gateway), "it leaves the mall: {url}");
        let kept = self.cookies.borrow();
        let line = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        drop(kept);
        let mut all = headers.to_vec();
        if !line.is_empty() {
            all.push(("cookie", &line));
        }
        let answer = self.http.request(method, &url, &all, body).unwrap_or_else(|why| panic!("{method} {url}: {why}"));
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            let mut kept = self.cookies.borrow_mut();
            match value.is_empty() {
                true => drop(kept.remove(name)),
                false => drop(kept.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }
}

/// An attribute of an element that begins here, with what HTML writes otherwise undone.
fn attribute(element: &str, name: &str) -> Option<String> {
    let element = element.split('>').next()?;
    let value = element.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}
