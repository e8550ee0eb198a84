//! Two stores that publish as one service: numbers alone do not tell a copy that went on from the first.

use bongsu_runtime::ports::{
    broker::{BrokerError, History, HistoryId, Out, Parting, Place, Producer},
    store::CommitId,
};

use super::bench::{Bench, bodies, out, sent};

const MINE: HistoryId = HistoryId(0xa1);
const OTHER: HistoryId = HistoryId(0xb2);
const CHILD: HistoryId = HistoryId(0xc3);

/// The fact at a position, written by the Commit of the same number in this world.
fn told(name: &str, world: u128, position: u64) -> Out {
    let commit = Some(CommitId(world << 64 | u128::from(position)));
    Out { commit, ..out(name, "a", position, &format!("world {world}")) }
}

fn all(name: &str, world: u128, positions: std::ops::RangeInclusive<u64>) -> Vec<Out> {
    positions.map(|position| told(name, world, position)).collect()
}

fn from<'a>(name: &'a str, epoch: u64, history: HistoryId, after: Option<&Out>) -> Producer<'a> {
    let after = after.map_or_else(Place::default, Out::at);
    Producer { history: Some(history), after, ..Producer::new(name, epoch) }
}

fn parted(name: &str, has: u64) -> Result<(), BrokerError> {
    Err(BrokerError::Parted { service: name.to_owned(), has })
}

/// What comes next, and what came before together with the last that is there, are taken; a copy that wrote something
/// else at the same place, or does not know what is there, is not.
pub async fn a_copy_that_went_on_for_itself_is_refused(at: &Bench) {
    const NAME: &str = "copied";
    at.topic(NAME, 1).await;
    at.broker.take_up(NAME, 1, &History::new(MINE)).await.expect("a first history");
    let (one, two) = (all(NAME, 1, 1..=9), all(NAME, 2, 1..=9));
    at.broker.publish(from(NAME, 1, MINE, None), one[..4].to_vec()).await.expect("the first four");
    at.broker.publish(from(NAME, 1, MINE, None), one[..6].to_vec()).await.expect("the last of them is among these");
    for (after, batch) in [(Some(&two[5]), 6..8), (Some(&one[3]), 4..5), (None, 0..3), (Some(&two[3]), 4..8)] {
        let refused = at.broker.publish(from(NAME, 1, MINE, after), two[batch.clone()].to_vec()).await;
        assert_eq!(refused, parted(NAME, 6), "{batch:?} after {after:?}");
    }
    let ahead = at.broker.publish(from(NAME, 1, MINE, Some(&two[7])), two[8..].to_vec()).await;
    assert_eq!(ahead, Err(BrokerError::Behind { service: NAME.into(), has: 6, expected: 8 }));
    at.broker.publish(from(NAME, 1, MINE, Some(&one[5])), one[6..].to_vec()).await.expect("the first one goes on");
    assert_eq!(bodies(&at.all(NAME, 0).await), sent(&one));
}

/// A history is named before it is published, and only one that came from it takes its place.
pub async fn another_history_is_refused_unless_it_came_from_the_one_there(at: &Bench) {
    const NAME: &str = "another";
    at.topic(NAME, 1).await;
    let unnamed = at.broker.publish(from(NAME, 1, MINE, None), all(NAME, 1, 1..=2)).await;
    assert_eq!(unnamed, parted(NAME, 0));
    for _ in 0..2 {
        at.broker.take_up(NAME, 2, &History::new(MINE)).await.expect("named, and named again");
    }
    at.broker.publish(from(NAME, 2, MINE, None), all(NAME, 1, 1..=2)).await.expect("named");
    assert_eq!(at.broker.take_up(NAME, 2, &History::new(OTHER)).await, parted(NAME, 2));
    let late = at.broker.take_up(NAME, 1, &History::new(MINE)).await;
    assert!(matches!(late, Err(BrokerError::Fenced { given: 1, newest: 2, .. })), "{late:?}");
    let none = at.broker.publish(Producer::new(NAME, 2), all(NAME, 1, 3..=3)).await;
    assert_eq!(none, parted(NAME, 2), "who names no history is not the service");
    let other = at.broker.publish(from(NAME, 2, OTHER, Some(&told(NAME, 1, 2))), all(NAME, 1, 3..=3)).await;
    assert_eq!(other, parted(NAME, 2));
    assert_eq!(at.all(NAME, 0).await.len(), 2);
}

/// A history that parted begins where it did: its numbers are used again, every reader is told where that was, and the
/// one before is refused.
pub async fn a_history_that_parted_goes_on_where_it_parted(at: &Bench) {
    const NAME: &str = "parted";
    at.topic(NAME, 1).await;
    let one = all(NAME, 1, 1..=5);
    let two = [all(NAME, 1, 1..=3), all(NAME, 2, 4..=6)].concat();
    at.broker.take_up(NAME, 1, &History::new(MINE)).await.expect("a first history");
    at.broker.publish(from(NAME, 1, MINE, None), one.clone()).await.expect("five");
    let refill = Producer { refill: 7, after: Place::default(), ..from(NAME, 1, MINE, None) };
    at.broker.publish(refill, one.clone()).await.expect("and again");
    let parting = Parting { from: MINE, position: 3, commit: one[2].commit };
    let child = History { id: CHILD, partings: vec![parting] };
    at.broker.take_up(NAME, 2, &child).await.expect("its child");
    at.broker.take_up(NAME, 2, &child).await.expect("sent again");
    let standing = at.broker.standing(NAME).await.expect("it is known");
    assert_eq!((standing.epoch, standing.history, &standing.partings), (2, Some(CHILD), &child.partings));
    let has = standing.newest().expect("where it parted");
    assert_eq!((has.position, has.commit), (3, one[2].commit));
    at.broker
        .publish(Producer { after: has, ..from(NAME, 2, CHILD, None) }, two[3..].to_vec())
        .await
        .expect("it goes on");
    let before = at.broker.publish(from(NAME, 3, MINE, Some(&one[4])), all(NAME, 1, 6..=6)).await;
    assert_eq!(before, parted(NAME, 6), "the one before");
    let read = at
        .broker
        .fetch(vec![(super::bench::partition(NAME, 0), 10)], super::bench::PLENTY, super::bench::SHORT)
        .await
        .expect("a fetch");
    assert_eq!(read.partings.get(NAME), Some(&vec![3]));
    let read = at.all(NAME, 0).await;
    let places: Vec<_> = read.iter().map(|message| (message.era, message.position)).collect();
    assert_eq!(places[..10], [1, 2, 3, 4, 5, 1, 2, 3, 4, 5].map(|position| (0, position)));
    assert_eq!(places[10..], [4, 5, 6].map(|position| (1, position)));
    assert_eq!(bodies(&read[10..]), sent(&two[3..]));
}
