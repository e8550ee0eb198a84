//! How activities reach the outside world.

use std::time::Duration;

use bongsu_host::HyperClient;
use bongsu_runtime::ports::env::{HttpClient as _, HttpError, HttpRequest, HttpResponse};
use bytes::Bytes;

use crate::{client::PATIENCE, house::House};

async fn send(url: String, deadline: Duration) -> Result<HttpResponse, HttpError> {
    let headers = vec![("x-bongsu-principal".to_owned(), "ann".to_owned())];
    HyperClient::new().send(HttpRequest { method: "GET", url, headers, body: Bytes::new(), deadline }).await
}

#[tokio::test]
async fn an_answer_is_an_answer_whatever_its_status() {
    let house = House::open().await;
    let got = send(format!("http://{}/callers", house.addr), PATIENCE).await.unwrap();
    assert_eq!((got.status, &got.body[..]), (200, &b"ann"[..]));
    let got = send(format!("http://{}/fails", house.addr), PATIENCE).await.unwrap();
    assert_eq!(got.status, 500);
}

#[tokio::test]
async fn no_answer_by_the_deadline_nobody_there_and_no_address_are_errors() {
    let house = House::open().await;
    let late = send(format!("http://{}/gate", house.addr), Duration::from_millis(50)).await;
    assert_eq!(late, Err(HttpError("no answer within 50 ms".to_owned())));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = send(format!("http://{nobody}/"), PATIENCE).await.unwrap_err();
    assert!(refused.0.contains("refused"), "{refused}");
    for wrong in ["https://127.0.0.1/", "nonsense", ""] {
        assert!(send(wrong.to_owned(), PATIENCE).await.is_err(), "{wrong}");
    }
}
