//! Web addresses that people add to an incident. Journals are forever, so an address that carries a secret is refused;
//! never repeats what it refuses.

/// The longest address, in bytes.
const LONGEST: usize = 2_000;
/// Names of parameters whose values open something: whoever reads the journal could use them.
const SECRETS: [&str; 14] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "auth",
    "signature",
    "credential",
    "session",
    "private_key",
];
/// The same where the whole name must be that.
const SHORT_SECRETS: [&str; 5] = ["key", "sig", "jwt", "code", "sid"];

/// Why an address cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadAddress {
    /// It is no `http` or `https` address.
    NotWeb,
    /// It has a user name or a password in it.
    Credentials,
    /// A parameter looks like a secret.
    Secret,
    /// It is longer than 2,000 bytes.
    TooLong,
}

/// An address as it is kept.
///
/// # Errors
/// With the reason, and never with the address.
pub fn address(written: &str) -> Result<String, BadAddress> {
    if written.len() > LONGEST {
        return Err(BadAddress::TooLong);
    }
    let url = url::Url::parse(written.trim()).map_err(|_| BadAddress::NotWeb)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(BadAddress::NotWeb);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::Credentials);
    }
    let in_fragment = url.fragment().unwrap_or_default();
    let in_fragment = url::form_urlencoded::parse(in_fragment.as_bytes());
    // A fragment without `=` is a place in a document.
    let in_fragment = in_fragment.filter(|(_, value)| !value.is_empty());
    if url.query_pairs().chain(in_fragment).any(|(name, _)| is_secret(&name)) {
        return Err(BadAddress::Secret);
    }
    let address = String::from(url);
    if address.len() > LONGEST { Err(BadAddress::TooLong) } else { Ok(address) }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SHORT_SECRETS.contains(&&*name) || SECRETS.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_unless_it_opens_something() {
        for (written, expected) in [
            ("https://example.com/d/7?from=now-1h&to=now", Ok("https://example.com/d/7?from=now-1h&to=now")),
            (" HTTP://Example.com ", Ok("http://example.com/")),
            ("https://example.com/doc#heading", Ok("https://example.com/doc#heading")),
            ("https://ana@example.com/", Err(BadAddress::Credentials)),
            ("https://ana:x@example.com/", Err(BadAddress::Credentials)),
            ("https://:x@example.com/", Err(BadAddress::Credentials)),
            ("https://example.com/?access_token=x", Err(BadAddress::Secret)),
            ("https://example.com/?X-Amz-Signature=x", Err(BadAddress::Secret)),
            ("https://example.com/?KEY=x", Err(BadAddress::Secret)),
            ("https://example.com/#id_token=x", Err(BadAddress::Secret)),
            ("https://example.com/?monkey=x", Ok("https://example.com/?monkey=x")),
            ("javascript:alert(1)", Err(BadAddress::NotWeb)),
            ("file:///etc/passwd", Err(BadAddress::NotWeb)),
            ("data:text/html,x", Err(BadAddress::NotWeb)),
            ("example.com", Err(BadAddress::NotWeb)),
            ("https://", Err(BadAddress::NotWeb)),
            ("", Err(BadAddress::NotWeb)),
        ] {
            assert_eq!(address(written).as_deref(), expected.as_ref().copied(), "{written}");
        }
        assert_eq!(
            address(&format!("https://example.com/{}", "x".repeat(LONGEST))),
            Err(BadAddress::TooLong)
        );
    }
}
