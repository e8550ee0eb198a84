//! Browsers in which somebody is logged in, for as long as they are.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use bongsu_keys::{GATEWAY, OPERATOR, Roots};
use bongsu_runtime::ports::store::Scan;
use futures::future::join_all;
use gateway::Sessions;
use serde_json::{Value, json};

use crate::browser::{Browser, ORIGIN, Town};
use crate::street::{Act, Street};

pub(crate) const WELL: &[Act] = &[Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell")];

async fn open(town: &Town) -> Street {
    let mut street = town.street(|sessions| sessions).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    street
}

/// Longer than what is known counts.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
}

#[tokio::test]
async fn a_browser_logs_in_is_somebody_and_logs_out() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    assert_eq!(browser.who(&street).await, json!({ "person": null, "roles": [] }));
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.log_in(&street, &town, "/doors/7%3Fa=b").await, "/doors/7?a=b");
    let who = browser.who(&street).await;
    assert_eq!((&who["person"], &who["name"], &who["roles"]), (&json!("usr_ann"), &json!("Ann"), &json!(["guest"])));
    assert!(who["expires"].as_str().is_some_and(|at| at.ends_with('Z')), "{who}");
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::OK);
    assert_eq!(browser.get(&street, "/keep/x").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&street, "/x").await.status, StatusCode::OK);
    let out = browser.post(&street, "/logout").await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    let to = out.headers["location"].to_str().unwrap();
    assert!(to.starts_with(&format!("{}/logout?id_token_hint=", town.provider.issuer())), "{to}");
    assert!(!browser.cookies.contains_key("__Host-session"));
    assert_eq!(town.provider.house.revoked.load(Ordering::SeqCst), 1, "what was given is given back");
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
    let again = browser.ask(&street, "POST", "/logout", &[("origin", ORIGIN), ("accept", "application/json")]).await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::OK, "{\"location\":\"/\"}"));
}

#[tokio::test]
async fn whoever_kept_the_cookie_of_a_session_that_has_ended_is_nobody() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let mut thief = Browser { cookies: browser.cookies.clone() };
    assert_eq!(thief.get(&street, "/x").await.status, StatusCode::OK);
    browser.post(&street, "/logout").await;
    assert_eq!(thief.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
    assert!(!thief.cookies.contains_key("__Host-session"), "and it is taken away");
}

