//! The note: its rule as a sentence, what every context stands under, and its life.

use bongsu_testing::{Bench, given::given, standing};
use note::{Settings, api, note::*, service};
use serde_json::{Value, json};

standing!(note);

fn write() -> NoteCommand {
    Write { id: "n1".into(), text: "hello".into() }.into()
}

fn written() -> NoteEvent {
    Written { text: "hello".into(), at_ms: 7 }.into()
}

#[test]
fn a_note_is_written_once() {
    given(&Notes, []).at(7).when(write()).on("n1").then([written()]);
    given(&Notes, [written()]).when(write()).then_rejected(NoteRejection::AlreadyWritten);
}

#[tokio::test]
async fn what_is_written_is_listed() {
    let bench = Bench::open(service(&Settings::default()), api::routes);
    let body = json!({ "id": "n1", "text": "hello" });
    let answer = bench.ask("ann", "POST /notes", Some("k1"), body.clone()).await;
    assert_eq!((answer.status, &answer.body["id"]), (201, &json!("n1")));
    let again = bench.ask("bob", "POST /notes", Some("k2"), body).await;
    assert_eq!((again.status, &again.body["type"]), (409, &json!("/errors/already-written")));
    let listed = async || bench.ask("ann", "GET /notes", None, Value::Null).await.body["items"][0]["text"] == "hello";
    bench.until(listed).await;
}
