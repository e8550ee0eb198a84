//! Whoever is forgotten is found nowhere: every file of the store is searched for what they told.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD, sent},
    provider::{Provider, claims},
};

const EMAIL: &str = "canary.q7x@house.example";
const NAME: &str = "Canary Qzxw";

/// In which files of a folder a text lies.
fn found(folder: &Path, text: &str) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != "secret"));
    let holds = |path: &Path| fs::read(path).expect("a file").windows(text.len()).any(|part| part == text.as_bytes());
    files.filter(|path| holds(path)).map(|path| path.display().to_string()).collect()
}

#[tokio::test]
async fn who_is_forgotten_is_found_in_no_file() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up_as(&provider, EMAIL, NAME).await;
    let access = browser.tokens(&provider, "web").await["access_token"].as_str().unwrap().to_owned();
    let person = claims(&access)["sub"].as_str().unwrap().to_owned();
    Browser::new().sign_up(&provider, "stays@house.example").await;
    for told in [EMAIL, NAME, "$argon2id$"] {
        assert!(!found(provider.folder.path(), told).is_empty(), "{told} is in no file: this test sees nothing");
    }
    for secret in browser.cookies.values().map(String::as_str).chain([access.as_str(), PASSWORD]) {
        assert!(found(provider.folder.path(), secret).is_empty(), "a secret is kept as its digest");
    }
    let session = identity_digests(&browser);
    let forgotten = provider.operate(&format!("DELETE persons/{person}"), "", json!(null)).await;
    assert_eq!((forgotten.status, forgotten.json()["standing"].as_str()), (200, Some("FORGOTTEN")));
    assert!(!provider.counts(&access).await);
    assert_eq!(sent(&browser.authorize(&provider, "web", &[("prompt", "none")]).await)["error"], "login_required");
    assert_eq!(browser.log_in(&provider, EMAIL, PASSWORD).await.status, 401);
    let told: Vec<&str> = session.iter().map(String::as_str).chain([EMAIL, NAME]).collect();
    let places = |folder: &Path| told.iter().flat_map(|told| found(folder, told)).collect::<Vec<_>>();
    assert_eq!(places(provider.folder.path()), Vec::<String>::new(), "while it runs");
    let folder = provider.close().await;
    assert_eq!(places(folder.path()), Vec::<String>::new(), "afterwards");
    assert!(!found(folder.path(), "stays@house.example").is_empty(), "others are not forgotten");
    assert!(!found(folder.path(), &person).is_empty(), "what happened stays, under a name that is nobody's");
}

#[tokio::test]
async fn an_address_is_free_again_when_its_person_is_forgotten() {
    let provider = Provider::open().await;
    let mut browser = Browser::new();
    browser.sign_up(&provider, EMAIL).await;
    let before = browser.tokens(&provider, "web").await;
    let before = claims(before["access_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    provider.operate(&format!("DELETE persons/{before}"), "", json!(null)).await;
    let again = provider.operate(&format!("DELETE persons/{before}"), "", json!(null)).await;
    assert_eq!(again.status, 200, "asked again: {again:?}");
    let mut again = Browser::new();
    again.sign_up(&provider, EMAIL).await;
    let after = again.tokens(&provider, "web").await;
    assert_ne!(claims(after["access_token"].as_str().unwrap())["sub"], before.as_str());
}

/// What is kept of a browser's session.
fn identity_digests(browser: &Browser) -> Vec<String> {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use sha2::Digest as _;
    let session = browser.cookies.iter().find(|(name, _)| name.ends_with("session")).expect("a session").1;
    vec![BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(session.as_bytes()))]
}
