//! Stories of a clock that jumps two hours either way while everything is under way: what waits keeps its wait, and
//! who is on call follows the clock. Never a message more or less than without the jump.

use watchbell::domain::{
    delivery::{Notice, QuietNotice},
    quiet::QuietIntent,
    response::ResponseIntent,
};

use super::{
    quiet::{restart, silence},
    response::{opens, replays, respond},
    *,
};

/// Everything that left, with the minute of engine time after the beginning.
type Told = Vec<(i64, String, &'static str)>;

const HIDDEN: &[(&str, &str)] = &[("alertname", "Hidden"), ("service", "qflow"), ("severity", "critical")];

/// Half an hour before the hand-off from ana to ben and from chi to dana: one page runs, one group is snoozed, one
/// silenced, a task is due soon. After a minute the clock jumps. Of what was silenced nobody had heard: its end is a page.
fn story(jump: SignedDuration) -> Told {
    let mut world = World::new();
    world.pass(SignedDuration::from_hours(7 * 24) - mins(90), receipt);
    opens(&mut world, "P3");
    let owner = Some("eli".into());
    let due = Some(world.now().civil + mins(28));
    let task = ResponseIntent::AddTask { incident: IncidentId(1), text: prose("restore"), owner, due };
    respond(&mut world, task).unwrap();
    silence(&mut world, "alertname=Hidden", mins(25)).unwrap();
    fires(&mut world, HIDDEN);
    fires(&mut world, SLOW);
    world.deliver(receipt);
    let web = world.state().groups.values().find(|group| group.route == Some("web".into())).unwrap().id;
    let by = Actor::Person("ben".into());
    world.want(Intent::Quiet(QuietIntent::Snooze { group: web, wait: mins(20), by })).unwrap();
    fires(&mut world, DOWN);
    world.deliver(receipt);

    let (mut told, mut seen) = (Vec::new(), world.sent.len());
    for minute in 1..=40 {
        world.pass(mins(1), receipt);
        for sent in &world.sent[seen..] {
            let what = match (sent.delivery.kind, sent.delivery.notice) {
                (DeliveryKind::Page, _) => "page",
                (_, Some(Notice::TaskDue(_))) => "task",
                (_, Some(Notice::Quiet(QuietNotice::SnoozeOver))) => "snooze over",
                _ => continue,
            };
            told.push((minute, address(&sent.delivery.to), what));
        }
        seen = world.sent.len();
        if minute == 1 && !jump.is_zero() {
            world.offset += jump;
            world.want(Intent::ClockStepped { by: jump }).unwrap();
            world.deliver(receipt);
            assert_eq!(world.sent.len(), seen, "the jump itself tells nobody anything");
            restart(&mut world);
        }
    }
    replays(&world);
    told
}

#[test]
fn when_the_clock_jumps_every_wait_stays_and_who_is_on_call_follows_it() {
    let hours = SignedDuration::from_hours;
    let [still, ahead, back] = [0, 2, -2].map(|jump| story(hours(jump)));
    let waits = |told: &Told| {
        let contact = |to: &String| to.rsplit(' ').next().unwrap_or_default().to_owned();
        told.iter().map(|(minute, to, what)| (*minute, contact(to), *what)).collect::<Vec<_>>()
    };
    assert_eq!(waits(&ahead), waits(&still), "two hours ahead");
    assert_eq!(waits(&back), waits(&still), "two hours back");
    for (minute, contact, what, whom) in [
        (6, "push", "page", ["chi", "dana", "chi"]),
        (20, "chat", "page", ["ana", "ben", "ana"]),
        (25, "push", "page", ["ana", "ben", "ana"]),
        (28, "chat", "task", ["eli", "eli", "eli"]),
        (31, "push", "page", ["ben", "ben", "ana"]),
    ] {
        for (told, whom) in [&still, &ahead, &back].into_iter().zip(whom) {
            let wanted = (minute, format!("{whom} {contact}"), what);
            assert!(told.contains(&wanted), "{wanted:?} is missing: {told:?}");
        }
    }
    assert!(still.iter().any(|told| told.2 == "snooze over"));
}
