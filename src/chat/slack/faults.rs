//! What Slack's error words mean for whoever asked (<https://docs.slack.dev/reference/methods>, each method's
//! "Errors"). Pure. Never repeats anything of an answer but its error word and the scope that it asks for.

use std::time::Duration;

use crate::{chat::port::Failure, text::chat::Remedy};

/// The keys of the configuration that tokens come from.
pub(super) const APP_TOKEN: &str = "slack.app_token";
pub(super) const BOT_TOKEN: &str = "slack.bot_token";

/// How long to wait when Slack asks for a pause and does not say how long.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// What a call was about, for the words of a remedy.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// The room: its name, or its id.
    pub(super) room: Option<&'a str>,
    /// The account.
    pub(super) account: Option<&'a str>,
    /// The scope that the answer says is needed.
    pub(super) needed: Option<&'a str>,
    /// Whether the app's token was used and not the bot's.
    pub(super) app: bool,
}

/// What an error word means.
pub(super) fn failure(error: &str, about: About<'_>) -> Failure {
    let room = || about.room.unwrap_or("the room").to_owned();
    let account = || about.account.unwrap_or("this account").to_owned();
    let permission =
        |name: &str| Remedy::Permission { name: name.to_owned(), room: about.room.map(str::to_owned) };
    let remedy = match error {
        // Something of it is not there any more.
        "is_archived"
        | "channel_is_archived"
        | "message_not_found"
        | "thread_not_found"
        | "no_item_specified"
        | "expired_trigger_id"
        | "trigger_expired"
        | "trigger_exchanged"
        | "expired_url"
        | "used_url" => {
            return Failure::Gone(word(error));
        }
        "ratelimited" | "rate_limited" | "message_limit_exceeded" | "too_many_requests" => {
            return Failure::Wait(PAUSE);
        }
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "too_many_websockets"
        | "external_channel_migrating"
        | "accesslimited" => {
            return Failure::TryAgain(word(error));
        }
        "not_in_channel" | "bot_not_in_channel" | "user_not_in_channel" => Some(Remedy::InviteBot(room())),
        "channel_not_found" => Some(Remedy::NameRoom(room())),
        "missing_scope" => Some(Remedy::Scope(scope(about.needed))),
        "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "token_expired"
        | "invalid_token"
        | "not_allowed_token_type" => {
            Some(Remedy::Token(if about.app { APP_TOKEN } else { BOT_TOKEN }.to_owned()))
        }
        "account_inactive"
        | "access_denied"
        | "team_access_not_granted"
        | "app_uninstalled"
        | "team_disabled"
        | "no_installation" => Some(Remedy::Install),
        "link_disabled" => Some(Remedy::Intent("Socket Mode".to_owned())),
        "messages_tab_disabled" => Some(Remedy::Intent("Messages Tab".to_owned())),
        "user_not_found" | "users_not_found" | "user_not_visible" | "no_user" | "user_disabled"
        | "invalid_users" => Some(Remedy::NameAccount(account())),
        "user_is_restricted"
        | "user_is_ultra_restricted"
        | "ura_max_channels"
        | "cant_invite"
        | "invitee_cant_see_channel" => Some(Remedy::Guest(account())),
        "no_permission" | "not_authorized" | "ekm_access_denied" => Some(permission(error)),
        restricted if restricted.starts_with("restricted_action") => Some(permission(restricted)),
        // Taken names, what is done already, what is malformed: whoever asked knows what it means.
        _ => None,
    };
    Failure::Refused { why: word(error), remedy }
}

/// Whether a refusal with this word means that the token or the installation is worth nothing: then nothing works
/// until somebody mends it.
pub(super) fn breaks(remedy: &Remedy) -> bool {
    matches!(remedy, Remedy::Token(_) | Remedy::Install)
}

/// Whether a failure is a refusal with this word.
pub(super) fn says(failure: &Failure, word: &str) -> bool {
    matches!(failure, Failure::Refused { why, .. } if why == word)
}

/// An error word is short and made of letters; anything else is not repeated.
fn word(error: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !error.is_empty() && error.len() <= 60 && error.chars().all(plain) {
        error.to_owned()
    } else {
        "an error without a word".to_owned()
    }
}

fn scope(needed: Option<&str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | ',');
    match needed {
        Some(needed) if needed.len() <= 200 && needed.chars().all(plain) => needed.to_owned(),
        _ => "that it asks for".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_word_says_what_comes_next() {
        let about = About { room: Some("#ops"), account: Some("U1"), needed: Some("chat:write"), app: false };
        let refused = |why: &str, remedy: Option<Remedy>| Failure::Refused { why: why.to_owned(), remedy };
        let token = || Some(Remedy::Token("slack.bot_token".into()));
        let permission =
            |name: &str| Some(Remedy::Permission { name: name.into(), room: Some("#ops".into()) });
        for (error, remedy) in [
            ("not_in_channel", Some(Remedy::InviteBot("#ops".into()))),
            ("user_not_in_channel", Some(Remedy::InviteBot("#ops".into()))),
            ("channel_not_found", Some(Remedy::NameRoom("#ops".into()))),
            ("missing_scope", Some(Remedy::Scope("chat:write".into()))),
            ("invalid_auth", token()),
            ("not_authed", token()),
            ("token_revoked", token()),
            ("token_expired", token()),
            ("not_allowed_token_type", token()),
            ("account_inactive", Some(Remedy::Install)),
            ("access_denied", Some(Remedy::Install)),
            ("link_disabled", Some(Remedy::Intent("Socket Mode".into()))),
            ("messages_tab_disabled", Some(Remedy::Intent("Messages Tab".into()))),
            ("user_not_found", Some(Remedy::NameAccount("U1".into()))),
            ("user_disabled", Some(Remedy::NameAccount("U1".into()))),
            ("user_is_restricted", Some(Remedy::Guest("U1".into()))),
            ("cant_invite", Some(Remedy::Guest("U1".into()))),
            ("no_permission", permission("no_permission")),
            ("restricted_action_read_only_channel", permission("restricted_action_read_only_channel")),
            ("name_taken", None),
            ("already_pinned", None),
            ("already_in_channel", None),
            ("already_archived", None),
            ("invalid_blocks", None),
            ("msg_too_long", None),
            ("something_of_next_year", None),
        ] {
            assert_eq!(failure(error, about), refused(error, remedy), "{error}");
        }
        for gone in ["is_archived", "message_not_found", "thread_not_found", "expired_trigger_id", "used_url"]
        {
            assert_eq!(failure(gone, about), Failure::Gone(gone.to_owned()));
        }
        for again in ["internal_error", "fatal_error", "service_unavailable", "too_many_websockets"] {
            assert_eq!(failure(again, about), Failure::TryAgain(again.to_owned()));
        }
        for wait in ["ratelimited", "rate_limited", "message_limit_exceeded"] {
            assert_eq!(failure(wait, about), Failure::Wait(PAUSE));
        }
        let app = failure("invalid_auth", About { app: true, ..About::default() });
        assert_eq!(app, refused("invalid_auth", Some(Remedy::Token("slack.app_token".into()))));
        let secret = failure("the token xoxb-1 is wrong", About::default());
        assert_eq!(secret, refused("an error without a word", None));
    }
}
