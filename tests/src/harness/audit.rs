//! What the audit says of the mall, and falsehoods for it to find.

use std::time::Duration;

use bongsu_core::{Aggregate, Public, Wire as _, digest, stream_of, type_of};
use bongsu_runtime::ports::store::{Commit, CommitId, Fact, NewEvent, Read, Store, StoreError, Verdict};
use ordering_domain::order::Orders;
use serde_json::{Value, json};

use crate::{
    evidence::Evidence,
    harness::{Mall, wait::until},
};

/// The audit knows by then: facts travel, what is wrong stays wrong for a moment, and that is told.
pub const PROMPTLY: Duration = Duration::from_secs(5);

impl Mall {
    /// Waits until the audit has heard of every order of a quiet system and disagrees about none; how many.
    pub fn until_audited(&self, evidence: &Evidence) -> usize {
        let orders = evidence.store("ordering").states_of::<Orders>().len();
        assert!(orders > 0, "there is something to audit");
        until("the audit agrees about every order", PROMPTLY, || {
            let (summary, wrong) = (self.get("/audit/summary").json(), self.disagreements());
            let agrees = summary == json!({ "orders": orders, "disagreeing": 0 }) && wrong.is_empty();
            if agrees { Ok(orders) } else { Err(format!("{orders} orders; {summary}, {wrong:?}")) }
        })
    }

    /// The orders about which the contexts disagree, as the audit lists them.
    pub fn disagreements(&self) -> Vec<Value> {
        let page = self.get("/audit/orders?limit=200").expect(200).json();
        page["items"].as_array().cloned().unwrap_or_default()
    }

    /// Writes an event with its fact that no rule of its context would have decided into that context's store,
    /// as another instance would.
    pub fn forge<A: Aggregate>(
        &self,
        context: &str,
        id: &str,
        event: &A::Event,
        facts: fn(&str, &A::Event, &A::State) -> Option<Public>,
    ) {
        let fact = facts(id, event, &A::State::default()).expect("it is told");
        let store = self.store(context).unwrap_or_else(|| panic!("{context} has no store"));
        let stream = stream_of(A::NAME, id);
        let (name, schema) = event.name();
        let forged = Forged { stream, name, schema, data: event.encode(), fact };
        let verdict = self.http.wait_for(forged.append(&store, context));
        assert_eq!(verdict, Ok(Verdict::Done), "{context} takes it");
        store.close();
    }
}

/// An event as it is to be stored.
struct Forged {
    stream: String,
    name: &'static str,
    schema: u32,
    data: Vec<u8>,
    fact: Public,
}

impl Forged {
    /// Behind the newest event of its stream, whose metadata it borrows.
    async fn append(self, store: &dyn Store, context: &str) -> Result<Verdict, StoreError> {
        const EVERY_EVENT: u32 = 1_000;
        let known = store.read(Read::Stream { stream: self.stream.clone(), after: 0 }, EVERY_EVENT).await?;
        let last = known.last().expect("there is a true event before the false one");
        let mut commit = Commit::new(CommitId(digest(&["forged", &self.stream, self.name])));
        commit.events.push(NewEvent {
            version: last.version + 1,
            meta: last.meta.clone(),
            facts: vec![self.told(context, last.version + 1)],
            stream: self.stream,
            name: self.name,
            schema: self.schema,
            data: self.data.into(),
        });
        store.commit(commit).await
    }

    fn told(&self, context: &str, version: u64) -> Fact {
        let id = format!("forged {}@{version}", self.stream);
        let data: Value = serde_json::from_slice(&self.fact.data).expect("a fact is JSON");
        let cloudevent = json!({
            "specversion": "1.0", "id": id, "source": context, "type": type_of(self.fact.name, self.fact.schema),
            "subject": self.stream, "sequence": version, "partitionkey": self.fact.key, "data": data,
        });
        Fact {
            id,
            topic: context.into(),
            subject: self.stream.clone(),
            partition_key: self.fact.key.clone(),
            sequence: version,
            cloudevent: cloudevent.to_string().into(),
        }
    }
}
