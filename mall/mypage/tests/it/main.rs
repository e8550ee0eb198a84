//! MyPage: what it hears, how a row is folded, and what is shown.

mod contracts;
mod folding;
mod showing;
