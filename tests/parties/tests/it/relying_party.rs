//! The party itself, by the library's own words from discovery to logout.

use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, LogoutProviderMetadata,
    LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadata,
    RedirectUrl, RefreshToken, RevocationUrl, Scope, TokenResponse as _,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
        CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreSubjectIdentifierType,
        CoreTokenResponse, CoreUserInfoClaims,
    },
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    browser::{Browser, End, HOME, agent},
    house::{EMAIL, House, PASSWORD, SECRET},
};

const BACK: &str = "https://party.example/back";

/// What the library does not look for by itself in the discovery document.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Revocation {
    revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for Revocation {}

type Metadata = ProviderMetadata<
    LogoutProviderMetadata<Revocation>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A client whose endpoints came from the discovery document.
type Discovered =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A relying party.
struct Party {
    client: Discovered,
    metadata: Metadata,
    alg: CoreJwsSigningAlgorithm,
}

fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let (mut parts, body) = request.into_parts();
    // The library revokes over https alone; here TLS ends before the house.
    let plain = parts.uri.to_string().replace("https://", "http://");
    parts.uri = plain.parse().expect("an address");
    let mut answer = agent().run(HttpRequest::from_parts(parts, body))?;
    let body = answer.body_mut().read_to_vec()?;
    Ok(answer.map(|_| body))
}

impl Party {
    fn discover(house: &House, id: &str, secret: Option<&str>, alg: CoreJwsSigningAlgorithm) -> Self {
        let issuer = IssuerUrl::new(house.issuer.clone()).expect("an address");
        let metadata = Metadata::discover(&issuer, &send).expect("discovered");
        let revocation = &metadata.additional_metadata().additional_metadata.revocation_endpoint;
        let revocation = RevocationUrl::new(revocation.replace("http://", "https://")).expect("an address");
        let secret = secret.map(|secret| ClientSecret::new(secret.into()));
        let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(id.into()), secret)
            .set_redirect_uri(RedirectUrl::new(BACK.into()).expect("an address"))
            .set_revocation_url(revocation);
        Self { client, metadata, alg }
    }

    /// The code flow; who is not let through by a session fills in the login page.
    fn log_in(&self, browser: &mut Browser) -> CoreTokenResponse {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let wish = self.client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let scopes = ["profile", "email"].map(|scope| Scope::new(scope.into()));
        let (address, state, nonce) = wish.set_pkce_challenge(challenge).add_scopes(scopes).url();
        let back = match browser.open(&address) {
            End::Left(back) => back,
            page => left(browser.submit(&page, &[("email", EMAIL), ("password", PASSWORD)])),
        };
        assert_eq!(given(&back, "state").as_deref(), Some(state.secret().as_str()), "{back}");
        let code = AuthorizationCode::new(given(&back, "code").expect("a code"));
        let tokens = self.client.exchange_code(code).expect("a token endpoint").set_pkce_verifier(verifier);
        let tokens = tokens.request(&send).expect("tokens");
        self.judge(&tokens, &nonce);
        tokens
    }

    /// What it believes of an ID token, and what it does not.
    fn judge(&self, tokens: &CoreTokenResponse, nonce: &Nonce) {
        let verifier = self.client.id_token_verifier().set_allowed_algs([self.alg.clone()]);
        let id_token = tokens.id_token().expect("an ID token");
        let claims = id_token.claims(&verifier, nonce).expect("an ID token that counts");
        assert!(claims.subject().starts_with("usr_"), "{claims:?}");
        let key = id_token.signing_key(&verifier).expect("a key");
        let hash = AccessTokenHash::from_token(tokens.access_token(), &self.alg, key).expect("a hash");
        assert_eq!(claims.access_token_hash(), Some(&hash));
        let another = Nonce::new("another".into());
        assert!(id_token.claims(&verifier, &another).is_err(), "a token for another wish does not count");
    }

    /// The next tokens, unless they are refused.
    fn refresh(&self, token: &RefreshToken) -> Result<CoreTokenResponse, String> {
        let request = self.client.exchange_refresh_token(token).expect("a token endpoint");
        request.request(&send).map_err(|error| format!("{error:?}"))
    }

    fn told(&self, tokens: &CoreTokenResponse) -> Result<CoreUserInfoClaims, String> {
        let request = self.client.user_info(tokens.access_token().clone(), None).expect("an endpoint");
        request.request(&send).map_err(|error| format!("{error:?}"))
    }

    fn way_out(&self, id_token: &CoreIdToken) -> Url {
        let end = self.metadata.additional_metadata().end_session_endpoint.clone().expect("an endpoint");
        let home = PostLogoutRedirectUrl::new(HOME.into()).expect("an address");
        LogoutRequest::from(end).set_id_token_hint(id_token).set_post_logout_redirect_uri(home).http_get_url()
    }
}

fn left(end: End) -> Url {
    match end {
        End::Left(url) => url,
        End::Page { url, body } => panic!("not sent back, but to {url}: {body}"),
    }
}

fn given(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn is_refused(answer: Result<CoreTokenResponse, String>) {
    let why = answer.expect_err("it is refused");
    assert!(why.contains("invalid_grant"), "{why}");
}

fn whole_way(party: &Party) {
    let mut browser = Browser::new();
    let tokens = party.log_in(&mut browser);
    let told = party.told(&tokens).expect("what is told");
    assert_eq!(told.email().map(|email| email.as_str()), Some(EMAIL));

    let first = tokens.refresh_token().expect("a refresh token");
    let next = party.refresh(first).expect("tokens");
    let second = next.refresh_token().expect("a successor");
    assert_ne!(second.secret(), first.secret());
    is_refused(party.refresh(first));
    is_refused(party.refresh(second));

    let again = party.log_in(&mut browser);
    let last = again.refresh_token().expect("a refresh token");
    let revocable = CoreRevocableToken::from(last);
    party.client.revoke_token(revocable).expect("an endpoint").request(&send).expect("revoked");
    is_refused(party.refresh(last));
    party.told(&again).expect_err("it ends with its family");

    let out = party.way_out(again.id_token().expect("an ID token"));
    assert_eq!(left(browser.open(&out)).as_str(), HOME);
    let wish =
        party.client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
    let (challenge, _) = PkceCodeChallenge::new_random_sha256();
    let (silent, ..) = wish.set_pkce_challenge(challenge).add_extra_param("prompt", "none").url();
    let back = left(browser.open(&silent));
    assert_eq!(given(&back, "error").as_deref(), Some("login_required"), "the session is over");
}

#[test]
fn a_public_client_goes_the_whole_way_with_es256() {
    let house = House::up();
    whole_way(&Party::discover(&house, "web", None, CoreJwsSigningAlgorithm::EcdsaP256Sha256));
}

#[test]
fn a_client_with_a_secret_goes_it_with_rs256() {
    let house = House::up();
    whole_way(&Party::discover(&house, "rsa", Some(SECRET), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256));
}
