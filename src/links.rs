//! Signed links and signatures: what proves that an acknowledgement or a hook came from this server.
//! Never prints a key, and never says of a bad link more than that it is forged or too old.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use url::Url;

use crate::domain::{id::PersonId, page::Target};

/// Where the key is kept in the data folder when the configuration names none.
pub const KEY_FILE: &str = "signing.key";

/// The shortest configured key, in bytes.
pub const SHORTEST_KEY: usize = 16;

/// Bytes of the code in a link: 128 bits of HMAC-SHA256.
const CODE: usize = 16;

/// No link of ours is longer, in characters; anything longer is not looked at.
const LONGEST_TOKEN: usize = 1024;

/// What stands before a signed link's content, so that the code of a link is never that of a hook's body.
const PURPOSE: &[u8] = b"watchbell acknowledge 1\n";

/// The key that signs links and hooks. Cheap to clone; prints as `SigningKey(…)`.
#[derive(Clone)]
pub struct SigningKey(Arc<SecretSlice<u8>>);

impl SigningKey {
    /// A key from its bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(SecretSlice::from(bytes.into())))
    }

    /// The value of `Watchbell-Signature` for a body that is sent at `t` (seconds since 1970):
    /// `t=<t>,v1=<hex HMAC-SHA256 of "t.body">`.
    #[must_use]
    pub fn signature(&self, t: i64, body: &[u8]) -> String {
        let mac = self.mac().chain_update(t.to_string()).chain_update(b".").chain_update(body);
        format!("t={t},v1={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn mac(&self) -> Hmac<Sha256> {
        // cannot fail: HMAC takes a key of any length
        Hmac::new_from_slice(self.0.expose_secret()).expect("a key of any length")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey(…)")
    }
}

/// Writes and reads the links that messages carry.
#[derive(Debug, Clone)]
pub struct Links {
    /// Shared by all clones: a reload changes it for all of them.
    public_url: Arc<RwLock<Url>>,
    key: SigningKey,
}

/// What a link allows: one person (or whoever holds it) to acknowledge one thing until an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What.
    pub target: Target,
    /// In whose name; none: nobody in particular.
    pub person: Option<PersonId>,
    /// The last second in which it is taken (civil time).
    pub until: Timestamp,
}

impl Claim {
    /// What it allows at an instant of civil time.
    ///
    /// # Errors
    /// [`BadLink::Expired`]: it is too old.
    pub fn at(self, now: Timestamp) -> Result<Self, BadLink> {
        if now > self.until { Err(BadLink::Expired { until: self.until }) } else { Ok(self) }
    }
}

/// Why a link is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadLink {
    /// This server never wrote it, or it was cut or changed on its way.
    Forged,
    /// It was good once.
    Expired {
        /// Until when.
        until: Timestamp,
    },
}

impl Links {
    /// Links below `public_url`, which may have a path (`https://example.com/watchbell`).
    #[must_use]
    pub fn new(public_url: Url, key: SigningKey) -> Self {
        Self { public_url: Arc::new(RwLock::new(bare(public_url))), key }
    }

    /// Links begin with another URL from now on; those that were sent stay good.
    pub fn begin_with(&self, public_url: Url) {
        *self.public_url.write().unwrap_or_else(PoisonError::into_inner) = bare(public_url);
    }

    /// The key behind the links; it signs hooks too.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The link that acknowledges `target` until `until` (whole seconds): `{public_url}/a/{token}`.
    #[must_use]
    pub fn acknowledge(&self, target: Target, person: Option<&PersonId>, until: Timestamp) -> Url {
        let token = self.token(target, person, until);
        let mut url = self.public_url.read().unwrap_or_else(PoisonError::into_inner).clone();
        let path = format!("{}/a/{token}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// Reads the token of a link, which may be too old: see [`Claim::at`]. The code is compared in constant time,
    /// before anything else is looked at.
    ///
    /// # Errors
    /// [`BadLink::Forged`]: it is not ours.
    pub fn verify(&self, token: &str) -> Result<Claim, BadLink> {
        if token.len() > LONGEST_TOKEN {
            return Err(BadLink::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadLink::Forged)?;
        let (code, content) = bytes.split_at_checked(CODE).ok_or(BadLink::Forged)?;
        let mac = self.key.mac().chain_update(PURPOSE).chain_update(content);
        mac.verify_truncated_left(code).map_err(|_| BadLink::Forged)?;
        claim(content).ok_or(BadLink::Forged)
    }

    fn token(&self, target: Target, person: Option<&PersonId>, until: Timestamp) -> String {
        let mut content = format!("{target}\n{}", until.as_second());
        if let Some(person) = person {
            content.push('\n');
            content.push_str(person.as_str());
        }
        let mac = self.key.mac().chain_update(PURPOSE).chain_update(&content).finalize().into_bytes();
        let mut bytes: Vec<u8> = mac.into_iter().take(CODE).collect();
        bytes.extend_from_slice(content.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Without what cannot stand at the beginning of a link.
fn bare(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Content of a token: target, instant and person, a line each; the person may be missing.
fn claim(content: &[u8]) -> Option<Claim> {
    let mut lines = std::str::from_utf8(content).ok()?.splitn(3, '\n');
    Some(Claim {
        target: lines.next()?.parse().ok()?,
        until: Timestamp::from_second(lines.next()?.parse().ok()?).ok()?,
        person: lines.next().map(PersonId::from),
    })
}

/// The signing key: the configured one, or the one kept in the data folder, which is made (32 random bytes, mode
/// 0600, written as 64 hex digits) when it is not there. The file's text given as the configured key is the same key.
///
/// # Errors
/// A configured key shorter than [`SHORTEST_KEY`] bytes, a kept key that is damaged, or a folder that cannot
/// be read or written.
pub fn signing_key(data_dir: &Path, configured: Option<&SecretString>) -> io::Result<SigningKey> {
    if let Some(key) = configured {
        let key = key.expose_secret().trim();
        return if key.len() < SHORTEST_KEY {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("[server] signing_key is shorter than {SHORTEST_KEY} bytes: use a longer one"),
            ))
        } else {
            Ok(SigningKey::new(key))
        };
    }
    let path = data_dir.join(KEY_FILE);
    match fs::read(&path) {
        Ok(kept) => {
            let kept = kept.trim_ascii();
            if kept.len() == 64 && kept.iter().all(u8::is_ascii_hexdigit) {
                return Ok(SigningKey::new(kept));
            }
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{} is damaged: put the old file back, or delete it to get a new key (links that were sent end then)",
                    path.display()
                ),
            ))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(data_dir, &path),
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("{} cannot be read: {error}", path.display())))
        }
    }
}

