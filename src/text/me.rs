//! Cards about whom Watchbell takes somebody for, and how an account becomes a person's. Never shows an address, and a
//! code to nobody but whoever asked for it.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Card, Field, Tone},
    plain::{NAME, plain},
    refusal::no,
    room::platform,
    scene::{Scene, button, enumerate, field},
    span::span,
    usage::zone_name,
    when,
};
use crate::domain::{
    delivery::Channel,
    event::Event,
    id::{PersonId, ScheduleId},
    link::{Code, GUESS_WINDOW, GUESSES, NoLink},
    person::{NotificationRule, Person, Role, Urgency},
    schedule::Shift,
};

/// The turns of somebody by one schedule.
#[derive(Debug, Clone)]
pub struct Turns {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The one that runs.
    pub now: Option<Shift>,
    /// The next one that begins later.
    pub next: Option<Shift>,
}

/// How a command is written there: Slack keeps `/me` for itself.
fn written(channel: Option<Channel>, rest: &str) -> String {
    let name = if channel == Some(Channel::Slack) { "/watchbell me" } else { "/me" };
    format!("{name}{rest}")
}

/// How somebody becomes known by an account that is nobody's.
#[must_use]
pub fn how_to_be_known(channel: Channel, account: &str) -> String {
    let (key, account) = (channel.as_str(), plain(account, 60));
    let link = written(Some(channel), " link CODE");
    format!(
        "If you are on the team: ask for a code where Watchbell knows you already, with /me link in `watchbell \
         console`, and write {link} here. Or have `{key} = \"{account}\"` written beside you in people.toml."
    )
}

/// Somebody whose account is nobody's, as the platform says it.
#[derive(Debug, Clone, Copy)]
pub struct Stranger<'a> {
    /// The platform.
    pub channel: Channel,
    /// Its id of the account.
    pub account: &'a str,
    /// What it calls them; none: it did not say.
    pub name: Option<&'a str>,
    /// Whether it has confirmed a mail address of theirs, which is nobody's.
    pub has_mail: bool,
    /// Whether it says that this is a bot.
    pub is_bot: bool,
}

/// Whom an account means that is nobody's: what the platform says of it, and how it becomes somebody's.
#[must_use]
pub fn stranger(who: &Stranger<'_>, may_look: bool) -> Card {
    let Stranger { channel, account, name, has_mail, is_bot } = *who;
    let role = if may_look { "You may look." } else { "You may do nothing here." };
    let there = platform(channel);
    let said = match name.map(|name| plain(name, NAME)).filter(|name| !name.is_empty()) {
        Some(name) if is_bot => format!("{name}, a bot"),
        Some(name) => name,
        None => "it did not say who this is".to_owned(),
    };
    let mut fields = vec![field(&format!("{there} says"), said), field("Account", plain(account, 60))];
    if has_mail && !is_bot {
        let mail = "confirmed there, and none of anybody's contacts in people.toml";
        fields.push(field("Mail address", mail.to_owned()));
    }
    let how =
        if is_bot { "A bot's account stays nobody's.".to_owned() } else { how_to_be_known(channel, account) };
    Card {
        title: format!("Your {there} account is nobody's in Watchbell."),
        text: format!("{role} {how}"),
        fields,
        ..Card::default()
    }
}

/// The local operator is nobody in particular.
#[must_use]
pub fn operator() -> Card {
    let text = "You may do everything, because you sit at a server without tokens. To act as somebody: watchbell \
                console --as ana";
    Card { title: "You are the local operator.".to_owned(), text: text.to_owned(), ..Card::default() }
}

/// Somebody who was there once.
#[must_use]
pub fn gone(person: &PersonId) -> Card {
    let title = format!("{} is not in the configuration any more.", plain(person.as_str(), NAME));
    Card { title, text: "You may look.".to_owned(), tone: Tone::Warning, ..Card::default() }
}

/// A token by which somebody speaks, and the most that it may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// What the configuration calls it.
    pub name: Option<String>,
    /// It may no more than this.
    pub most: Option<Role>,
}

/// What somebody may do, and where that is written: a token of theirs may be allowed less than they are.
fn role(held: Role, token: Option<&Token>) -> String {
    let by_people = format!("{held}, by people.toml");
    let Some(token) = token else { return by_people };
    let name = token.name.as_ref().map(|name| format!(" {}", plain(name, NAME))).unwrap_or_default();
    match token.most {
        Some(most) if most < held => {
            format!("{most} with this token{name}, which may no more; you are {by_people}")
        }
        _ => format!("{by_people}; this token{name} may as much"),
    }
}

