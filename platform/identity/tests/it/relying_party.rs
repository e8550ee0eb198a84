//! A relying party that nobody here wrote: the crate `openidconnect` goes the whole way, from discovery to the next refresh.

use bytes::Bytes;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, SubjectIdentifier, TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreTokenResponse, CoreUserInfoClaims,
    },
};
use url::Url;

use crate::{
    browser::{Browser, PASSWORD},
    house::{BACK, House, Http, SECRET},
};

/// The house's own client, as that crate wants one.
async fn send(http: Http, request: HttpRequest) -> Result<HttpResponse, http::Error> {
    let (parts, body) = request.into_parts();
    let text = |value: &http::HeaderValue| value.to_str().expect("text").to_owned();
    let headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = String::from_utf8(body).expect("text");
    let answer = http.send(parts.method, &parts.uri.to_string(), &headers, body).await;
    let mut response = http::Response::builder().status(answer.status).body(Bytes::from(answer.body).to_vec())?;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

/// Signs somebody up at the address where the party sends a browser; returns where that is sent back to.
async fn consent(address: &Url) -> Url {
    let mut browser = Browser::new();
    let login = browser.get(address.as_str()).await;
    let sign_up = login.header("location").replace("/login?", "/sign-up?");
    let fields = [("email", "ann@house.example"), ("name", "Ann Nowhere"), ("password", PASSWORD)];
    let back = browser.fill(&sign_up, &fields).await;
    let back = browser.get(back.header("location")).await;
    Url::parse(back.header("location")).expect("an address")
}

/// What a party believes of an ID token, and what it does not.
fn judge(
    verifier: &CoreIdTokenVerifier<'_>,
    alg: &CoreJwsSigningAlgorithm,
    tokens: &CoreTokenResponse,
    nonce: &Nonce,
) -> SubjectIdentifier {
    let id_token = tokens.id_token().expect("an ID token");
    let claims = id_token.claims(verifier, nonce).expect("an ID token that counts");
    assert_eq!(id_token.signing_alg().expect("an algorithm"), alg);
    let key = id_token.signing_key(verifier).expect("a key");
    let hash = AccessTokenHash::from_token(tokens.access_token(), alg, key).expect("a hash");
    assert_eq!(Some(&hash), claims.access_token_hash());
    let another = Nonce::new("another".into());
    assert!(id_token.claims(verifier, &another).is_err(), "a token for another wish does not count");
    claims.subject().clone()
}

async fn whole_way(id: &str, secret: Option<&str>, alg: CoreJwsSigningAlgorithm) {
    let house = House::open().await;
    let http = house.http.clone();
    let client = |request: HttpRequest| send(http.clone(), request);
    let issuer = IssuerUrl::new(house.issuer.clone()).expect("an address");
    let metadata = CoreProviderMetadata::discover_async(issuer, &client).await.expect("discovered");
    let secret = secret.map(|secret| ClientSecret::new(secret.into()));
    let party = CoreClient::from_provider_metadata(metadata, ClientId::new(id.into()), secret)
        .set_redirect_uri(RedirectUrl::new(BACK.into()).expect("an address"));
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let wish = party.authorize_url(flow, CsrfToken::new_random, Nonce::new_random).set_pkce_challenge(challenge);
    let (address, state, nonce) = wish.add_scopes(["profile", "email"].map(|it| Scope::new(it.into()))).url();

    let back = consent(&address).await;
    let given = |name: &str| back.query_pairs().find(|(found, _)| found == name).expect("it is there").1.into_owned();
    assert_eq!(&given("state"), state.secret());
    let tokens = party.exchange_code(AuthorizationCode::new(given("code"))).expect("a token endpoint");
    let tokens = tokens.set_pkce_verifier(verifier).request_async(&client).await.expect("tokens");
    let subject = judge(&party.id_token_verifier().set_allowed_algs([alg.clone()]), &alg, &tokens, &nonce);
    assert!(subject.as_str().starts_with("usr_"));

    let told = party.user_info(tokens.access_token().clone(), Some(subject)).expect("an endpoint");
    let told: CoreUserInfoClaims = told.request_async(&client).await.expect("what is told");
    assert_eq!(told.email().map(|email| email.as_str()), Some("ann@house.example"));
    let refresh = tokens.refresh_token().expect("a refresh token");
    let next = party.exchange_refresh_token(refresh).expect("a token endpoint").request_async(&client).await;
    assert_ne!(next.expect("tokens").refresh_token().expect("a successor").secret(), refresh.secret());
}

#[tokio::test]
async fn a_library_nobody_here_wrote_logs_somebody_in() {
    whole_way("web", None, CoreJwsSigningAlgorithm::EcdsaP256Sha256).await;
}

#[tokio::test]
async fn it_does_so_with_a_secret_and_with_rsa() {
    whole_way("rsa", Some(SECRET), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256).await;
}
