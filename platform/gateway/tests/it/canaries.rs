//! Services that stand in for others, for whoever says so and for a share of callers.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use gateway::{Access, Canary, Route, Table};
use tokio::net::TcpListener;

use crate::browser::{Browser, Town};
use crate::street::Street;

async fn says(street: &mut Street, what: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let routes = Router::new().fallback(async move || what);
    street.beside(async move { axum::serve(listener, routes).await.unwrap() });
    at
}

const SAID: [(&str, &str); 1] = [("x-door", "next")];

/// A service and whoever stands in for it, for half of its callers, in a town; and the table without that one.
async fn open(town: &Town) -> (Street, Table) {
    let mut street = town.street(|sessions| sessions).await;
    let door = says(&mut street, "door").await;
    let next = says(&mut street, "next").await;
    let as_closed: Vec<Access> =
        street.table.access.iter().map(|rule| Access { service: "next".into(), ..rule.clone() }).collect();
    street.table.access.extend(as_closed);
    let header = Some((HeaderName::from_static("x-door"), HeaderValue::from_static("next")));
    let table = Table {
        revision: 1,
        routes: vec![Route { path: "/*".into(), service: "door".into() }],
        upstreams: [("door".into(), vec![door]), ("next".into(), vec![next])].into(),
        canaries: vec![Canary { service: "next".into(), of: "door".into(), percent: 50, header }],
        ..street.table.clone()
    };
    street.tables.send_replace(Arc::new(table.clone()));
    let alone = Table { revision: 2, upstreams: [("door".into(), vec![door])].into(), ..table };
    (street, alone)
}

#[tokio::test]
async fn a_canary_is_asked_by_whoever_says_so_and_is_as_closed_as_the_service() {
    let town = Town::new().await;
    let (street, alone) = open(&town).await;
    assert_eq!(street.ask_at("GET", "/open/x", &SAID).await.body, "next");
    assert_eq!(street.ask_at("GET", "/x", &SAID).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(street.ask_at("GET", "/keep/x", &SAID).await.status, StatusCode::UNAUTHORIZED);
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    assert_eq!(browser.ask(&street, "GET", "/keep/x", &SAID).await.status, StatusCode::FORBIDDEN);
    street.tables.send_replace(Arc::new(alone));
    assert_eq!(street.ask_at("GET", "/open/x", &SAID).await.body, "door", "it has no instance that is ready");
    assert_eq!(browser.get(&street, "/x").await.body, "door");
}

#[tokio::test]
async fn the_same_person_falls_to_the_same_one_and_about_a_share_of_all_to_the_canary() {
    let town = Town::new().await;
    let (street, _) = open(&town).await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    browser.log_in(&street, &town, "/").await;
    other.log_in(&street, &town, "/").await;
    let first = browser.get(&street, "/x").await.body;
    for _ in 0..20 {
        assert_eq!(browser.get(&street, "/x").await.body, first);
        assert_eq!(other.get(&street, "/y").await.body, first, "in whichever browser");
    }
    let mut to_next = 0;
    for _ in 0..100 {
        let mut visitor = Browser::new();
        visitor.get(&street, "/bell/x").await;
        to_next += u32::from(visitor.get(&street, "/bell/x").await.body == "next");
    }
    assert!((25..=75).contains(&to_next), "{to_next} of 100 visitors");
    let doors: Vec<String> = street.gateway.breakers().into_iter().map(|shown| shown.of.service).collect();
    assert!(doors.contains(&"next".to_owned()) && doors.contains(&"door".to_owned()), "each has a breaker: {doors:?}");
}

#[tokio::test]
async fn a_canary_that_is_left_alone_leaves_its_callers_to_the_service() {
    let town = Town::new().await;
    let (mut street, alone) = open(&town).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken = listener.local_addr().unwrap();
    let routes = Router::new().fallback(async || StatusCode::INTERNAL_SERVER_ERROR);
    street.beside(async move { axum::serve(listener, routes).await.unwrap() });
    let mut table = Table { revision: 3, ..alone };
    table.upstreams.insert("next".into(), vec![broken]);
    street.tables.send_replace(Arc::new(table));
    let mut failed = 0;
    let answer = loop {
        let answer = street.ask_at("GET", "/open/x", &SAID).await;
        if answer.status == StatusCode::OK {
            break answer;
        }
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "never that it is left alone: {}", answer.body);
        failed += 1;
        assert!(failed <= 20, "it is never left alone");
    };
    assert_eq!(answer.body, "door");
    for _ in 0..20 {
        assert_eq!(street.ask_at("GET", "/open/x", &SAID).await.body, "door");
    }
}