/// A person. `by_mail`: the platform on which they are known by their mail address, if they ask there.
#[must_use]
pub fn card(
    scene: &Scene<'_>,
    person: &Person,
    turns: &[Turns],
    (by_mail, token): (Option<Channel>, Option<&Token>),
) -> Card {
    let mut fields =
        vec![field("Role", role(person.role, token)), field("Time zone", zone_name(&person.zone))];
    fields.extend(scene.config.platforms.keys().map(|channel| account(scene, person, *channel, by_mail)));
    let own = person.contacts.iter().filter(|(_, channel)| !Channel::PLATFORMS.contains(channel));
    let own = own.map(|(name, _)| name.to_string());
    fields.push(field("Contacts", ["chat".to_owned()].into_iter().chain(own).collect::<Vec<_>>().join(", ")));
    let running = turns
        .iter()
        .filter_map(|one| Some(format!("{} until {}", one.schedule, scene.near(one.now.as_ref()?.until))));
    fields.push(field("On call now", or_none(running.collect(), "no")));
    let coming = turns.iter().filter_map(|one| {
        let shift = one.next.as_ref()?;
        Some(format!("{} from {} until {}", one.schedule, scene.near(shift.since), scene.near(shift.until)))
    });
    fields.push(field("Next shift", or_none(coming.collect(), "none within 60 days")));
    fields.push(field("When urgent", rules(person, &person.rules(Urgency::Urgent))));
    fields.push(field("Otherwise", rules(person, &person.rules(Urgency::Routine))));
    Card { title: scene.person(&person.id), fields, ..Card::default() }
}

fn or_none(lines: Vec<String>, none: &str) -> String {
    if lines.is_empty() { none.to_owned() } else { lines.join("; ") }
}

/// By what an account is known; never which.
fn account(scene: &Scene<'_>, person: &Person, channel: Channel, by_mail: Option<Channel>) -> Field {
    let linked = scene.state.linked_account(scene.config, &person.id, channel);
    let since = scene.state.links.of(&person.id, channel).map(|(_, linked)| linked.since);
    let known = if scene.config.has_account(&person.id, channel) {
        "by the configuration".to_owned()
    } else if let (Some(_), Some(since)) = (linked, since) {
        format!("by a code, since {}", when::at(since, scene.zone))
    } else if by_mail == Some(channel) {
        let link = written(Some(channel), " link");
        format!("by your mail address: pages do not come here unless you write {link} and use the code")
    } else {
        "no account".to_owned()
    };
    field(platform(channel), known)
}

