//! The course of one page as the journal tells it: whoever is paged is tried by every contact that was due, and every
//! wait is kept. Knows events alone, never the rules that made them.

use jiff::Timestamp;
use watchbell::domain::{
    delivery::Recipient,
    event::{Event, Plan, Record, StepTaken},
    id::PageId,
    quiet::QuietEvent,
};

/// A step, and when it was taken (engine time).
type Taken<'a> = (Timestamp, &'a StepTaken);

/// Checks the waits of a page, and that one which ends unanswered has tried everything.
pub fn is_complete(page: PageId, records: &[Record]) {
    let plan = records.iter().find_map(|record| match &record.event {
        Event::PageStarted(started) if started.page == page => Some(&started.plan),
        _ => None,
    });
    let plan = plan.expect("a page begins");
    let steps: Vec<Taken<'_>> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::StepTaken(taken) if taken.page == page => Some((record.engine_time(), &**taken)),
            _ => None,
        })
        .collect();
    for two in steps.windows(2) {
        let ((before, one), (after, next)) = (two[0], two[1]);
        let wait = wait(plan, one);
        // Within a round nobody waits for those who cannot be reached.
        let waited = one.round == next.round || after >= before + wait;
        assert!(waited, "promise 2: round {} of {page} does not wait {wait:#}", one.round);
    }
    let held: Vec<Timestamp> = records
        .iter()
        .filter(|record| match &record.event {
            Event::Quiet(quiet) => {
                matches!(&**quiet, QuietEvent::Held { pages, .. } if pages.contains(&page))
            }
            _ => false,
        })
        .map(Record::engine_time)
        .collect();
    let end = records.iter().find_map(|record| match &record.event {
        Event::PageUnanswered { page: ended, .. } if *ended == page => Some(record.engine_time()),
        _ => None,
    });
    if let Some(end) = end {
        ran_to_its_end(page, plan, &steps, end);
        tried_everything(page, (&steps, &held), end, records);
    }
}

fn wait(plan: &Plan, taken: &StepTaken) -> jiff::SignedDuration {
    plan.steps[taken.step as usize - 1].wait
}

fn ran_to_its_end(page: PageId, plan: &Plan, steps: &[Taken<'_>], end: Timestamp) {
    let (at, last) = steps.last().expect("a page that ends has taken a step");
    let whole = (last.round, last.step as usize) == (plan.rounds, plan.steps.len());
    assert!(whole, "promise 2: {page} gives up in round {} step {}", last.round, last.step);
    assert!(end >= *at + wait(plan, last), "promise 2: {page} gives up before its last wait is over");
    let reachable: usize =
        steps.iter().flat_map(|(_, step)| &step.people).map(|paged| paged.tries.len()).sum();
    assert!(reachable == 0 || end > *at, "promise 2: {page} gives up at once");
}

/// Every contact that was due before its person was paged anew, or before the end, is in the outbox.
fn tried_everything(
    page: PageId,
    (steps, held): (&[Taken<'_>], &[Timestamp]),
    end: Timestamp,
    records: &[Record],
) {
    for (number, (_, step)) in steps.iter().enumerate() {
        for paged in &step.people {
            let anew = turn_ends(number, paged.person.as_str(), steps, held);
            for one in &paged.tries {
                assert!(
                    anew.is_some() || one.due <= end,
                    "promise 2: {page} ends before {} is due",
                    one.contact
                );
                if one.due > anew.unwrap_or(end) {
                    continue;
                }
                let to = Recipient::Person { person: paged.person.clone(), contact: one.contact.clone() };
                // So often it was due up to here, in this turn and in earlier ones.
                let turns = steps[..=number].iter().flat_map(|(_, step)| &step.people);
                let turns = turns.filter(|other| other.person == paged.person).count();
                let queued = records.iter().filter(|record| match &record.event {
                    Event::DeliveryQueued(queued) => queued.page == Some(page) && queued.to == to,
                    _ => false,
                });
                let skipped = skipped(number, paged.person.as_str(), &to, (steps, held));
                assert!(
                    queued.count() + skipped >= turns,
                    "promise 2: {page} never tried {to}, due in round {}",
                    step.round
                );
            }
        }
    }
}

/// When somebody's turn ends: they are paged anew, or the page is held and takes that step anew.
fn turn_ends(number: usize, person: &str, steps: &[Taken<'_>], held: &[Timestamp]) -> Option<Timestamp> {
    let (began, _) = steps.get(number)?;
    let mut later = steps[number + 1..].iter();
    let anew = later.find(|(_, step)| step.people.iter().any(|other| other.person.as_str() == person));
    let held = held.iter().find(|at| *at >= began);
    anew.map(|(at, _)| *at).into_iter().chain(held.copied()).min()
}

/// How often an earlier turn ended before this contact was due.
fn skipped(number: usize, person: &str, to: &Recipient, (all, held): (&[Taken<'_>], &[Timestamp])) -> usize {
    let Recipient::Person { contact, .. } = to else { return 0 };
    let turn = |number: usize| {
        let (_, step) = all.get(number)?;
        step.people.iter().find(|paged| paged.person.as_str() == person)
    };
    (0..number)
        .filter(|number| {
            let Some(paged) = turn(*number) else { return false };
            let anew = turn_ends(*number, person, all, held);
            let due = paged.tries.iter().find(|one| one.contact == *contact).map(|one| one.due);
            due.is_none_or(|due| anew.is_some_and(|at| due > at))
        })
        .count()
}
