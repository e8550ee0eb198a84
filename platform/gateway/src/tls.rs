//! TLS on the public side: whose certificate is shown. In production it is in two files, and read again when they change; for
//! development it is made here, below an authority of its own whose key is thrown away at once, so that nobody who has the folder can
//! make another that is believed.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bongsu_host::TokioEnv;
use bongsu_runtime::ports::env::Env as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::alone::alone;

/// What is spoken, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Files are looked at as often.
const LOOK: Duration = Duration::from_secs(1);
/// A certificate for development lasts so long, and is made anew when so little of it is left.
const LIFE_S: u64 = 365 * 86_400;
const LEFT_S: u64 = 30 * 86_400;
/// Of whom it is, beside those that are named.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// What it is called in a browser's list.
const AUTHORITY: &str = "bongsu, for development on this machine";

/// Where the gateway speaks TLS, beside where it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// An address and a port.
    pub listen: SocketAddr,
    /// A PEM file with the certificate and those it is signed by. Without one it is made, for this machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// A PEM file with its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Names that are in the one that is made, beside `localhost`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl Tls {
    /// Why it makes no sense.
    fn nonsense(&self) -> Option<&'static str> {
        let is_name = |name: &String| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte))
        };
        match (&self.certificate, &self.key) {
            (Some(_), None) => Some("'certificate' is named, and 'key' is not"),
            (None, Some(_)) => Some("'key' is named, and 'certificate' is not"),
            (Some(_), Some(_)) if !self.names.is_empty() => Some("'names' is for a certificate that is made here"),
            (None, None) if !self.listen.ip().is_loopback() => Some(
                "'listen' faces the network, and a certificate that is made here is for this machine: name 'certificate' and 'key'",
            ),
            _ if !self.names.iter().all(is_name) => Some("'names' are names of machines, or addresses"),
            _ => None,
        }
    }
}

/// Refuses what cannot be meant.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tls>, D::Error> {
    let tls = Option::<Tls>::deserialize(deserializer)?;
    match tls.as_ref().and_then(Tls::nonsense) {
        Some(why) => Err(D::Error::custom(format!("tls: {why}"))),
        None => Ok(tls),
    }
}

/// The certificate that is shown.
pub struct Certificate {
    from: From,
    shown: Arc<Shown>,
}

enum From {
    Files { certificate: PathBuf, key: PathBuf },
    Made { folder: PathBuf, names: Vec<String> },
}

#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

/// What is remembered of one that was made.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    names: Vec<String>,
    ends_s: u64,
}

/// The bytes of both files.
type Read = (Vec<u8>, Vec<u8>);

