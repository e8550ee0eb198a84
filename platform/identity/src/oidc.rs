//! The protocol: OAuth 2 (RFC 6749, 6750, 7009, 7636, 7662, 9068, 9207) and OpenID Connect Core, Discovery and RP-Initiated
//! Logout. Start at [`authorize`], then [`token`].

pub(crate) mod form;
pub(crate) mod refusal;
pub(crate) mod claims;
pub(crate) mod discovery;
pub(crate) mod client_auth;
pub(crate) mod authorize;
pub(crate) mod grants;
pub(crate) mod token;
pub(crate) mod userinfo;
pub(crate) mod revoke;
pub(crate) mod introspect;
pub(crate) mod logout;