/// Written beside and renamed, so that a crash never leaves half a key.
fn make_key(data_dir: &Path, path: &Path) -> io::Result<SigningKey> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(format!("no random numbers: {error}")))?;
    let key = hex::encode(bytes);
    fs::create_dir_all(data_dir)?;
    let beside = path.with_extension("key.new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(key.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    #[cfg(unix)]
    fs::File::open(data_dir)?.sync_all()?;
    Ok(SigningKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{AlertId, GroupId, IncidentId, PageId};
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn links(public_url: &str) -> Links {
        Links::new(public_url.parse().unwrap(), SigningKey::new("0123456789abcdef"))
    }

    fn token(url: &Url) -> String {
        url.path_segments().unwrap().next_back().unwrap().to_owned()
    }

    #[test]
    fn a_link_starts_with_the_public_url_and_reads_back() {
        let ana = PersonId::new("ana");
        for public_url in
            ["http://127.0.0.1:8080", "https://x.example", "https://x.example/wb", "https://x.example/wb/"]
        {
            for (target, person) in [
                (Target::Group(GroupId(17)), Some(&ana)),
                (Target::Incident(IncidentId(7)), None),
                (Target::Alert(AlertId(1)), Some(&ana)),
                (Target::Page(PageId(u64::MAX)), None),
            ] {
                let links = links(public_url);
                let url = links.acknowledge(target, person, at(1000));
                let start = format!("{}/a/", public_url.trim_end_matches('/'));
                assert!(url.as_str().starts_with(public_url) && url.as_str().starts_with(&start), "{url}");
                let claim = Claim { target, person: person.cloned(), until: at(1000) };
                let read = links.verify(&token(&url));
                assert_eq!(read.clone().and_then(|read| read.at(at(1000))), Ok(claim));
                let expired = Err(BadLink::Expired { until: at(1000) });
                assert_eq!(read.and_then(|read| read.at(at(1001))), expired);
            }
        }
    }

    #[test]
    fn a_link_that_was_changed_cut_or_signed_with_another_key_is_forged() {
        let links = links("https://x.example");
        let good =
            token(&links.acknowledge(Target::Group(GroupId(1)), Some(&PersonId::new("ana")), at(1000)));
        let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                assert_eq!(links.verify(&URL_SAFE_NO_PAD.encode(changed)), Err(BadLink::Forged));
            }
            assert_eq!(links.verify(&URL_SAFE_NO_PAD.encode(&bytes[..position])), Err(BadLink::Forged));
        }
        for bad in ["", "a", "%00", &format!("{good}A"), &format!("{good}="), &"A".repeat(100_000)] {
            assert_eq!(links.verify(bad), Err(BadLink::Forged));
        }
        let other =
            Links::new("https://x.example".parse().unwrap(), SigningKey::new("another key, same place"));
        assert_eq!(other.verify(&good), Err(BadLink::Forged));
    }

    #[test]
    fn the_signature_is_the_documented_one() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            SigningKey::new("secret").signature(1_700_000_000, b"{}"),
            "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
        );
    }

    #[test]
    fn a_key_is_made_once_kept_for_its_owner_only_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = signing_key(&data, None).unwrap();
        let again = signing_key(&data, None).unwrap();
        assert_eq!(made.signature(1, b"x"), again.signature(1, b"x"));
        let text = fs::read_to_string(data.join(KEY_FILE)).unwrap();
        let configured = signing_key(&data, Some(&SecretString::from(text.clone()))).unwrap();
        assert_eq!(made.signature(1, b"x"), configured.signature(1, b"x"));
        assert!(!format!("{made:?}").contains(text.trim()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(data.join(KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(data.join(KEY_FILE), "half").unwrap();
        assert_eq!(signing_key(&data, None).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(
            signing_key(&data, Some(&SecretString::from("short"))).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }

    proptest! {
        #[test]
        fn any_token_is_refused_without_harm(token in ".{0,200}") {
            prop_assert_eq!(links("https://x.example").verify(&token), Err(BadLink::Forged));
        }
    }
}
