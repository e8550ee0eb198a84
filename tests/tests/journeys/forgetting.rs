//! Somebody is forgotten: every file of the system is searched for what they told.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use system_tests::harness::{
    Mall,
    browser::Browser,
    http::{Http, Response},
    keys::now_ms,
    people::RIDER,
    system::System,
    wait::until,
};

const EMAIL: &str = "Canary.Zxqvlogin@house.example";
const PASSWORD: &str = "Zxqvpassword opens it";
const NAME: &str = "Canary Zxqvname";
/// Where the first order goes, and where the one by the cart does.
const HERE: &str = "7 Zxqvhere Row, 서울시 카나리아구";
const THERE: &str = "9 Zxqvthere Row, 서울시 카나리아구";
/// Everything that can be taken for one of them.
const CANARIES: [&str; 9] = [
    "Zxqvlogin",
    "zxqvlogin",
    "Zxqvpassword opens",
    "Zxqvname",
    "Canary Zxqvname",
    "Zxqvhere",
    "Zxqvthere",
    "카나리아구",
    "Row, 서울시",
];
const PATIENCE: Duration = Duration::from_secs(30);

/// A text as it may lie in a file: as it is, in UTF-16, in base64 at each of its three places, percent-encoded, escaped for
/// JSON, in hexadecimal digits.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let hex = |prefix: &str| bytes.iter().map(|byte| format!("{prefix}{byte:02x}")).collect::<String>();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let percent = |space: &str| {
        let one = |byte: &u8| match *byte {
            b' ' => space.to_owned(),
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        bytes.iter().map(one).collect::<String>()
    };
    let escaped: String = text
        .encode_utf16()
        .map(|unit| match char::from_u32(u32::from(unit)).filter(char::is_ascii) {
            Some(letter) => letter.to_string(),
            None => format!("\\u{unit:04x}"),
        })
        .collect();
    let texts = [percent("%20"), percent("+"), percent("%20").to_lowercase(), escaped, hex(""), hex("").to_uppercase()];
    let mut all = vec![bytes.to_vec(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)];
    all.extend(texts.into_iter().map(String::into_bytes));
    for before in 0..3 {
        // Of what stands before and behind, the first and the last digit may have bits.
        let encoded = BASE64_STANDARD.encode([&vec![0; before][..], bytes].concat());
        let whole = &encoded[(before * 8).div_ceil(6)..(before + bytes.len()) * 8 / 6];
        all.push(whole.into());
        all.push(whole.replace('+', "-").replace('/', "_").into());
    }
    all.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.is_file()).collect()
}

/// Which files below a folder hold one of these texts, whatever its form.
fn found(folder: &Path, texts: &[&str]) -> BTreeSet<String> {
    let wanted = texts.iter().flat_map(|text| forms(text).into_iter().map(|form| (*text, form)));
    let (whose, forms): (Vec<&str>, Vec<Vec<u8>>) = wanted.unzip();
    let search = AhoCorasick::new(forms).expect("some texts");
    let (mut found, mut looked) = (BTreeSet::new(), 0);
    for file in files(folder) {
        // One that was there a moment ago may be gone.
        let Ok(bytes) = fs::read(&file) else { continue };
        looked += 1;
        let name = file.strip_prefix(folder).expect("below it").display();
        found.extend(search.find_overlapping_iter(&bytes).map(|at| format!("{name}: {}", whose[at.pattern()])));
    }
    assert!(looked > 20, "only {looked} files in {}", folder.display());
    found
}

#[test]
fn the_search_finds_every_form() {
    let text = "카나리아구 x";
    for (at, form) in forms(text).into_iter().enumerate() {
        assert!(!form.is_empty(), "form {at}");
    }
    for before in ["", "a", "ab"] {
        let encoded = BASE64_STANDARD.encode(format!("{before}{text} and more"));
        assert!(forms(text).iter().any(|form| encoded.contains(&*String::from_utf8_lossy(form))), "{encoded}");
    }
    let address: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    assert!(forms(text).contains(&address.into_bytes()));
}

