//! Whoever comes without a login, where a route is for them.

use axum::http::StatusCode;
use bongsu_runtime::ports::env::Env as _;

use crate::browser::{Browser, ORIGIN, Town};
use crate::issuer::now_s;
use crate::sessions::WELL;
use crate::street::Street;

const VISITOR: &str = "__Host-visitor";

/// What the service heard of the caller of its last request: name and visitor.
fn heard(seen: &[String], system: &bongsu_keys::Roots, folder: &std::path::Path) -> Option<(String, Option<String>)> {
    let file = folder.join("door.json");
    system.write_keys(&file, "door").unwrap();
    let keys = bongsu_keys::Keys::open(&file).unwrap();
    let lines = seen.last()?.lines().filter_map(|line| line.split_once(": "));
    let (_, token) = lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("x-bongsu-principal"))?;
    let now_ms = bongsu_host::TokioEnv::new(None).unwrap().wall_ms();
    keys.vouched(token, now_ms).map(|vouched| (vouched.name, vouched.visitor))
}

struct Scene {
    town: Town,
    street: Street,
    seen: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Scene {
    async fn new() -> Self {
        let town = Town::new().await;
        let mut street = town.street(|sessions| sessions).await;
        let (upstream, seen) = street.raw(WELL).await;
        street.route_to(vec![upstream]);
        Self { town, street, seen }
    }

    fn heard(&self) -> Option<(String, Option<String>)> {
        let folder = self.town.folder();
        heard(&self.seen.lock().unwrap(), &bongsu_keys::Roots::read(folder).unwrap(), folder)
    }
}

#[tokio::test]
async fn whoever_comes_without_a_login_is_given_an_id_where_that_is_wanted_and_nowhere_else() {
    let scene = Scene::new().await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&scene.street, "/open/x").await.status, StatusCode::OK);
    assert_eq!(browser.get(&scene.street, "/x").await.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookies.is_empty(), "neither what is open nor what is closed gives one");
    assert_eq!(scene.heard(), None);
    assert_eq!(browser.get(&scene.street, "/bell").await.status, StatusCode::OK);
    let (first, visitor) = scene.heard().expect("a visitor");
    assert!(first.starts_with("vis_") && first.len() == 36 && visitor.as_ref() == Some(&first), "{first}");
    let cookie = browser.cookies[VISITOR].clone();
    assert_eq!(browser.post(&scene.street, "/bell/items").await.status, StatusCode::OK);
    assert_eq!(scene.heard().expect("a visitor").0, first, "it is the same one");
    assert_eq!(browser.cookies[VISITOR], cookie, "which is not given anew each time");
    let mut other = Browser::new();
    other.get(&scene.street, "/bell").await;
    assert_ne!(scene.heard().expect("a visitor").0, first);
    assert_eq!(browser.get(&scene.street, "/x").await.status, StatusCode::UNAUTHORIZED, "it opens nothing else");
    assert_eq!(browser.get(&scene.street, "/keep/x").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get(&scene.street, "/bell/%2e%2e/x").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn somebody_who_is_logged_in_is_named_with_the_visitor_he_was() {
    let scene = Scene::new().await;
    let mut browser = Browser::new();
    browser.get(&scene.street, "/bell").await;
    let (guest, _) = scene.heard().expect("a visitor");
    browser.log_in(&scene.street, &scene.town, "/bell").await;
    assert_eq!(browser.post(&scene.street, "/bell/merge").await.status, StatusCode::OK);
    assert_eq!(scene.heard(), Some(("usr_ann".to_owned(), Some(guest.clone()))));
    let bearer = format!("Bearer {}", scene.town.provider.access());
    let cookie = format!("{VISITOR}={}", browser.cookies[VISITOR]);
    let shown = [
        ("authorization", bearer.as_str()),
        ("cookie", cookie.as_str()),
        ("origin", ORIGIN),
        ("host", "127.0.0.1:8080"),
    ];
    assert_eq!(scene.street.ask_at("POST", "/bell/merge", &shown).await.status, StatusCode::OK);
    assert_eq!(scene.heard(), Some(("usr_ann".to_owned(), Some(guest))), "with a token as with a session");
    assert_eq!(scene.street.ask_at("GET", "/bell", &shown[..1]).await.status, StatusCode::OK);
    assert_eq!(scene.heard(), Some(("usr_ann".to_owned(), None)), "and alone, who brings none");
}

#[tokio::test]
async fn an_id_that_we_did_not_sign_is_none() {
    let scene = Scene::new().await;
    let mut browser = Browser::new();
    browser.get(&scene.street, "/bell").await;
    let (guest, _) = scene.heard().expect("a visitor");
    let right = browser.cookies[VISITOR].clone();
    let parts: Vec<&str> = right.split('.').collect();
    let elsewhere = Town::new().await.keys.sign_visitor(&guest, now_s() * 1_000).unwrap();
    let old = scene.town.keys.sign_visitor(&guest, (now_s() - 31 * 86_400) * 1_000).unwrap();
    let person = scene.town.keys.sign_visitor("usr_ann", now_s() * 1_000).unwrap();
    for bad in [
        String::new(),
        guest.clone(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], &parts[2][1..]),
        format!("{right}0"),
        format!("{right}; {VISITOR}={right}"),
        "a".repeat(600),
        elsewhere,
        old,
        person,
    ] {
        let answer = scene.street.ask_at("GET", "/bell", &[("cookie", &format!("{VISITOR}={bad}"))]).await;
        assert_eq!(answer.status, StatusCode::OK, "{bad:.60}: {}", answer.body);
        assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with(VISITOR), "he is given one of ours");
        let (now, _) = scene.heard().expect("a visitor");
        assert!(now.starts_with("vis_") && now != guest, "{bad:.60}: {now}");
    }
    let lies = [("x-bongsu-principal", guest.as_str()), ("x-bongsu-visitor", guest.as_str())];
    scene.street.ask_at("GET", "/bell", &lies).await;
    assert_ne!(scene.heard().expect("a visitor").0, guest, "and nobody says so himself");
}

#[tokio::test]
async fn an_id_that_becomes_old_is_given_anew_and_stays_the_same() {
    let scene = Scene::new().await;
    let week = scene.town.keys.sign_visitor("vis_old", (now_s() - 8 * 86_400) * 1_000).unwrap();
    let mut browser = Browser { cookies: [(VISITOR.to_owned(), week.clone())].into() };
    browser.get(&scene.street, "/bell").await;
    assert_eq!(scene.heard().expect("a visitor").0, "vis_old");
    assert_ne!(browser.cookies[VISITOR], week);
}

#[tokio::test]
async fn no_other_page_acts_for_a_visitor_or_makes_him_another() {
    let scene = Scene::new().await;
    let mut browser = Browser::new();
    browser.get(&scene.street, "/bell").await;
    for from in [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "cross-site")]] {
        let answer = browser.ask(&scene.street, "POST", "/bell/items", from).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{from:?}");
    }
    // A browser keeps the cookie back there; its answer must not set another.
    let blind = scene.street.ask_at("POST", "/bell/items", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!((blind.status, blind.headers.get("set-cookie")), (StatusCode::FORBIDDEN, None));
    assert_eq!(scene.street.ask_at("POST", "/bell/items", &[]).await.status, StatusCode::OK, "a program need not say");
}
