//! Looks whether Slack is set up as it has to be: tokens, scopes, clocks, rooms. Never changes anything there.

use super::{
    Inner,
    faults::{self, About},
    manifest::SCOPES,
};
use crate::{
    chat::port::{Failure, Finding},
    text::chat::Remedy,
};

/// Clocks that differ by more than this are wrong: signatures are refused at five minutes.
const SKEW: i64 = 60;

impl Inner {
    pub(super) async fn examine(&self, rooms: &[String]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |what: &str, good: Result<String, Failure>| {
            findings.push(Finding { what: what.to_owned(), good });
        };
        let greeted = self.greet().await;
        let works = greeted.is_ok();
        let who = self.me().map_or_else(String::new, |me| format!("{} in {}", me.user, me.team));
        find("bot token", greeted.map(|()| who));
        if works {
            let said = self.api.said();
            if let Some(scopes) = &said.scopes {
                let given: Vec<&str> = scopes.split(',').map(str::trim).collect();
                for (scope, _) in SCOPES {
                    let about = About { needed: Some(scope), ..About::default() };
                    let missing = || faults::failure("missing_scope", about);
                    let good = given.contains(scope).then(|| "given".to_owned()).ok_or_else(missing);
                    find(&format!("scope {scope}"), good);
                }
            }
            if let Some(theirs) = said.date {
                let apart = (self.options.now)().as_second() - theirs.as_second();
                find("clock", clock(apart));
            }
        }
        if self.options.app_token.is_some() {
            let opened = self.api.socket().await;
            find("app token", opened.map(|_| "Socket Mode is on".to_owned()));
        }
        for room in rooms {
            let found = self.look_up(room).await;
            let name = format!("#{}", room.trim_start_matches('#'));
            let good = found.and_then(|(found, member)| {
                let invite = Failure::Refused {
                    why: "not_in_channel".to_owned(),
                    remedy: Some(Remedy::InviteBot(name.clone())),
                };
                if member { Ok(found.id.0) } else { Err(invite) }
            });
            find(&name, good);
        }
        findings
    }
}

fn clock(apart: i64) -> Result<String, Failure> {
    if apart.abs() <= SKEW {
        return Ok(format!("{} s apart", apart.abs()));
    }
    Err(Failure::Refused {
        why: format!("{} s apart from Slack's", apart.abs()),
        remedy: Some(Remedy::SetClock),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_minute_wrong() {
        for (apart, good) in [(0, true), (60, true), (-60, true), (61, false), (-3_600, false)] {
            assert_eq!(clock(apart).is_ok(), good, "{apart}");
        }
    }
}
