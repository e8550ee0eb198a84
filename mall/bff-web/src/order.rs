//! An order put together: what each of those who know a part of it said, and what that says of whose it is.

use bongsu_runtime::{Answered, Unanswered};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What one of them said.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Part {
    /// Whether it said anything.
    pub state: PartState,
    /// How long that took.
    pub took_ms: u64,
    /// As it describes it itself.
    #[schema(required, value_type = Option<Object>)]
    pub data: Option<Value>,
}

/// Whether a part is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// It is.
    Ok,
    /// Whoever knows it has nothing of this order, or not yet.
    Absent,
    /// No answer in time.
    Late,
    /// Whoever knows it was not asked, because it failed of late.
    Open,
    /// Whoever knows it was not asked, because too many wait for it.
    Busy,
    /// No answer, or none that could be understood.
    Failed,
}

/// What all of them said.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The order itself.
    pub ordering: Part,
    /// Its money.
    pub payment: Part,
    /// Its parcel.
    pub delivery: Part,
    /// All that was heard of it.
    pub mypage: Part,
}

/// What that says of the order to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is his, as far as one of those who look at whose it is let him see it.
    Its,
    /// There is none, or it is another's.
    None,
    /// Whoever would know did not answer.
    NotKnown,
}

impl Part {
    /// What an answer says, which took so long; of a list of one or none, the one.
    pub fn of(answered: Result<Answered, Unanswered>, took_ms: u64, is_list: bool) -> Self {
        let (state, data) = match answered {
            Ok(Answered { status: 200, body, .. }) => read(&body, is_list),
            Ok(Answered { status: 404, .. }) => (PartState::Absent, None),
            Ok(_) => (PartState::Failed, None),
            Err(why) => (state_of(&why), None),
        };
        Self { state, took_ms, data }
    }

    fn is(&self, state: PartState) -> bool {
        self.state == state
    }
}

impl Parts {
    /// Whoever looks at whose it is has the last word: ordering first, to whom orders belong; the others while it is away.
    pub fn verdict(&self) -> Verdict {
        let others = [&self.payment, &self.delivery, &self.mypage];
        match self.ordering.state {
            PartState::Ok => Verdict::Its,
            PartState::Absent => Verdict::None,
            _ if others.iter().any(|part| part.is(PartState::Ok)) => Verdict::Its,
            _ => Verdict::NotKnown,
        }
    }
}

/// What is in a body that is the thing itself, or a page of one or none.
fn read(body: &[u8], is_list: bool) -> (PartState, Option<Value>) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return (PartState::Failed, None) };
    let thing = match (is_list, body) {
        (true, Value::Object(mut page)) => match page.remove("items") {
            Some(Value::Array(items)) => items.into_iter().next(),
            _ => return (PartState::Failed, None),
        },
        (false, thing) => Some(thing),
        (true, _) => return (PartState::Failed, None),
    };
    match thing {
        Some(thing) if thing.is_object() => (PartState::Ok, Some(thing)),
        Some(_) => (PartState::Failed, None),
        None => (PartState::Absent, None),
    }
}

fn state_of(why: &Unanswered) -> PartState {
    match why {
        Unanswered::Late | Unanswered::NoTime => PartState::Late,
        Unanswered::Open(_) => PartState::Open,
        Unanswered::Busy => PartState::Busy,
        Unanswered::Undeclared | Unanswered::Lost(_) | Unanswered::Failed(_) => PartState::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Answered, Unanswered> {
        Ok(Answered { status, body: body.into(), instead_of: None })
    }

    #[test]
    fn a_part_says_whether_it_is_there_and_why_not() {
        let cases = [
            (answer(200, r#"{"a": 1}"#), false, PartState::Ok),
            (answer(200, r#"{"items": [{"a": 1}]}"#), true, PartState::Ok),
            (answer(200, r#"{"items": []}"#), true, PartState::Absent),
            (answer(404, "{}"), false, PartState::Absent),
            (answer(200, "garbage"), false, PartState::Failed),
            (answer(200, "[]"), false, PartState::Failed),
            (answer(200, "[]"), true, PartState::Failed),
            (answer(200, r#"{"items": [1]}"#), true, PartState::Failed),
            (answer(200, r#"{"items": 1}"#), true, PartState::Failed),
            (answer(403, "{}"), false, PartState::Failed),
            (answer(302, ""), false, PartState::Failed),
            (Err(Unanswered::Late), false, PartState::Late),
            (Err(Unanswered::NoTime), false, PartState::Late),
            (Err(Unanswered::Busy), false, PartState::Busy),
            (Err(Unanswered::Open(Duration::ZERO)), false, PartState::Open),
            (Err(Unanswered::Lost(String::new())), false, PartState::Failed),
            (Err(Unanswered::Failed(500)), false, PartState::Failed),
        ];
        for (answered, is_list, state) in cases {
            let said = format!("{answered:?}");
            let part = Part::of(answered, 1, is_list);
            assert_eq!((part.state, part.data.is_some()), (state, state == PartState::Ok), "{said}");
        }
    }

    #[test]
    fn whoever_may_see_a_part_may_see_the_order_unless_ordering_says_that_there_is_none() {
        let part = |state| Part { state, took_ms: 1, data: None };
        let states =
            [PartState::Ok, PartState::Absent, PartState::Late, PartState::Open, PartState::Busy, PartState::Failed];
        for ordering in states {
            for other in states {
                let (ordering, mypage) = (part(ordering), part(other));
                let parts =
                    Parts { payment: part(PartState::Late), delivery: part(PartState::Absent), mypage, ordering };
                let expected = match (parts.ordering.state, other) {
                    (PartState::Ok, _) => Verdict::Its,
                    (PartState::Absent, _) => Verdict::None,
                    (_, PartState::Ok) => Verdict::Its,
                    _ => Verdict::NotKnown,
                };
                assert_eq!(parts.verdict(), expected, "{parts:?}");
            }
        }
    }
}
