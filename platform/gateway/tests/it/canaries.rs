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

#[tokio::test]
async fn a_canary_is_asked_by_its_share_and_by_whoever_says_so_and_is_as_closed_as_the_service() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    let (door, next) = (says(&mut street, "door").await, says(&mut street, "next").await);
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
    let said = [("x-door", "next")];
    assert_eq!(street.ask_at("GET", "/open/x", &said).await.body, "next");
    assert_eq!(street.ask_at("GET", "/x", &said).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(street.ask_at("GET", "/keep/x", &said).await.status, StatusCode::UNAUTHORIZED);
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    assert_eq!(browser.ask(&street, "GET", "/keep/x", &said).await.status, StatusCode::FORBIDDEN);
    // The same person falls to the same one, in whichever browser.
    let mut other = Browser::new();
    other.log_in(&street, &town, "/").await;
    let first = browser.get(&street, "/x").await.body;
    for _ in 0..20 {
        assert_eq!(
            (browser.get(&street, "/x").await.body, other.get(&street, "/y").await.body),
            (first.clone(), first.clone())
        );
    }
    // Visitors are many, and about half of them fall to it.
    let mut to_next = 0;
    for _ in 0..100 {
        let mut visitor = Browser::new();
        visitor.get(&street, "/bell/x").await;
        to_next += u32::from(visitor.get(&street, "/bell/x").await.body == "next");
    }
    assert!((25..=75).contains(&to_next), "{to_next}");
    // It has a breaker of its own, and stands in for nobody when no instance of it is ready.
    let doors: Vec<String> = street.gateway.breakers().into_iter().map(|shown| shown.service).collect();
    assert!(doors.contains(&"next".to_owned()) && doors.contains(&"door".to_owned()), "{doors:?}");
    let mut alone = table;
    (alone.revision, alone.upstreams) = (2, [("door".into(), vec![door])].into());
    street.tables.send_replace(Arc::new(alone));
    assert_eq!(street.ask_at("GET", "/open/x", &said).await.body, "door");
    assert_eq!(browser.get(&street, "/x").await.body, "door");
}