impl Certificate {
    /// Reads it, or makes it in that folder.
    ///
    /// # Errors
    /// One line.
    pub fn open(tls: &Tls, folder: &Path) -> Result<Self, String> {
        let from = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => From::Files { certificate: certificate.clone(), key: key.clone() },
            _ => From::Made { folder: folder.to_owned(), names: tls.names.clone() },
        };
        from.make()?;
        let shown = from.certified(&from.read()?)?;
        Ok(Self { from, shown: Arc::new(Shown(RwLock::new(Arc::new(shown)))) })
    }

    /// The file with the authority to believe, if it was made here.
    pub fn authority(&self) -> Option<PathBuf> {
        match &self.from {
            From::Files { .. } => None,
            From::Made { folder, .. } => Some(folder.join("authority.pem")),
        }
    }

    /// TLS 1.2 and 1.3, with HTTP/2 and HTTP/1.1 behind it.
    pub fn config(&self) -> Arc<ServerConfig> {
        let versions = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = versions.expect("ring speaks TLS 1.2 and 1.3").with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::clone(&self.shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Arc::new(config)
    }

    /// Shows what is in the files when that has changed, for ever. What cannot be shown is said once, and the last one stays.
    pub async fn tend(&self) {
        let mut last = self.from.read().ok();
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(why) = self.from.make() {
                tracing::error!(reason = why, "no new certificate was made");
            }
            // One file may be there before the other.
            let Ok(now) = self.from.read() else { continue };
            if last.as_ref() == Some(&now) {
                continue;
            }
            match self.from.certified(&now) {
                Ok(certified) => {
                    *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                    tracing::info!("another certificate is shown from now on");
                }
                Err(why) => tracing::error!(reason = why, "the certificate was changed, and cannot be shown"),
            }
            last = Some(now);
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// As everything here that speaks TLS.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl From {
    fn files(&self) -> (PathBuf, PathBuf) {
        match self {
            Self::Files { certificate, key } => (certificate.clone(), key.clone()),
            Self::Made { folder, .. } => (folder.join("certificate.pem"), folder.join("key.pem")),
        }
    }

    fn read(&self) -> Result<Read, String> {
        let read = |file: PathBuf| fs::read(&file).map_err(|why| format!("tls: cannot read {}: {why}", file.display()));
        let (certificate, key) = self.files();
        Ok((read(certificate)?, read(key)?))
    }

    fn certified(&self, (certificate, key): &Read) -> Result<CertifiedKey, String> {
        let (at, key_at) = self.files();
        let (at, key_at) = (at.display(), key_at.display());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|why| format!("tls: {at} is no PEM file: {why}"))?;
        if chain.is_empty() {
            return Err(format!("tls: there is no certificate in {at}"));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| format!("tls: there is no key in {key_at}"))?;
        CertifiedKey::from_der(chain, key, &provider())
            .map_err(|why| format!("tls: {at} and {key_at} do not belong together, or are none: {why}"))
    }

    /// Makes one where that is for us to do, and the last one is none any more.
    fn make(&self) -> Result<(), String> {
        let Self::Made { folder, names } = self else { return Ok(()) };
        let bad = |why: String| format!("tls: no certificate could be made in {}: {why}", folder.display());
        let turn = fs::create_dir_all(folder).and_then(|()| alone(&folder.join("lock")));
        let _turn = turn.map_err(|why| bad(why.to_string()))?;
        let now_ms = TokioEnv::new(None).expect("no crash point was asked for").wall_ms();
        let now_s = u64::try_from(now_ms / 1_000).unwrap_or(0);
        let file = folder.join("made.json");
        let made: Option<Made> = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let still_is = |made: Made| made.names == *names && made.ends_s > now_s.saturating_add(LEFT_S);
        if made.is_some_and(still_is) && self.read().is_ok_and(|read| self.certified(&read).is_ok()) {
            return Ok(());
        }
        let [authority, certificate, key] = signed(names, now_s).map_err(|why| bad(why.to_string()))?;
        let made = serde_json::to_string(&Made { names: names.clone(), ends_s: now_s + LIFE_S }).unwrap_or_default();
        let written = || {
            write(&folder.join("key.pem"), &key)?;
            write(&folder.join("certificate.pem"), &certificate)?;
            write(&folder.join("authority.pem"), &authority)?;
            write(&file, &made)
        };
        written().map_err(|why| bad(why.to_string()))
    }
}

/// For its owner's eyes, and whole or not at all.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let mut new = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(beside, file)
}

