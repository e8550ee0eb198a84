//! MyPage: what it hears, how a row is folded, and what is shown.

mod folding;
mod showing;

bongsu_testing::standing!(mypage, showing::there);
