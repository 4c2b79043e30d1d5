//! `/me link`: gives a known person a code, and takes it from an account that is to be theirs. Never says a code to
//! anybody but whoever asked for it.

use crate::{
    command::{
        Answer, Call, Known, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{
        event::{Actor, Event},
        intent::Intent,
        link::{CODE_LIVES, Code, LinkIntent},
        person::Role,
    },
    text::me,
};

/// `/me link [CODE…]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/me link", "Ties a chat account to you: gives you a code here, takes it there.")
        .anybody()
        .takes(Argument::optional("code", Kind::Text, "the code, on the account that shall be yours"))
        .example("/me link")
        .example("/me link K7QF-29XM-DRPT")
}

/// Gives a code or takes one.
///
/// # Errors
/// When the caller is nobody, or the code is not good.
pub async fn run(call: &Call<'_>) -> Answer {
    match call.get::<String>("code") {
        Some(typed) => take(call, &typed).await,
        None => give(call).await,
    }
}

async fn give(call: &Call<'_>) -> Answer {
    if let Some(account) = call.caller.account.as_ref().filter(|account| account.known == Known::Nobody) {
        return Err(Reply::refused(me::no_code_here(account.channel, &account.id)).into());
    }
    let Actor::Person(person) = call.caller.actor.clone() else {
        return Err(Reply::refused(me::nobody_links()).into());
    };
    let platforms: Vec<_> = call.config.platforms.keys().copied().collect();
    if platforms.is_empty() {
        return Err(Reply::refused(me::no_platform()).into());
    }
    let random = || (call.desk.salt)();
    let code = Code::new(random());
    let offer = LinkIntent::Offer { person, code: code.clone(), salt: random() };
    let accepted = call.submit(Intent::Link(offer)).await?;
    let until = accepted.at.checked_add(CODE_LIVES).unwrap_or(accepted.at);
    Ok(Reply::done(me::code(&code, until, &platforms, &call.caller.zone)))
}

async fn take(call: &Call<'_>, typed: &str) -> Answer {
    let refused = |card| Err(Reply::refused(card).into());
    let Some(account) = &call.caller.account else { return refused(me::wrong_place()) };
    match account.bot {
        Some(true) => return refused(me::bot()),
        None if account.known != Known::Configuration => return refused(me::not_told(account.channel)),
        _ => {}
    }
    let Some(code) = Code::read(typed) else { return refused(me::no_code()) };
    let named = call.caller.actor.person().filter(|_| account.known == Known::Configuration).cloned();
    let (channel, id) = (account.channel, account.id.clone());
    let accepted = call.submit(Intent::Link(LinkIntent::Use { channel, account: id, code, named })).await?;
    let linked = accepted.events.iter().find_map(|event| match event {
        Event::AccountLinked { person, .. } => Some(person.clone()),
        _ => None,
    });
    let Some(person) = linked else { return refused(me::wrong_code()) };
    let before = accepted.events.iter().any(|event| matches!(event, Event::AccountUnlinked { .. }));
    let known = call.config.people.get(&person);
    let role = known.map_or(Role::Viewer, |person| person.role);
    Ok(Reply::done(me::linked(person.as_str(), role, channel, before)))
}