/// An order by somebody's browser; its id.
fn order(browser: &Browser, path: &str, body: &Value) -> String {
    let placed = browser.ask("POST", path, Some(&format!("key of {path}")), body).expect(202);
    placed.json()["order_id"].as_str().expect("an id").to_owned()
}

/// What ordering answers to somebody whom the gateway named a moment ago.
fn ordering(mall: &Mall, person: &str, method: &str, path: &str, body: &Value) -> Response {
    let url = format!("{}{path}", mall.process("ordering").url.expect("it runs"));
    let said = mall.said_to("ordering", person, now_ms());
    let mut headers = vec![("x-bongsu-principal", said.as_str()), ("idempotency-key", "asked late")];
    headers.push(("content-type", "application/json"));
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Http::new().request(method, &url, &headers, body).expect("an answer")
}

/// What a rider is told: how far a parcel is, and where it goes.
fn told(mall: &Mall, path: &str) -> Value {
    mall.ask_as(&mall.token(RIDER), "GET", path, None, None).expect("an answer").expect(200).json()
}

fn destination(mall: &Mall, order: &str) -> Value {
    told(mall, &format!("/orders/{order}/address"))
}

fn goes(thing: &Value) -> (Option<&str>, Option<&str>) {
    (thing["address"].as_str(), thing["address_state"].as_str())
}

/// A customer who signed up, with two orders that are packed.
fn customer(mall: &Mall) -> (Browser, String, [String; 2]) {
    let browser = Browser::at(mall);
    browser.sign_up(EMAIL, NAME, PASSWORD);
    browser.log_in(EMAIL, PASSWORD, "/cart");
    let who = browser.who();
    assert_eq!(who["name"], NAME);
    let person = who["person"].as_str().expect("somebody").to_owned();
    let lines = json!([{ "sku": "LAMP", "quantity": 1 }]);
    let here = order(&browser, "/orders", &json!({ "lines": lines, "address": HERE, "pay": "card" }));
    let _ = browser.ask("POST", "/cart/items", Some("lamp"), &json!({ "sku": "LAMP", "quantity": 2 })).expect(200);
    let there = order(&browser, "/cart/checkout", &json!({ "address": THERE, "pay": "card" }));
    for (order, address) in [(&here, HERE), (&there, THERE)] {
        until("the parcel is packed", PATIENCE, || {
            let parcel = told(mall, &format!("/deliveries?order={order}"));
            assert!(!parcel.to_string().contains("sealed:"), "{parcel}");
            if parcel["items"][0]["state"] == "PREPARED" { Ok(()) } else { Err(parcel.to_string()) }
        });
        assert_eq!(goes(&destination(mall, order)), (Some(address), Some("KNOWN")));
        let shown = browser.get(&format!("/orders/{order}")).expect(200).json();
        assert_eq!(goes(&shown), (Some(address), Some("KNOWN")));
        let composed = browser.get(&format!("/bff/web/orders/{order}")).expect(200).json();
        assert!(!composed.to_string().contains("sealed:"), "{composed}");
        assert_eq!(goes(&composed["ordering"]["data"]), (Some(address), Some("KNOWN")), "{composed}");
    }
    (browser, person, [here, there])
}

