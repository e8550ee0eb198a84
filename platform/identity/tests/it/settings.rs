//! What cannot be meant keeps the service from starting, and the reason names the key.

use identity::Settings;
use serde_json::{Value, json};

fn client() -> Value {
    json!({ "id": "web", "redirect_uris": ["https://house.example/back"], "grants": ["authorization_code"], "scopes": ["openid"] })
}

fn refused(settings: Value) -> String {
    serde_json::from_value::<Settings>(settings.clone())
        .err()
        .unwrap_or_else(|| panic!("taken: {settings}"))
        .to_string()
}

#[test]
fn settings_that_cannot_be_meant_are_refused_by_name() {
    let with = |name: &str, value: Value| {
        let mut client = client();
        client[name] = value;
        json!({ "clients": [client] })
    };
    let all = [
        (json!({ "issuer": "http://house.example/identity" }), "without https"),
        (json!({ "issuer": "https://house.example/" }), "is not like https://host/identity"),
        (json!({ "issuer": "https://house.example/identity/" }), "is not like"),
        (json!({ "issuer": "nowhere" }), "is no address"),
        (json!({ "audience": "a b" }), "visible characters"),
        (json!({ "roles": ["King"] }), "is no role"),
        (json!({ "newcomers": ["king"] }), "newcomers"),
        (json!({ "access_token_s": 301 }), "must be a whole number from 5 to 300"),
        (json!({ "key_life_s": 800 }), "key_life_s: must be at least 900"),
        (json!({ "environment": "test" }), "unknown variant"),
        (json!({ "surprise": 1 }), "unknown field"),
        (json!({ "clients": [client(), client()] }), "two clients are called web"),
        (with("id", json!("a b")), "is no client's id"),
        (with("redirect_uris", json!([])), "redirect_uris"),
        (with("redirect_uris", json!(["http://house.example/back"])), "without https"),
        (with("redirect_uris", json!(["https://house.example/back#a"])), "fragment"),
        (with("redirect_uris", json!(["javascript:alert(1)"])), "neither https"),
        (with("scopes", json!(["a b"])), "is no scope"),
        (with("grants", json!(["password"])), "unknown variant"),
        (with("grants", json!(["authorization_code", "client_credentials"])), "secret_file"),
        (with("secret_file", json!("/nowhere/secret")), "cannot read"),
        (with("roles", json!(["king"])), "not among the roles"),
        (with("secret", json!("in the open")), "unknown field"),
    ];
    for (settings, why) in all {
        let said = refused(settings.clone());
        assert!(said.contains(why), "{settings}: {said}");
    }
}

#[test]
fn what_is_printed_of_the_settings_has_no_secret() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, crate::provider::SECRET).unwrap();
    let mut client = client();
    client["secret_file"] = json!(file);
    let settings: Settings = serde_json::from_value(json!({ "clients": [client] })).unwrap();
    let printed = serde_json::to_string(&settings).unwrap();
    assert!(printed.contains("secret_file") && !printed.contains(crate::provider::SECRET), "{printed}");
    serde_json::from_str::<Settings>(&printed).expect("what is printed is taken again");
    std::fs::write(&file, "short").unwrap();
    assert!(serde_json::from_str::<Settings>(&printed).err().unwrap().to_string().contains("fewer than 32"));
}