/// An authority, a certificate that it signed, and the key of that; the authority's own key is gone.
fn signed(names: &[String], now_s: u64) -> Result<[String; 3], rcgen::Error> {
    let at = |seconds| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    // Clocks of one machine differ by nothing, those of a virtual one sometimes by minutes.
    let from = at(now_s.saturating_sub(3_600));
    let until = at(now_s + LIFE_S);
    let mut above = CertificateParams::new(Vec::new())?;
    above.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    above.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    above.distinguished_name.push(DnType::CommonName, AUTHORITY);
    above.not_before = from;
    above.not_after = until;
    let above_key = KeyPair::generate()?;
    let authority = above.self_signed(&above_key)?;
    let here = HERE.map(str::to_owned);
    let mut below = CertificateParams::new(here.into_iter().chain(names.iter().cloned()).collect::<Vec<_>>())?;
    below.distinguished_name.push(DnType::CommonName, HERE[0]);
    below.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    below.not_before = from;
    below.not_after = until;
    let key = KeyPair::generate()?;
    let certificate = below.signed_by(&key, &Issuer::new(above, above_key))?;
    Ok([authority.pem(), certificate.pem(), key.serialize_pem()])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn nonsense_is_refused_by_name() {
        let of = |value: serde_json::Value| read(value).map_err(|why| why.to_string());
        for (bad, why) in [
            (json!({ "listen": "127.0.0.1:1", "key": "k" }), "'certificate' is not"),
            (json!({ "listen": "127.0.0.1:1", "certificate": "c" }), "'key' is not"),
            (json!({ "listen": "0.0.0.0:443" }), "'listen' faces the network"),
            (json!({ "listen": "127.0.0.1:1", "names": ["a b"] }), "'names' are names"),
            (json!({ "listen": "127.0.0.1:1", "names": ["a"], "certificate": "c", "key": "k" }), "'names' is for"),
            (json!({ "listen": "localhost" }), "invalid socket address"),
            (json!({ "certificate": "c", "key": "k" }), "missing field `listen`"),
            (json!({ "listen": "127.0.0.1:1", "cert": "c" }), "unknown field `cert`"),
        ] {
            let refused = of(bad.clone()).expect_err(&bad.to_string());
            assert!(refused.contains(why) && !refused.contains('\n'), "{bad}: {refused}");
        }
        let face = of(json!({ "listen": "0.0.0.0:443", "certificate": "c", "key": "k" }));
        assert_eq!(face.expect("with files").expect("one").listen.port(), 443);
    }

    fn tls(files: Option<(&Path, &Path)>) -> Tls {
        let (certificate, key) = files.map(|(one, other)| (one.to_owned(), other.to_owned())).unzip();
        Tls { listen: ([127, 0, 0, 1], 0).into(), certificate, key, names: Vec::new() }
    }

    #[test]
    fn one_that_is_made_is_kept_until_it_is_broken_or_for_another_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().join("tls");
        let certificate = || fs::read(at.join("certificate.pem")).expect("a certificate");
        let opened = Certificate::open(&tls(None), &at).expect("made");
        assert_eq!(opened.authority(), Some(at.join("authority.pem")));
        let first = certificate();
        Certificate::open(&tls(None), &at).expect("read");
        assert_eq!(certificate(), first);
        assert_eq!(fs::metadata(at.join("key.pem")).expect("a key").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&at).expect("a folder").count(), 5, "with a lock; no key of an authority is left");
        let named = Tls { names: vec!["house.example".into()], ..tls(None) };
        Certificate::open(&named, &at).expect("made anew");
        let second = certificate();
        assert_ne!(second, first);
        fs::write(at.join("key.pem"), "garbage").expect("written");
        Certificate::open(&named, &at).expect("made anew");
        assert_ne!(certificate(), second);
        fs::write(at.join("made.json"), r#"{"names":["house.example"],"ends_s":1}"#).expect("written");
        let third = certificate();
        Certificate::open(&named, &at).expect("made anew");
        assert_ne!(certificate(), third, "it is over");
    }

    #[test]
    fn files_that_are_none_are_refused_in_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = |name: &str| {
            let at = folder.path().join(name);
            Certificate::open(&tls(None), &at).expect("made");
            (at.join("certificate.pem"), at.join("key.pem"))
        };
        let ((one, key), (other, _)) = (made("one"), made("other"));
        let garbage = folder.path().join("garbage");
        fs::write(&garbage, "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n").expect("written");
        let missing = folder.path().join("missing");
        let refused = |certificate: &Path, key: &Path| {
            let why = Certificate::open(&tls(Some((certificate, key))), folder.path()).err().expect("refused");
            assert!(!why.contains('\n'), "{why}");
            why
        };
        assert!(Certificate::open(&tls(Some((&one, &key))), folder.path()).is_ok());
        assert!(refused(&other, &key).contains("do not belong together"));
        assert!(refused(&key, &key).contains("there is no certificate in"));
        assert!(refused(&one, &one).contains("there is no key in"));
        assert!(refused(&garbage, &key).contains("is no PEM file"));
        assert!(refused(&missing, &key).contains("cannot read"));
    }
}
