//! The rules of the payment context, as a shopkeeper would read them.

mod words;
mod capturing;
mod giving_back;
mod arrivals;
mod golden;