/// What `bongsu forget` says, and whether it went well.
fn forget(mall: &Mall, person: &str, more: &[&str]) -> (bool, String) {
    let output = mall.bongsu(&[&["forget", person], more].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// What somebody told lies where it is kept for them, and nowhere else.
fn lies_where_it_may(folder: &Path) {
    let told = found(folder, &["Zxqvlogin", "zxqvlogin", "Zxqvname"]);
    let is_its_own = |place: &String| place.contains("identity") || place.contains("gateway");
    assert!(told.iter().all(is_its_own) && told.iter().any(|place| place.contains("identity")), "{told:?}");
    assert_eq!(found(folder, &CANARIES[5..]), BTreeSet::new(), "no address is in any file, ever");
    assert_eq!(found(folder, &["Zxqvpassword"]), BTreeSet::new(), "nor a password");
    assert!(!found(folder, &["sealed:v1:"]).is_empty(), "they are sealed");
}

/// An order of somebody who is forgotten comes to its end, without anybody knowing where it went.
fn ends(mall: &Mall, person: &str, order: &str) {
    assert_eq!(goes(&destination(mall, order)), (None, Some("FORGOTTEN")));
    let shown = ordering(mall, person, "GET", &format!("/orders/{order}"), &Value::Null).expect(200).json();
    assert_eq!((shown["state"].as_str(), goes(&shown)), (Some("CONFIRMED"), (None, Some("FORGOTTEN"))));
    for how in ["depart", "complete"] {
        let _ = mall.move_parcel(order, how).expect(200);
    }
    until("the order is at its end", PATIENCE, || {
        let shown = ordering(mall, person, "GET", &format!("/orders/{order}"), &Value::Null).expect(200).json();
        if shown["state"] == "COMPLETED" { Ok(()) } else { Err(shown.to_string()) }
    });
}

#[test]
fn who_is_forgotten_is_found_in_no_file_and_others_live_where_they_did() {
    let mall = Mall::start(System::of_the_mall().set("delivery", "courier", "manual"));
    mall.put_on_sale("LAMP", 10_000, 20);
    let others = mall.buy("a lamp for somebody else", &[("LAMP", 1)]);
    mall.until_delivery(&others, "PREPARED");
    let (browser, person, orders) = customer(&mall);
    lies_where_it_may(mall.system().folder());

    mall.stop("ordering");
    let (is_done, said) = forget(&mall, &person, &["--wait", "1"]);
    assert!(!is_done && said.contains("not everywhere after 1 s: ordering cannot be asked"), "{said}");
    mall.start_again("ordering");
    let (is_done, said) = forget(&mall, &person, &[]);
    assert!(is_done && said.contains(&format!("{person} was forgotten before, and nothing is left")), "{said}");

    assert_eq!(found(mall.system().folder(), &CANARIES), BTreeSet::new(), "while it runs");
    assert!(
        !found(mall.system().folder(), &[&person]).is_empty(),
        "what happened stays, under a name that is nobody's"
    );
    orders.iter().for_each(|order| ends(&mall, &person, order));
    assert_eq!(goes(&destination(&mall, &others)).1, Some("KNOWN"));
    assert_eq!(goes(&mall.order(&others)), (Some("서울시 12번가 7"), Some("KNOWN")));
    let late = json!({ "lines": [{ "sku": "LAMP", "quantity": 1 }], "address": HERE, "pay": "card" });
    let refused = ordering(&mall, &person, "POST", "/orders", &late).expect(409).json();
    assert_eq!(refused["type"], "/errors/person-forgotten");
    until("the browser is nobody's", PATIENCE, || {
        let who = browser.who();
        if who["person"].is_null() { Ok(()) } else { Err(who.to_string()) }
    });
    let (is_done, said) = forget(&mall, &person, &[]);
    assert!(is_done && said.contains("was forgotten before"), "{said}");
    let system = mall.crash();
    assert_eq!(found(system.folder(), &CANARIES), BTreeSet::new(), "afterwards");
}

#[test]
fn whom_nobody_knows_nobody_forgets() {
    let mall = Mall::start(System::of_the_mall());
    for (person, why) in [
        ("usr_nobody", "nobody is called usr_nobody"),
        ("1@uengine.org", "'1@uengine.org' is nobody's name"),
        ("usr_../../persons", "is nobody's name"),
        ("usr_", "nobody is called usr_"),
    ] {
        let (is_done, said) = forget(&mall, person, &[]);
        assert!(!is_done && said.contains(why), "{person}: {said}");
    }
    assert!(!forget(&mall, "usr_nobody", &["--wait", "0"]).0);
    mall.stop("identity");
    let (is_done, said) = forget(&mall, "usr_nobody", &[]);
    assert!(!is_done && said.contains("identity is stopped"), "{said}");
    drop(mall.end());
}
