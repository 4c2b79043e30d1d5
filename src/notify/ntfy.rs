//! Pages by ntfy push (<https://docs.ntfy.sh/publish/>): one POST to the topic with title, priority, tags and an
//! acknowledge action. Never sends labels: a push passes through other people's servers.

use std::pin::Pin;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Client;
use url::Url;

use super::{Parts, post};
use crate::{
    config::Address,
    domain::{
        delivery::{Channel, DeliveryKind, Outcome},
        facts::Dispatch,
    },
    engine::Courier,
    text::message,
};

/// The courier of `ntfy:` contacts.
pub struct Ntfy {
    parts: Parts,
    client: Client,
}

impl Ntfy {
    /// A courier with a client of its own.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(parts: Parts) -> reqwest::Result<Self> {
        Ok(Self { client: post::client(parts.limits)?, parts })
    }

    async fn post(&self, dispatch: &Dispatch) -> Outcome {
        let (person, url) = match self.parts.address(dispatch) {
            Ok((person, Address::Ntfy { server, topic })) => match publish(server, &topic) {
                Some(url) => (person, url),
                None => {
                    return Outcome::Refused { why: "the address of the ntfy server cannot be used".into() };
                }
            },
            Ok(_) => return Outcome::Refused { why: "the contact is not an ntfy topic any more".into() },
            Err(why) => return Outcome::Refused { why },
        };
        let push = message::push(dispatch);
        let mut request = self
            .client
            .post(url)
            .header("Title", encoded(&push.title))
            .header("Priority", push.priority.as_str())
            .header("Tags", push.tags.join(","))
            .header("Idempotency-Key", &dispatch.delivery.key);
        let link = self.parts.acknowledge(dispatch, person);
        if let (DeliveryKind::Page, Some(link)) = (dispatch.delivery.kind, link) {
            // The link opens the page with the button; the action acknowledges at once.
            request = request.header("Actions", action(&link)).header("Click", link.as_str());
        }
        post::attempt(request.body(push.body), self.parts.limits, dispatch.at).await
    }
}

impl Courier for Ntfy {
    fn channel(&self) -> Channel {
        Channel::Ntfy
    }
    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.post(dispatch))
    }
}

/// Where a topic is published to: below the server's own path, the topic as one segment.
fn publish(mut server: Url, topic: &str) -> Option<Url> {
    if !matches!(server.scheme(), "http" | "https") || topic.is_empty() {
        return None;
    }
    server.path_segments_mut().ok()?.pop_if_empty().push(topic);
    Some(server)
}

/// The acknowledge button; the address is quoted, because `,` and `;` separate actions.
fn action(link: &Url) -> String {
    let url = link.as_str();
    let url = if url.contains([',', ';']) { format!("\"{url}\"") } else { url.to_owned() };
    format!("http, Acknowledge, {url}, method=POST, clear=true")
}

/// A header value: as it is when it is printable ASCII, else as RFC 2047 says, in words of at most 75 characters.
fn encoded(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && !text.contains("=?") {
        return text.to_owned();
    }
    // 45 bytes are 60 characters of base64; a word must not cut a character in two.
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if word.len() + character.len_utf8() > 45 {
            words.push(std::mem::take(&mut word));
        }
        word.push(character);
    }
    words.push(word);
    let words: Vec<String> =
        words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_one_segment_below_the_server() {
        for (server, topic, expected) in [
            ("https://ntfy.example.com", "ana", Some("https://ntfy.example.com/ana")),
            ("https://u:p@x.example/ntfy/", "ana", Some("https://u:p@x.example/ntfy/ana")),
            ("https://x.example", "a/../b?c", Some("https://x.example/a%2F..%2Fb%3Fc")),
            ("https://x.example", "", None),
            ("mailto:a@x.example", "ana", None),
        ] {
            let url = publish(server.parse().unwrap(), topic).map(String::from);
            assert_eq!(url.as_deref(), expected);
        }
    }

    #[test]
    fn a_title_that_is_not_ascii_is_encoded_in_short_words() {
        assert_eq!(encoded("P1: DiskFull"), "P1: DiskFull");
        assert_eq!(encoded("día"), "=?UTF-8?B?ZMOtYQ==?=");
        assert_eq!(encoded("=?x"), "=?UTF-8?B?PT94?=");
        let long = encoded(&"é🔔".repeat(60));
        assert!(long.is_ascii() && long.split(' ').all(|word| word.len() <= 75), "{long}");
    }

    #[test]
    fn an_address_with_a_comma_is_quoted() {
        let action = action(&"https://x.example/a,b/a/t".parse().unwrap());
        assert_eq!(action, r#"http, Acknowledge, "https://x.example/a,b/a/t", method=POST, clear=true"#);
    }
}
