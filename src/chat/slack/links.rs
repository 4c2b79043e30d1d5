//! Whether Slack is heard: what the socket knows and what the bot's token is worth, told to the ear once per change.
//! Never tells the same twice in a row.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    chat::port::{Ear, Link},
    domain::delivery::Channel,
    text::chat::Remedy,
};

/// What was told last, and why.
pub(super) struct Links {
    ear: Arc<dyn Ear>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    socket: Option<Link>,
    broken: Option<(Remedy, String)>,
    told: Option<Link>,
}

impl State {
    /// A token that is worth nothing counts for more than a socket that stands.
    fn now(&self) -> Option<Link> {
        match &self.broken {
            Some((remedy, why)) => Some(Link::Broken(remedy.clone(), why.clone())),
            None => self.socket.clone(),
        }
    }
}

/// The reason of a failure may change from try to try: that is no news.
fn same(old: &Link, new: &Link) -> bool {
    match (old, new) {
        (Link::Up, Link::Up) | (Link::Down(_), Link::Down(_)) => true,
        (Link::Broken(old, _), Link::Broken(new, _)) => old == new,
        _ => false,
    }
}

impl Links {
    pub(super) fn new(ear: Arc<dyn Ear>) -> Self {
        Self { ear, state: Mutex::default() }
    }

    /// What the socket knows.
    pub(super) fn socket(&self, link: Link) {
        self.change(|state| state.socket = Some(link));
    }

    /// What the bot's token is worth.
    pub(super) fn token(&self, broken: Option<(Remedy, String)>) {
        self.change(|state| state.broken = broken);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let Some(now) = state.now() else { return };
        if state.told.as_ref().is_none_or(|told| !same(told, &now)) {
            state.told = Some(now.clone());
            // Under the lock, so that two changes are told in their order.
            self.ear.link(Channel::Slack, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::port::{Heard, Said, Suggestion};
    use std::pin::Pin;

    #[derive(Default)]
    struct Told(Mutex<Vec<Link>>);

    impl Ear for Told {
        fn hear(&self, _: Heard) -> Pin<Box<dyn Future<Output = Said> + Send + '_>> {
            Box::pin(std::future::ready(Said::default()))
        }
        fn complete<'a>(
            &'a self,
            _: Channel,
            _: &'a str,
            _: &'a str,
            _: usize,
        ) -> Pin<Box<dyn Future<Output = Vec<Suggestion>> + Send + 'a>> {
            Box::pin(std::future::ready(Vec::new()))
        }
        fn link(&self, _: Channel, link: Link) {
            self.0.lock().unwrap().push(link);
        }
    }

    #[test]
    fn a_change_is_told_once() {
        let ear = Arc::new(Told::default());
        let links = Links::new(ear.clone());
        let broken = || (Remedy::Token("slack.bot_token".into()), "token_revoked".to_owned());
        links.token(None);
        links.socket(Link::Up);
        links.socket(Link::Up);
        links.socket(Link::Down("no connection".into()));
        links.socket(Link::Down("no answer".into()));
        links.token(Some(broken()));
        links.socket(Link::Up);
        links.token(Some(broken()));
        links.token(None);
        let down = Link::Down("no connection".into());
        let revoked = Link::Broken(broken().0, broken().1);
        assert_eq!(*ear.0.lock().unwrap(), [Link::Up, down, revoked, Link::Up]);
    }
}