#[tokio::test]
async fn a_gateway_that_is_gone_leaves_its_sessions_to_the_next_one() {
    let town = Town::new().await;
    let mut browser = Browser::new();
    browser.log_in(&open(&town).await, &town, "/").await;
    let next = open(&town).await;
    assert_eq!(browser.get(&next, "/x").await.status, StatusCode::OK);
    let other = open(&town).await;
    assert_eq!(browser.get(&other, "/x").await.status, StatusCode::OK, "and two have them at a time");
    browser.post(&other, "/logout").await;
    a_while().await;
    let mut thief = Browser { cookies: browser.cookies.clone() };
    thief.cookies.insert("__Host-session".into(), "0".repeat(64));
    assert_eq!(thief.get(&next, "/x").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_logout_at_one_gateway_holds_at_another() {
    let town = Town::new().await;
    let (one, other) = (open(&town).await, open(&town).await);
    let mut browser = Browser::new();
    browser.log_in(&one, &town, "/").await;
    let mut tab = Browser { cookies: browser.cookies.clone() };
    assert_eq!(tab.get(&other, "/x").await.status, StatusCode::OK);
    browser.post(&one, "/logout").await;
    a_while().await;
    assert_eq!(tab.get(&other, "/x").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_lock_and_a_change_of_roles_hold_after_a_moment() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    town.provider.mood().roles = vec!["guest", "keeper"];
    a_while().await;
    assert_eq!(browser.get(&street, "/keep/x").await.status, StatusCode::OK);
    assert_eq!(browser.who(&street).await["roles"], json!(["guest", "keeper"]));
    town.provider.mood().roles = vec![];
    a_while().await;
    assert_eq!(browser.get(&street, "/keep/x").await.status, StatusCode::FORBIDDEN);
    town.provider.mood().is_locked = true;
    a_while().await;
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
    town.provider.mood().is_locked = false;
    assert_eq!(browser.who(&street).await["person"], Value::Null, "it has ended");
}

#[tokio::test]
async fn while_the_issuer_is_down_whoever_is_logged_in_goes_on_and_nobody_logs_in() {
    let town = Town::new().await;
    town.provider.mood().life_s = 21;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let mut other = Browser::new();
    let sent_to = other.set_out(&street, "/").await;
    let code = town.provider.consent(&sent_to);
    town.provider.mood().is_down = true;
    // Its token is about to end, and no next one is given.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::OK);
    let back = crate::browser::callback(&sent_to, &code);
    let answer = other.get(&street, &back).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    assert!(answer.body.contains("/errors/login-unavailable") && answer.headers.contains_key("retry-after"));
    town.provider.mood().is_down = false;
    assert_eq!(other.get(&street, &back).await.status, StatusCode::SEE_OTHER, "the same code counts when it is back");
    for _ in 0..100 {
        assert_eq!(browser.get(&street, "/x").await.status, StatusCode::OK);
        if town.provider.house.refreshed.load(Ordering::SeqCst) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("asked in vain, and then never given the next one");
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_says_who_somebody_is_by_the_next_tokens() {
    let town = Town::new().await;
    town.provider.mood().is_deaf = true;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    a_while().await;
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::OK);
    town.provider.mood().life_s = 21;
    browser.log_in(&street, &town, "/").await;
    town.provider.mood().is_locked = true;
    for _ in 0..100 {
        if browser.get(&street, "/x").await.status == StatusCode::UNAUTHORIZED {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a refused refresh ends no session");
}

#[tokio::test]
async fn many_requests_at_once_refresh_once() {
    let town = Town::new().await;
    town.provider.mood().life_s = 10;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let cookies = &browser.cookies;
    let street = &street;
    let ask = |_| async move {
        let mut tab = Browser { cookies: cookies.clone() };
        tab.get(street, "/x").await.status
    };
    assert!(join_all((0..50).map(ask)).await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(town.provider.house.refreshed.load(Ordering::SeqCst), 1);
    town.provider.mood().life_s = 300;
    a_while().await;
    assert!(join_all((0..50).map(ask)).await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(town.provider.house.refreshed.load(Ordering::SeqCst), 2);
    let asked = town.provider.house.asked.load(Ordering::SeqCst);
    a_while().await;
    assert!(join_all((0..50).map(ask)).await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(town.provider.house.asked.load(Ordering::SeqCst), asked + 1, "one asks, the others wait for it");
}

#[tokio::test]
async fn tokens_whose_replacing_was_cut_off_are_replaced_by_whoever_comes_next() {
    let town = Town::new().await;
    town.provider.mood().life_s = 10;
    let mut browser = Browser::new();
    let street = open(&town).await;
    browser.log_in(&street, &town, "/").await;
    town.provider.mood().is_slow = true;
    // The issuer has given the next ones, and the gateway that asked is gone before it heard of them.
    let asked = tokio::time::timeout(Duration::from_millis(300), browser.get(&street, "/x")).await;
    assert!(asked.is_err(), "it still waits");
    drop(street);
    town.provider.mood().is_slow = false;
    town.provider.mood().life_s = 300;
    let next = open(&town).await;
    let refreshed = || town.provider.house.refreshed.load(Ordering::SeqCst);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if refreshed() == 2 {
            break;
        }
    }
    assert_eq!(refreshed(), 2, "without anybody asking anything");
    assert_eq!(browser.get(&next, "/x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_person_has_so_many_sessions_and_a_session_ends_when_nobody_uses_it() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| Sessions { most: 2, ..sessions }).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for browser in &mut browsers {
        browser.log_in(&street, &town, "/").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut statuses = Vec::new();
    for browser in &mut browsers {
        statuses.push(browser.get(&street, "/x").await.status.as_u16());
    }
    assert_eq!(statuses, [401, 200, 200], "the one that was used longest ago has ended");
    // Logging in once more in the same browser takes the place of its session.
    let had = browsers[1].cookies["__Host-session"].clone();
    browsers[1].log_in(&street, &town, "/").await;
    assert_ne!(browsers[1].cookies["__Host-session"], had);
    assert_eq!(browsers[2].get(&street, "/x").await.status, StatusCode::OK);
    let mut thief = Browser { cookies: [("__Host-session".to_owned(), had)].into() };
    assert_eq!(thief.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
}

/// What is kept, as text.
async fn kept(town: &Town) -> Vec<String> {
    let found = town.store.scan(Scan::table("gateway-session", 100)).await.unwrap();
    found.iter().map(|(_, doc)| format!("{} {}", doc.key.id, String::from_utf8_lossy(&doc.data))).collect()
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_after_its_life_and_nothing_of_it_is_left() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| Sessions { idle_s: 2, life_s: 5, ..sessions }).await;
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    let (mut used, mut unused) = (Browser::new(), Browser::new());
    used.log_in(&street, &town, "/").await;
    unused.log_in(&street, &town, "/").await;
    let all = kept(&town).await;
    assert!(all.len() == 2 && all.iter().all(|one| !one.contains(&used.cookies["__Host-session"])), "only its digest");
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(used.get(&street, "/x").await.status, StatusCode::OK);
    }
    assert_eq!(unused.get(&street, "/x").await.status, StatusCode::UNAUTHORIZED, "unused");
    assert_eq!(kept(&town).await.len(), 1);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if used.get(&street, "/x").await.status == StatusCode::UNAUTHORIZED {
            break;
        }
    }
    assert!(kept(&town).await.is_empty(), "however often it was used");
    // One that nobody asks for again is swept, here by the next gateway.
    unused.log_in(&street, &town, "/").await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(kept(&town).await.len(), 1);
    let _next = open(&town).await;
    for _ in 0..100 {
        if kept(&town).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it was never swept");
}

#[tokio::test]
async fn operators_end_all_sessions_of_somebody_who_is_forgotten() {
    let town = Town::new().await;
    let (street, other) = (open(&town).await, open(&town).await);
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for browser in &mut browsers {
        browser.log_in(&street, &town, "/").await;
    }
    assert_eq!(browsers[0].get(&other, "/x").await.status, StatusCode::OK);
    let operator = format!("Bearer {}", Roots::read(town.folder()).unwrap().key(OPERATOR, GATEWAY).bearer());
    let asked = async |method: &str, person: &str, bearer: &str| {
        let path = format!("/bongsu/sessions/{person}");
        let answer = street.ask_at(method, &path, &[("host", "127.0.0.1:8080"), ("authorization", bearer)]).await;
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap_or_default()["ended"].clone())
    };
    assert_eq!(asked("DELETE", "usr_ann", "Bearer x").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(asked("GET", "usr_ann", &operator).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let long = "x".repeat(256);
    for nobody in ["", "a/b", "%00", long.as_str()] {
        assert_eq!(asked("DELETE", nobody, &operator).await.0, StatusCode::BAD_REQUEST, "{nobody}");
    }
    assert_eq!(
        asked("DELETE", "usr_an", &operator).await,
        (StatusCode::OK, json!(0)),
        "not by the beginning of a name"
    );
    assert_eq!(kept(&town).await.len(), 3);
    assert_eq!(asked("DELETE", "usr_ann", &operator).await, (StatusCode::OK, json!(3)));
    assert_eq!(kept(&town).await, Vec::<String>::new());
    assert_eq!(browsers[1].get(&street, "/x").await.status, StatusCode::UNAUTHORIZED);
    a_while().await;
    assert_eq!(browsers[0].get(&other, "/x").await.status, StatusCode::UNAUTHORIZED, "nor at another gateway");
    assert_eq!(asked("DELETE", "usr_ann", &operator).await, (StatusCode::OK, json!(0)));
}

#[tokio::test]
async fn a_service_hears_who_it_is_and_sees_neither_cookie_nor_token() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    let (upstream, seen) = street.raw(WELL).await;
    street.route_to(vec![upstream]);
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    browser.cookies.insert("theme".into(), "dark".into());
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::OK);
    let seen = seen.lock().unwrap()[0].to_lowercase();
    assert!(seen.contains("\r\nx-bongsu-principal: ey"), "{seen}");
    assert!(seen.contains("\r\ncookie: theme=dark\r\n"), "{seen}");
    assert!(!seen.contains("__host-") && !seen.contains("authorization:"), "{seen}");
}

#[tokio::test]
async fn what_a_service_sets_under_our_names_is_left_out() {
    const FIXES: &[Act] = &[Act::Say(
        "HTTP/1.1 200 OK\r\nset-cookie: __Host-session=fixed; Path=/\r\nset-cookie: theme=dark\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )];
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    let (upstream, _) = street.raw(FIXES).await;
    street.route_to(vec![upstream]);
    let answer = street.ask_at("GET", "/open/x", &[]).await;
    let set: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(set, ["theme=dark"]);
}

#[tokio::test]
async fn cookies_that_are_none_make_nobody_and_break_nothing() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let right = browser.cookies["__Host-session"].clone();
    let huge = "a".repeat(10_000);
    for bad in [
        "__Host-session=",
        "__Host-session=garbage",
        "session=1",
        "__Host-session=%00",
        &format!("__Host-session={}", "0".repeat(64)),
        &format!("__Host-session={right}0"),
        &format!("__Host-session={}", &right[1..]),
        &format!("__Host-session={right}; __Host-session={right}"),
        &format!("__Host-session={right}; __Host-session={}", "0".repeat(64)),
        &format!("__host-session={right}"),
        &format!("__Host-session={huge}"),
        "=; ;;=;",
    ] {
        let closed = street.ask_at("GET", "/x", &[("cookie", bad)]).await;
        assert_eq!(closed.status, StatusCode::UNAUTHORIZED, "{bad:.100}: {}", closed.body);
        assert_eq!(street.ask_at("GET", "/open/x", &[("cookie", bad)]).await.status, StatusCode::OK, "{bad:.100}");
    }
}

#[tokio::test]
async fn cookies_by_the_hundred_drive_nobody_out() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let right = browser.cookies["__Host-session"].clone();
    let endless = format!("__Host-session={}", "a".repeat(30_000));
    assert_eq!(street.ask_at("GET", "/x", &[("cookie", &endless)]).await.status.as_u16(), 431, "a head has an end");
    let shown = format!("__Host-session={right}");
    let two = street.ask_at("GET", "/x", &[("cookie", &shown), ("cookie", "__Host-session=x")]).await;
    assert_eq!(two.status, StatusCode::UNAUTHORIZED);
    let flood = (0..500).map(|number| {
        let cookie = format!("__Host-session={number:064x}");
        let street = &street;
        async move { street.ask_at("GET", "/x", &[("cookie", &cookie)]).await.status }
    });
    assert!(join_all(flood).await.iter().all(|status| *status == StatusCode::UNAUTHORIZED));
    assert_eq!(street.ask_at("GET", "/x", &[("cookie", &shown)]).await.status, StatusCode::OK);
    let bearer = format!("Bearer {}", town.provider.access());
    let shown = [("authorization", bearer.as_str()), ("cookie", "__Host-session=garbage")];
    assert_eq!(street.ask_at("GET", "/x", &shown).await.status, StatusCode::OK, "a token says more than a cookie");
}

#[tokio::test]
async fn nobodys_page_does_something_in_anybodys_name() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        for from in [
            &[][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:8081")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
        ] {
            let answer = browser.ask(&street, method, "/x", from).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {from:?}");
            assert!(answer.body.contains("/errors/cross-site"), "{}", answer.body);
        }
        assert_eq!(browser.post(&street, "/x").await.status, StatusCode::OK);
    }
    let out = browser.ask(&street, "POST", "/logout", &[("origin", "https://evil.example")]).await;
    assert_eq!(out.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&street, "/x").await.status, StatusCode::OK, "he is not logged out either");
    assert_eq!(browser.get(&street, "/logout").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let bearer = format!("Bearer {}", town.provider.access());
    let program = [("authorization", bearer.as_str()), ("origin", "https://app.example")];
    assert_eq!(street.ask_at("POST", "/x", &program).await.status, StatusCode::OK, "a program shows a token instead");
}
