//! Words that a run was told are erased: never while it can still use them, and a run that lost them does nothing more.

use super::{Duration, Shop, text};

const WHAT_SHE_SAID: &[u8] = b"zebra";

fn kept(shop: &Shop) -> bool {
    memchr::memmem::find(&shop.watchbell.journal(), WHAT_SHE_SAID).is_some()
}

#[test]
fn what_a_run_was_told_is_not_erased_before_it_is_over() {
    let shop = Shop::open("healthy", Some("42"));
    let asks = text(&shop.says("ana", "/shop restart zebra"));
    assert!(asks.contains("waits for an answer"), "{asks}");
    let looked = shop.says("dee", "/journal erase --person ana --dry-run");
    assert!(looked["ok"] == true && text(&looked).contains("/runbook stop R-1"), "{looked}");
    let refused = shop.says("dee", "/journal erase --person ana");
    assert!(refused["ok"] == false && text(&refused).contains("/runbook stop R-1"), "{refused}");
    assert!(kept(&shop), "nothing was changed");
    let others = shop.says("dee", "/journal erase --person ben");
    assert!(others["ok"] == true && !text(&others).contains("R-1"), "{others}");

    let approved = shop.says("ben", "/runbook approve R-1");
    assert_eq!(approved["ok"], true, "it goes on as if nobody had asked: {approved}");
    shop.until_runs_say("passed");
    assert_eq!(shop.marks(), "zebra\n");
    let erased = shop.says("dee", "/journal erase --person ana");
    assert!(erased["ok"] == true && text(&erased).contains("erased"), "{erased}");
    assert!(!kept(&shop), "what it was told, and what it said");
}

#[test]
fn a_run_whose_words_were_erased_while_nobody_was_there_gives_up() {
    let mut shop = Shop::open("healthy", Some("42"));
    assert!(text(&shop.says("ana", "/shop restart zebra")).contains("waits for an answer"));
    shop.watchbell.process.stop(Duration::from_secs(10));
    let erased = shop.watchbell.other(&["journal", "erase", "--person", "ana"]);
    assert!(erased.status.success() && !kept(&shop), "{erased:?}");
    shop.watchbell.start_again();
    shop.until_runs_say("failed");
    let shown = text(&shop.says("ana", "/runbook runs R-1"));
    assert!(shown.contains("erased") && shown.contains("start /shop restart anew"), "{shown}");
    let late = shop.says("ben", "/runbook approve R-1");
    assert_eq!((&late["ok"], shop.marks()), (&false.into(), String::new()), "{late}");
}
