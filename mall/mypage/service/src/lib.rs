//! MyPage: order history folded from facts alone.
#![forbid(unsafe_code)]