/// `now: chat, push; after 2m: hook`
fn rules(person: &Person, rules: &[NotificationRule]) -> String {
    let rule = |rule: &NotificationRule| {
        let mut names: Vec<&str> = Vec::new();
        for contact in &rule.contacts {
            // However many accounts somebody has: they wrote `chat`.
            let chat = person.channel(contact).is_some_and(|channel| Channel::PLATFORMS.contains(&channel));
            let name = if chat { "chat" } else { contact.as_str() };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let after =
            if rule.after.is_zero() { "now".to_owned() } else { format!("after {}", span(rule.after)) };
        format!("{after}: {}", names.join(", "))
    };
    rules.iter().map(rule).collect::<Vec<_>>().join("; ")
}

/// A code, for whoever asked for it alone.
#[must_use]
pub fn code(code: &Code, until: Timestamp, platforms: &[Channel], zone: &TimeZone) -> Card {
    let shown = code.shown();
    let ways = platforms.iter().map(|channel| {
        format!("on {}: {}", platform(*channel), written(Some(*channel), &format!(" link {shown}")))
    });
    let ways = ways.collect::<Vec<_>>().join("\n");
    Card {
        title: format!("Your code is {shown}"),
        text: format!(
            "Write it from the account that shall be yours.\n{ways}\nIt is good once, until {}. Show it to nobody: \
             whoever uses it is you from then on.",
            when::at(until, zone)
        ),
        ..Card::default()
    }
}

/// An account is somebody's.
#[must_use]
pub fn linked(person: &str, role: Role, channel: Channel, before: bool) -> Card {
    let before = if before { " The account that you had there before is yours no more." } else { "" };
    Card {
        title: format!("This {} account is {person}.", platform(channel)),
        tone: Tone::Good,
        text: format!(
            "Your role is {role}. What Watchbell sends you by chat comes here from now on.{before}"
        ),
        buttons: vec![button("Who am I", "/me")],
        ..Card::default()
    }
}

/// An account is somebody's no more.
#[must_use]
pub fn unlinked(person: &str, channel: Channel) -> Card {
    Card {
        title: format!("The {} account of {person} is untied.", platform(channel)),
        tone: Tone::Good,
        text: "It is nobody's now, and nothing is sent there any more.".to_owned(),
        ..Card::default()
    }
}

/// Nobody in particular cannot have an account.
#[must_use]
pub fn nobody_links() -> Card {
    no(
        "Nobody in particular can have no account.".to_owned(),
        "Nothing was changed. Say who you are: watchbell console --as ana",
    )
}

/// No platform is set up.
#[must_use]
pub fn no_platform() -> Card {
    no(
        "No chat platform is set up.".to_owned(),
        "There is nowhere to use a code. The README says how to set up Slack or Discord.",
    )
}

/// Somebody whose account is nobody's asks for a code there.
#[must_use]
pub fn no_code_here(channel: Channel, account: &str) -> Card {
    let title = "A code is given to people whom Watchbell knows.".to_owned();
    no(title, &how_to_be_known(channel, account))
}

/// A code is given where there is no account to tie.
#[must_use]
pub fn wrong_place() -> Card {
    no(
        "A code is used on Slack or Discord, from the account that shall be yours.".to_owned(),
        "Nothing was changed, and the code is still good.",
    )
}

/// What was typed is no code.
#[must_use]
pub fn no_code() -> Card {
    no(
        "This can be no code.".to_owned(),
        "A code is twelve letters and digits such as K7QF-29XM-DRPT. Nothing was changed.",
    )
}

/// A code that is nobody's.
#[must_use]
pub fn wrong_code() -> Card {
    no(
        "This code is wrong, used up or too old.".to_owned(),
        &format!(
            "Nothing was changed. Ask for a new one with /me link where Watchbell knows you. After {GUESSES} wrong \
             codes within {} the account has to wait.",
            span(GUESS_WINDOW)
        ),
    )
}

/// A bot is nobody.
#[must_use]
pub fn bot() -> Card {
    no("A bot's account is nobody's.".to_owned(), "Nothing was changed.")
}

/// The platform does not say who an account is.
#[must_use]
pub fn not_told(channel: Channel) -> Card {
    let title = format!("{} does not say at this moment what kind of account this is.", platform(channel));
    no(title, "Nothing was changed, and the code is still good. Try it again in a moment.")
}

/// Somebody else's account.
#[must_use]
pub fn not_yours(role: Role, ask: &[PersonId]) -> Card {
    let ask = if ask.is_empty() { String::new() } else { format!("Ask {}. ", enumerate(ask)) };
    no(
        format!("To untie somebody else's account needs the role {}; you are {role}.", Role::Admin),
        &format!("{ask}Nothing was changed."),
    )
}

/// Why an account was not tied, or not untied.
#[must_use]
pub fn no_link(why: &NoLink, zone: &TimeZone) -> Card {
    match why {
        NoLink::Named { channel, person } => no(
            format!("This {} account is {person}'s by the configuration.", platform(*channel)),
            "Nothing was changed; what the configuration says about an account counts.",
        ),
        NoLink::HasAccount { channel, person } => no(
            format!("The configuration names another {} account of {person}.", platform(*channel)),
            &format!(
                "Nothing was changed. Take `{}` away beside {person} in people.toml, or correct it there.",
                channel.as_str()
            ),
        ),
        NoLink::Taken { channel, person, same: true } => {
            no(format!("This {} account is {person}'s already.", platform(*channel)), "Nothing was changed.")
        }
        NoLink::Taken { channel, person, same: false } => no(
            format!("This {} account is {person}'s.", platform(*channel)),
            &format!(
                "Nothing was changed. An account is one person: {person} may untie it with {}",
                written(Some(*channel), &format!(" unlink {channel}"))
            ),
        ),
        NoLink::None { channel, person } => no(
            format!("No {} account of {person} is tied by a code.", platform(*channel)),
            "Nothing was changed. Accounts of the configuration are changed in people.toml.",
        ),
        NoLink::Guessed { until } => no(
            "Too many wrong codes came from this account.".to_owned(),
            &format!("Nothing was changed. The next one is looked at from {}.", when::at(*until, zone)),
        ),
    }
}

/// What the journal says about accounts: by whom, and a sentence. Never a code, nor which account.
pub(super) fn entry(event: &Event) -> Option<(String, String)> {
    let name = |who: &dyn std::fmt::Display| plain(&who.to_string(), NAME);
    Some(match event {
        Event::LinkFailed { channel, .. } => {
            ("watchbell".to_owned(), format!("Somebody on {} gave a wrong code", platform(*channel)))
        }
        Event::AccountLinked { channel, person, .. } => {
            let text = format!("{} tied an account on {} to themselves", name(person), platform(*channel));
            (name(person), text)
        }
        Event::AccountUnlinked { channel, person, by, .. } => {
            let text =
                format!("{} untied the account of {} on {}", name(by), name(person), platform(*channel));
            (name(by), text)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_says_where_it_is_from() {
        let token = |name: Option<&str>, most| Token { name: name.map(str::to_owned), most };
        for (shown, expected) in [
            (None, "admin, by people.toml"),
            (Some(token(None, None)), "admin, by people.toml; this token may as much"),
            (Some(token(Some("ci"), Some(Role::Admin))), "admin, by people.toml; this token ci may as much"),
            (
                Some(token(Some("ci"), Some(Role::Responder))),
                "responder with this token ci, which may no more; you are admin, by people.toml",
            ),
        ] {
            assert_eq!(role(Role::Admin, shown.as_ref()), expected);
        }
        // A token never lifts anybody.
        let wide = token(None, Some(Role::Admin));
        assert!(role(Role::Responder, Some(&wide)).starts_with("responder, by people.toml"));
    }
}
