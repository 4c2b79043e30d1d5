//! What Discord's refusals mean: one table from its codes to a failure and what to do about it. Never repeats a
//! token or an address of a request.

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    chat::port::{Failure, Remedy},
    text::plain::{ANSWER, plain},
};

/// Where the token stands in the configuration.
pub(super) const TOKEN: &str = "discord.token";

/// What a call was about, so that a refusal can say what to mend.
#[derive(Debug, Clone, Default)]
pub(super) struct About {
    /// The room, by name or id.
    pub room: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The permission that the call needs, as Discord calls it.
    pub permission: &'static str,
}

impl About {
    pub(super) fn room(room: impl ToString, permission: &'static str) -> Self {
        Self { room: Some(room.to_string()), account: None, permission }
    }

    pub(super) fn account(account: impl ToString) -> Self {
        Self { room: None, account: Some(account.to_string()), permission: "Send Messages" }
    }
}

/// What an answer that is not 2xx means. 429 is the caller's: it has the pause.
pub(super) fn failure(status: StatusCode, body: &Value, about: &About) -> Failure {
    let code = body.get("code").and_then(Value::as_u64).unwrap_or_default();
    let said = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let name = if code == 0 { status.as_str().to_owned() } else { code.to_string() };
    let why = format!("{name} {}", plain(said, ANSWER)).trim_end().to_owned();
    let refused = |remedy| Failure::Refused { why: why.clone(), remedy };
    let account = || about.account.clone().map(Remedy::NameAccount);
    let permission =
        || Some(Remedy::Permission { name: about.permission.to_owned(), room: about.room.clone() });
    match (status.as_u16(), code) {
        (_, 10_003 | 10_008 | 10_014 | 10_015 | 10_062 | 50_027 | 50_083) => Failure::Gone(why),
        (_, 10_004) => refused(Some(Remedy::Install)),
        (_, 10_007 | 10_013 | 50_033) => refused(account()),
        (_, 50_001) => refused(Some(about.room.clone().map_or(Remedy::Install, Remedy::InviteBot))),
        (_, 50_007 | 50_278) => refused(Some(Remedy::AllowMessages)),
        (_, 50_013) => refused(permission()),
        (401, _) | (_, 50_014 | 40_001) => refused(Some(Remedy::Token(TOKEN.to_owned()))),
        (408 | 500.., _) => Failure::TryAgain(format!("answered {}", status.as_u16())),
        // Everything else is said as Discord says it: full lists (30003, 30013), forms it does not like (50035).
        _ => refused(None),
    }
}

/// The code of a refusal (`160004`), when it has one.
pub(super) fn code(failure: &Failure) -> Option<u64> {
    match failure {
        Failure::Refused { why, .. } | Failure::Gone(why) => why.split(' ').next()?.parse().ok(),
        Failure::Wait(_) | Failure::TryAgain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The remedy of a refusal; or a word for what is no refusal.
    type Expected = Result<Option<Remedy>, &'static str>;

    #[test]
    fn every_refusal_says_what_to_do() {
        let about =
            About { room: Some("#ops".into()), account: Some("7".into()), permission: "Pin Messages" };
        let permission = Remedy::Permission { name: "Pin Messages".into(), room: Some("#ops".into()) };
        let token = || Some(Remedy::Token(TOKEN.into()));
        let rows: [(u16, u64, Expected); 22] = [
            (404, 10_003, Err("gone")),
            (404, 10_008, Err("gone")),
            (404, 10_062, Err("gone")),
            (404, 10_015, Err("gone")),
            (401, 50_027, Err("gone")),
            (400, 50_083, Err("gone")),
            (404, 10_004, Ok(Some(Remedy::Install))),
            (404, 10_007, Ok(Some(Remedy::NameAccount("7".into())))),
            (404, 10_013, Ok(Some(Remedy::NameAccount("7".into())))),
            (400, 50_033, Ok(Some(Remedy::NameAccount("7".into())))),
            (403, 50_001, Ok(Some(Remedy::InviteBot("#ops".into())))),
            (403, 50_007, Ok(Some(Remedy::AllowMessages))),
            (403, 50_278, Ok(Some(Remedy::AllowMessages))),
            (403, 50_013, Ok(Some(permission))),
            (401, 0, Ok(token())),
            (403, 40_001, Ok(token())),
            (400, 30_003, Ok(None)),
            (400, 30_013, Ok(None)),
            (400, 50_035, Ok(None)),
            (403, 0, Ok(None)),
            (500, 0, Err("again")),
            (503, 0, Err("again")),
        ];
        for (status, number, expected) in rows {
            let status = StatusCode::from_u16(status).unwrap();
            let body = if number == 0 {
                json!("no JSON object")
            } else {
                json!({ "code": number, "message": "Words" })
            };
            let failed = failure(status, &body, &about);
            let fits = match (&failed, expected) {
                (Failure::Gone(_), Err("gone")) | (Failure::TryAgain(_), Err("again")) => true,
                (Failure::Refused { remedy, .. }, Ok(wanted)) => *remedy == wanted,
                _ => false,
            };
            assert!(fits, "{status} {number}: {failed:?}");
            if number != 0 {
                assert_eq!(code(&failed), Some(number));
            }
        }
        let nowhere = failure(
            StatusCode::FORBIDDEN,
            &json!({ "code": 50_001, "message": "Missing Access" }),
            &About::default(),
        );
        assert_eq!(
            nowhere,
            Failure::Refused { why: "50001 Missing Access".into(), remedy: Some(Remedy::Install) }
        );
    }
}
