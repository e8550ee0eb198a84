//! What pages say, in two languages.

use http::{HeaderMap, header};

/// All words of one language.
pub(crate) struct Words {
    pub(crate) locale: &'static str,
    pub(crate) log_in: &'static str,
    pub(crate) sign_up: &'static str,
    pub(crate) log_out: &'static str,
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) new_password: &'static str,
    pub(crate) present_password: &'static str,
    pub(crate) password_hint: &'static str,
    pub(crate) change_password: &'static str,
    pub(crate) change: &'static str,
    pub(crate) no_account: &'static str,
    pub(crate) has_account: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) locked: &'static str,
    /// `{}` is a number of seconds.
    pub(crate) too_early: &'static str,
    pub(crate) bad_email: &'static str,
    pub(crate) bad_name: &'static str,
    pub(crate) bad_password: &'static str,
    pub(crate) taken: &'static str,
    pub(crate) refused_title: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) logged_in: &'static str,
    pub(crate) logged_out: &'static str,
    pub(crate) ask_log_out: &'static str,
    pub(crate) changed: &'static str,
}

pub(crate) const ENGLISH: Words = Words {
    locale: "en",
    log_in: "Log in",
    sign_up: "Sign up",
    log_out: "Log out",
    email: "E-mail address",
    name: "Name",
    password: "Password",
    new_password: "New password",
    present_password: "Present password",
    password_hint: "At least 8 characters",
    change_password: "Change password",
    change: "Change",
    no_account: "No account yet?",
    has_account: "You have an account?",
    wrong: "This address and this password do not belong together.",
    locked: "This account is locked.",
    too_early: "Too many attempts. Try again in {} seconds.",
    bad_email: "This is not an e-mail address.",
    bad_name: "A name has 1 to 100 characters.",
    bad_password: "A password has at least 8 characters and at most 256 bytes, and is not the address.",
    taken: "With this address nobody can sign up.",
    refused_title: "This cannot be done",
    refused: "The application asked for something that cannot be done.",
    stale: "This page was too old. Please try again.",
    logged_in: "You are logged in.",
    logged_out: "You are logged out.",
    ask_log_out: "Do you want to log out?",
    changed: "Your password was changed. Everywhere else you are logged out.",
};

pub(crate) const KOREAN: Words = Words {
    locale: "ko",
    log_in: "로그인",
    sign_up: "회원 가입",
    log_out: "로그아웃",
    email: "이메일 주소",
    name: "이름",
    password: "비밀번호",
    new_password: "새 비밀번호",
    present_password: "현재 비밀번호",
    password_hint: "8자 이상",
    change_password: "비밀번호 변경",
    change: "변경",
    no_account: "아직 계정이 없으신가요?",
    has_account: "이미 계정이 있으신가요?",
    wrong: "이메일 주소 또는 비밀번호가 올바르지 않습니다.",
    locked: "잠긴 계정입니다.",
    too_early: "시도가 너무 많습니다. {}초 후에 다시 시도해 주세요.",
    bad_email: "이메일 주소가 아닙니다.",
    bad_name: "이름은 1자 이상 100자 이하입니다.",
    bad_password: "비밀번호는 8자 이상 256바이트 이하이며, 이메일 주소와 달라야 합니다.",
    taken: "이 주소로는 가입할 수 없습니다.",
    refused_title: "처리할 수 없습니다",
    refused: "애플리케이션의 요청을 처리할 수 없습니다.",
    stale: "페이지가 너무 오래되었습니다. 다시 시도해 주세요.",
    logged_in: "로그인되어 있습니다.",
    logged_out: "로그아웃되었습니다.",
    ask_log_out: "로그아웃하시겠습니까?",
    changed: "비밀번호가 변경되었습니다. 다른 곳에서는 모두 로그아웃됩니다.",
};

/// The language a client asks for (`ui_locales`), else the one the browser prefers.
pub(crate) fn of(headers: &HeaderMap, asked: Option<&str>) -> &'static Words {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = asked.unwrap_or_default().split(' ').chain(accepted.split(','));
    for tag in wanted {
        match tag.trim().split(['-', ';']).next() {
            Some("ko") => return &KOREAN,
            Some("en") => return &ENGLISH,
            _ => {}
        }
    }
    &ENGLISH
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_is_what_the_client_asks_for_then_what_the_browser_prefers() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers, None).locale, "en");
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("fr, ko-KR;q=0.9, en;q=0.8"));
        assert_eq!(of(&headers, None).locale, "ko");
        assert_eq!(of(&headers, Some("de en")).locale, "en");
    }
}
