//! Nothing that was begun is lost.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    client::{Ask, PATIENCE},
    fixture::{Fixture, spawn},
};

#[tokio::test]
async fn a_request_in_flight_is_answered_and_a_new_one_refused() {
    let fixture = Fixture::with(|config| config.shutdown.unready_ms = 10).await;
    let mut idle = TcpStream::connect(fixture.addr).await.unwrap();
    let in_flight = spawn(Ask::get("/gate").of(fixture.addr));
    fixture.somebody_at_the_gate().await;
    fixture.stop.ask("test");
    let refused = async { while TcpStream::connect(fixture.addr).await.is_ok() {} };
    timeout(PATIENCE, refused).await.expect("new connections are refused");
    assert!(!fixture.served.is_finished(), "it waits for the request");
    fixture.gate.open.add_permits(1);
    let answer = in_flight.await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"through"[..]));
    timeout(PATIENCE, fixture.served).await.expect("it ends").unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
}

#[tokio::test]
async fn it_is_unready_while_it_still_serves() {
    let fixture = Fixture::with(|config| config.shutdown.unready_ms = 60_000).await;
    fixture.stop.ask("test");
    let unready = async {
        loop {
            let got = Ask::get("/health/ready").of(fixture.addr).await;
            if got.status == 503 && got.json()["reasons"][0] == "stopping" {
                break;
            }
        }
    };
    timeout(PATIENCE, unready).await.expect("it says that it is stopping");
    assert_eq!(Ask::get("/numbers/7").of(fixture.addr).await.body, b"7");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_the_deadline() {
    let fixture = Fixture::with(|config| {
        config.shutdown.unready_ms = 0;
        config.shutdown.drain_ms = 50;
    })
    .await;
    let stuck = spawn({
        let addr = fixture.addr;
        async move { crate::client::exchange(addr, b"GET /gate HTTP/1.1\r\nhost: localhost\r\n\r\n").await }
    });
    fixture.somebody_at_the_gate().await;
    fixture.stop.ask("test");
    timeout(PATIENCE, fixture.served).await.expect("it ends").unwrap();
    assert_eq!(stuck.await.unwrap(), b"");
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_what_it_began() {
    let fixture = Fixture::open().await;
    let mut gone = TcpStream::connect(fixture.addr).await.unwrap();
    gone.write_all(b"GET /gate HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    fixture.somebody_at_the_gate().await;
    drop(gone);
    // Served after the server has seen that the first client is gone.
    assert_eq!(Ask::get("/numbers/1").of(fixture.addr).await.status, 200);
    fixture.gate.open.add_permits(1);
    timeout(PATIENCE, fixture.gate.left.acquire()).await.expect("it comes to its end").unwrap().forget();
}
