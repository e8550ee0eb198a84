//! `bongsu routes`: where requests go and who may send them, and what would become of one, without sending it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use gateway::{Access, Canary, May, Route, Table};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use crate::args::{Place, Routes};
use crate::gateway_process::translate;
use crate::screen::{print, table};

/// Prints the table the gateway goes by at this moment, or explains one request.
pub(crate) async fn routes(place: &Place, flags: &Routes) -> Result<ExitCode> {
    let now = translate(place.client()?.routes(0).await?);
    let lines = match flags.explain.as_deref() {
        Some([method, path]) => {
            let method = method.parse::<Method>().with_context(|| format!("{method} is no method"))?;
            explained(&now, &method, path, &lines_of(&flags.headers)?, flags.as_role.as_deref())
        }
        _ => table(&listed(&now)),
    };
    lines.iter().all(|line| print(line));
    Ok(ExitCode::SUCCESS)
}

/// Every path by the length that decides, and under it who may what.
fn listed(now: &Table) -> Vec<Vec<String>> {
    let mut rows = vec![["PATH", "SERVICE", "INSTANCES", "WHO"].map(str::to_owned).to_vec()];
    for route in in_order(now) {
        let who: Vec<String> = now.access.iter().filter(|access| access.service == route.service).map(rule).collect();
        let instances = now.ready(&route.service).len().to_string();
        let who = if who.is_empty() { "whoever is logged in".to_owned() } else { who.join(", ") };
        let stand_in: Vec<&str> =
            now.canaries.iter().filter(|one| one.of == route.service).map(|one| one.service.as_str()).collect();
        let service = match stand_in[..] {
            [] => route.service.clone(),
            _ => format!("{} ({})", route.service, stand_in.join(", ")),
        };
        rows.push(vec![route.path.clone(), service, instances, who]);
    }
    rows
}

/// The longest first, as they are looked for.
fn in_order(now: &Table) -> Vec<&Route> {
    let mut routes: Vec<&Route> = now.routes.iter().collect();
    routes.sort_by(|one, other| other.path.len().cmp(&one.path.len()).then_with(|| one.path.cmp(&other.path)));
    routes
}

fn rule(access: &Access) -> String {
    format!("{}: {} {}", access.who, access.method, access.path)
}

/// What would become of a request.
fn explained(now: &Table, method: &Method, target: &str, said: &HeaderMap, role: Option<&str>) -> Vec<String> {
    let path = target.split(['?', '#']).next().unwrap_or(target);
    let fitting: Vec<&Route> = in_order(now).into_iter().filter(|route| route.fits(path)).collect();
    let Some((first, others)) = fitting.split_first() else {
        return vec![format!("{method} {path}: no route fits; the gateway answers 404")];
    };
    let mut lines = vec![format!("{method} {path} goes to {}: {} fits", first.service, first.path)];
    lines.extend(others.iter().map(|other| format!("  before {} of {}, which is shorter", other.path, other.service)));
    let canaries = now.canaries.iter().filter(|canary| canary.of == first.service);
    lines.extend(canaries.map(|canary| stands_in(now, canary)));
    // A caller without a name falls into some share; what he says decides before that.
    let asked = now.canaries.iter().find(|canary| canary.of == first.service && says(canary, said));
    let asked = asked.filter(|canary| !now.ready(&canary.service).is_empty());
    if let Some(canary) = asked {
        lines.push(format!("so it goes to {}: that is said", canary.service));
    }
    let service = asked.map_or(&first.service, |canary| &canary.service);
    lines.extend(now.fitting(&first.service, method, path).map(|access| format!("  {} fits", rule(access))));
    lines.push(verdict(&now.may(&first.service, method, path), role));
    let ready: Vec<String> = now.ready(service).iter().map(ToString::to_string).collect();
    lines.push(match (ready.is_empty(), now.coming.contains(service)) {
        (false, _) => format!("ready: {}", ready.join(", ")),
        (true, true) => "no instance is ready; one is about to be".to_owned(),
        (true, false) => "no instance is ready: 503".to_owned(),
    });
    lines
}

/// The lines that a request says.
fn lines_of(lines: &[String]) -> Result<HeaderMap> {
    let read = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?))
    };
    lines.iter().map(|line| read(line).with_context(|| format!("'{line}' is no line: write NAME: VALUE"))).collect()
}

fn says(canary: &Canary, said: &HeaderMap) -> bool {
    canary.header.as_ref().is_some_and(|(name, value)| said.get_all(name).iter().any(|line| line == value))
}

/// For whom it stands in.
fn stands_in(now: &Table, canary: &Canary) -> String {
    let share = (canary.percent > 0).then(|| format!("for {} of 100 callers", canary.percent));
    let line = canary
        .header
        .as_ref()
        .map(|(name, value)| format!("for whoever says {name}: {}", value.to_str().unwrap_or_default()));
    let whom: Vec<String> = line.into_iter().chain(share).collect();
    let ready = if now.ready(&canary.service).is_empty() { ": nobody now, it has no ready instance" } else { "" };
    format!("  {} stands in for {} {}{ready}", canary.service, canary.of, whom.join(" and "))
}

