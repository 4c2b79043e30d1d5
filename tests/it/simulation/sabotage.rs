//! The proof that the witness can say no: each promise is broken on purpose, and some seed notices.

use std::any::Any;

use super::{Play, Sabotage, silent};

/// The words of a panic.
pub fn words(why: &(dyn Any + Send)) -> String {
    why.downcast_ref::<String>()
        .cloned()
        .or_else(|| why.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

/// Plays seeds until one fails, and checks that it fails for the right reason.
fn is_noticed(sabotage: Sabotage, promise: &str) {
    let noticed = (0..100).find_map(|seed| {
        silent::caught(move || Play::new(seed, sabotage).steps(250)).err().map(|why| words(&*why))
    });
    let words = noticed.unwrap_or_else(|| panic!("{sabotage:?} goes unnoticed"));
    assert!(words.contains(promise), "{sabotage:?} is noticed for another reason: {words}");
}

#[test]
fn an_answer_before_the_sync_is_noticed() {
    is_noticed(Sabotage::AnswerBeforeSync, "promise 1");
}

#[test]
fn a_lost_delivery_is_noticed() {
    is_noticed(Sabotage::LoseDelivery, "promise 2");
}

#[test]
fn an_attempt_without_its_permit_is_noticed() {
    is_noticed(Sabotage::IgnorePermit, "promise 3");
}

#[test]
fn a_retry_with_another_key_is_noticed() {
    is_noticed(Sabotage::NewKey, "promise 2");
}

#[test]
fn an_event_that_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetEvent, "promise 1");
}

#[test]
fn a_page_that_a_merge_forgets_is_noticed() {
    is_noticed(Sabotage::LosePageInMerge, "runs by the journal and nowhere else");
}

#[test]
fn a_task_that_reminds_nobody_is_noticed() {
    is_noticed(Sabotage::ForgetTask, "nobody is reminded");
}

#[test]
fn a_page_that_stands_still_is_noticed() {
    is_noticed(Sabotage::StopTimer, "stands still");
}

#[test]
fn a_silence_that_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetSilence, "promise of quiet");
}

#[test]
fn a_quiet_group_that_is_never_heard_again_is_noticed() {
    is_noticed(Sabotage::LoseWake, "nobody is paged for");
}

#[test]
fn what_goes_on_though_nobody_hears_it_is_noticed() {
    is_noticed(Sabotage::GoOnUnheard, "though nothing of it is heard");
}

#[test]
fn what_is_held_though_it_is_heard_is_noticed() {
    is_noticed(Sabotage::HoldHeard, "stands still, and it is heard");
}

#[test]
fn a_pager_that_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetPager, "promise 4: a pager");
}

#[test]
fn a_swap_that_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetSwap, "gave the shift to");
}

#[test]
fn what_fires_unheard_after_people_resolved_it_and_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetNews, "is heard, and nobody is paged");
}

#[test]
fn what_is_not_mitigated_after_all_and_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetMitigated, "nobody has it, and nobody is paged");
}

#[test]
fn a_run_that_is_forgotten_is_noticed() {
    is_noticed(Sabotage::ForgetRun, "and forgotten");
}
