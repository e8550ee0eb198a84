//! Where orders go. An address is sealed with a key of its customer's before it is in a command, an event or a fact; the key is a
//! document, and deleted when the customer is forgotten: whoever has the sealed address then has nothing.
//!
//! The one room that sees an address in plain text, with [`api`](crate::api), which is told it and shows it. The key belongs to this
//! context and is made in the Commit of the first order, so that an order needs nobody else.

mod sealing;

use bongsu_core::Takes;
use bongsu_runtime::{
    Answer, Call, CommandError, Handle, Outcome, Reply, Script, forgotten,
    ports::{env::Env, store::DocKey},
};
use ordering_domain::{ids::CustomerId, order::OrderRejection, place_order::fits_a_label};
use serde::{Deserialize, Serialize};

use self::sealing::{KEY, NONCE};

/// The table of the customers' keys.
const KEYS: &str = "customer-key";

/// A customer's key. The id is the customer's.
#[derive(Clone, Serialize, Deserialize)]
struct CustomerKey {
    key: [u8; KEY],
}

/// Why an address cannot be sealed.
pub(crate) enum NotSealed {
    /// It is no address.
    Unfit(OrderRejection),
    /// Its customer is forgotten: nothing is begun for him.
    Forgotten,
    /// His key cannot be read by this build.
    Unreadable,
}

/// An address, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Known(String),
    /// Its customer is forgotten.
    Forgotten,
    /// It cannot be read.
    Unreadable,
}

/// An address that is to be sealed in the Commit that places the order: whose it is, and what chance gave for it.
struct ToSeal<'a> {
    customer: &'a CustomerId,
    address: &'a str,
    /// The customer's key, if he has none.
    drawn: CustomerKey,
    nonce: [u8; NONCE],
}

/// The documents about a customer that are deleted when he is forgotten.
pub(crate) fn about(customer: &str) -> Vec<DocKey> {
    vec![DocKey::new(KEYS, customer)]
}

/// Has `T` decide what `command` makes of the sealed address. The customer's first key is written in the same Commit.
///
/// # Errors
/// See [`CommandError`]. What cannot be sealed is an answer that `refused` gives.
pub(crate) async fn sealed<T: Takes<Kind>, Kind>(
    handle: &Handle,
    call: &Call,
    (customer, address): (&CustomerId, &str),
    command: impl Fn(String) -> T::Command + Send + Sync,
    refused: impl Fn(NotSealed) -> Reply + Send + Sync,
    reply: impl Fn(Outcome<'_, T::Rejection>) -> Reply + Send + Sync,
) -> Result<Answer, CommandError> {
    let env = handle.env().as_ref();
    let to_seal = ToSeal { customer, address, drawn: CustomerKey { key: drawn(env) }, nonce: drawn(env) };
    let reads = [about(customer), vec![forgotten(customer)]].concat();
    let work = |script: &mut Script<'_>| to_seal.seal(script).map(&command).map_err(&refused);
    handle.script_command::<T, Kind>(call, &reads, &work, reply).await
}

/// Where an order of a customer's goes, as it is kept.
///
/// # Errors
/// See [`CommandError`].
pub(crate) async fn opened(handle: &Handle, customer: &CustomerId, kept: &str) -> Result<Address, CommandError> {
    if !sealing::is_sealed(kept) {
        // It was written before there were keys.
        let is_forgotten = handle.is_forgotten(customer).await?;
        return Ok(if is_forgotten { Address::Forgotten } else { Address::Known(kept.to_owned()) });
    }
    let Some(CustomerKey { key }) = handle.document(KEYS, customer).await? else { return Ok(Address::Forgotten) };
    Ok(sealing::open(&key, customer, kept).map_or_else(
        || {
            tracing::error!(%customer, "an address cannot be opened with its customer's key");
            Address::Unreadable
        },
        Address::Known,
    ))
}

impl ToSeal<'_> {
    fn seal(&self, script: &mut Script<'_>) -> Result<String, NotSealed> {
        fits_a_label(self.address).map_err(NotSealed::Unfit)?;
        if script.has(&forgotten(self.customer)) {
            return Err(NotSealed::Forgotten);
        }
        let key = match script.get::<CustomerKey>(KEYS, self.customer) {
            Some(key) => key,
            // Of what another build wrote nothing is written over: every order before it would be lost.
            None if about(self.customer).iter().any(|key| script.has(key)) => return Err(NotSealed::Unreadable),
            None => {
                script.put(KEYS, self.customer, &self.drawn, Vec::new());
                self.drawn.clone()
            }
        };
        Ok(sealing::seal(&key.key, self.nonce, self.customer, self.address))
    }
}

/// Random bytes.
fn drawn<const N: usize>(env: &dyn Env) -> [u8; N] {
    let mut bytes = [0; N];
    for part in bytes.chunks_mut(size_of::<u64>()) {
        part.copy_from_slice(&env.random().to_le_bytes()[..part.len()]);
    }
    bytes
}