/// Whether somebody may ask it, where people log in.
fn verdict(may: &May<'_>, role: Option<&str>) -> String {
    let who = match may {
        May::Everybody => "everybody may".to_owned(),
        May::Visitors => "whoever is logged in may, and visitors".to_owned(),
        May::Somebody => "whoever is logged in may".to_owned(),
        May::Only(roles) => format!("only {} may", roles.join(" or ")),
    };
    let judged = match (may, role) {
        (May::Everybody | May::Visitors, _) | (May::Somebody, Some(_)) => "let through",
        (May::Only(roles), Some(role)) if roles.contains(&role) => "let through",
        (May::Only(_), Some(_)) => "403",
        (_, None) => "401 without a login",
    };
    match role {
        Some(role) => format!("{who}; as {role}: {judged}"),
        None => format!("{who}; {judged}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn house() -> Table {
        let route = |path: &str, service: &str| Route { path: path.into(), service: service.into() };
        let rule = |who: &str, method: &str, path: &str| Access {
            service: "door".into(),
            method: method.into(),
            path: path.into(),
            who: who.into(),
        };
        Table {
            revision: 7,
            routes: vec![route("/*", "shell"), route("/doors/*", "door"), route("/doors/keys", "key")],
            upstreams: BTreeMap::from([("door".to_owned(), vec![([127, 0, 0, 1], 4711).into()])]),
            access: vec![rule("public", "GET", "/doors/*"), rule("keeper", "PUT", "/doors/*")],
            ..Table::default()
        }
    }

    fn said(method: &Method, path: &str, role: Option<&str>) -> String {
        explained(&house(), method, path, &HeaderMap::new(), role).join("\n")
    }

    #[test]
    fn which_route_wins_and_why_is_said_without_sending() {
        let got = said(&Method::GET, "/doors/7?x=1", None);
        let expected = "GET /doors/7 goes to door: /doors/* fits\n  before /* of shell, which is shorter\n  \
                        public: GET /doors/* fits\neverybody may; let through\nready: 127.0.0.1:4711";
        assert_eq!(got, expected);
        assert!(said(&Method::GET, "/doors/keys", None).contains("goes to key: /doors/keys fits"));
        assert!(said(&Method::GET, "/attic", None).contains("no instance is ready: 503"));
        let mut empty = house();
        empty.routes.clear();
        assert_eq!(
            explained(&empty, &Method::GET, "/x", &HeaderMap::new(), None),
            ["GET /x: no route fits; the gateway answers 404"]
        );
    }

    #[test]
    fn who_may_is_judged_as_the_gateway_does() {
        for (method, path, role, expected) in [
            (Method::PUT, "/doors/7", None, "only keeper may; 401 without a login"),
            (Method::PUT, "/doors/7", Some("guest"), "only keeper may; as guest: 403"),
            (Method::PUT, "/doors//7", Some("keeper"), "only keeper may; as keeper: let through"),
            (Method::POST, "/doors/7", None, "whoever is logged in may; 401 without a login"),
            (Method::POST, "/doors/7", Some("guest"), "whoever is logged in may; as guest: let through"),
            (Method::GET, "/d%6Fors/7", None, "no instance is ready"),
        ] {
            let got = said(&method, path, role);
            assert!(got.contains(expected), "{got}");
        }
    }

    #[test]
    fn who_stands_in_for_a_service_is_said_with_why_and_for_whom() {
        let mut house = house();
        let line = lines_of(&["X-Next: yes".to_owned()]).expect("a line");
        let header = Some((HeaderName::from_static("x-next"), HeaderValue::from_static("yes")));
        house.canaries = vec![Canary { service: "door-next".into(), of: "door".into(), percent: 5, header }];
        let explain =
            |house: &Table, said: &HeaderMap| explained(house, &Method::GET, "/doors/7", said, None).join("\n");
        let who = "  door-next stands in for door for whoever says x-next: yes and for 5 of 100 callers";
        let none = format!("{who}: nobody now, it has no ready instance");
        assert!(explain(&house, &line).contains(&none) && explain(&house, &line).ends_with("ready: 127.0.0.1:4711"));
        house.upstreams.insert("door-next".into(), vec![([127, 0, 0, 1], 4712).into()]);
        let got = explain(&house, &line);
        assert!(got.contains(&format!("{who}\nso it goes to door-next: that is said")), "{got}");
        assert!(got.ends_with("ready: 127.0.0.1:4712"), "{got}");
        assert!(explain(&house, &HeaderMap::new()).ends_with("ready: 127.0.0.1:4711"));
        assert_eq!(listed(&house)[2][1], "door (door-next)");
        for garbage in ["", "x", ": y", "a b: c", "x: \u{7f}"] {
            assert!(lines_of(&[garbage.to_owned()]).is_err(), "{garbage}");
        }
    }

    #[test]
    fn the_list_is_in_the_order_in_which_routes_are_looked_for() {
        let rows = listed(&house());
        let paths: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(paths, ["PATH", "/doors/keys", "/doors/*", "/*"]);
        assert_eq!(rows[2][3], "public: GET /doors/*, keeper: PUT /doors/*");
        assert_eq!(rows[3][3], "whoever is logged in");
    }
}
