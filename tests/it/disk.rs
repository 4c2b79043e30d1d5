//! A disk that is full, and one that only reads, with the real process on a small disk of its own. Never fills
//! anybody else's.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use crate::peer::{SOON, http, load, process::until, server::Server, watchbell::Watchbell};

/// A disk of 24 MB in memory; unmounted when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// None: this user may not mount.
    fn at(place: PathBuf) -> Option<Self> {
        fs::create_dir_all(&place).expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&place).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(place))
    }

    fn remount(&self, how: &str) -> bool {
        let option = format!("remount,{how}");
        Command::new("mount").args(["-o", &option]).arg(&self.0).status().is_ok_and(|status| status.success())
    }

    /// Takes all the space that is left.
    fn fill(&self, name: &str) {
        let mut file = File::create(self.0.join(name)).expect("a file");
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0x5a; size]).is_ok() {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn config(phone: &Server) -> String {
    format!(
        "{}{}[policy.all]\nsteps = [{{ page = [\"person:ana\"], wait = \"1h\" }}]\n[[route]]\n\
         match = ['service=\"load\"']\ngroup_by = [\"alertname\"]\ngroup_wait = \"0s\"\npage = \"all\"\n",
        load::person("ana", "Ana Ruiz", phone.port),
        load::INTEGRATION
    )
}

fn accepted(watchbell: &Watchbell, number: u32) -> bool {
    load::send(watchbell.port, &load::webhook(number)).is_ok_and(|answer| answer.ok())
}

fn names(watchbell: &Watchbell) -> Vec<u32> {
    let alerts = watchbell.items("/api/v1/alerts?status=firing");
    alerts.iter().filter_map(|alert| load::number(alert["labels"]["alertname"].as_str()?)).collect()
}

#[test]
#[ignore = "mounts a small disk, for which it takes root: scripts/test"]
fn on_a_full_disk_pages_leave_and_nobody_is_told_yes_for_what_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = Disk::at(folder.path().join("data")) else {
        eprintln!("not looked at: this user may not mount a disk");
        return;
    };
    let phone = Server::start(|_| (200, String::new()));
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    assert!(accepted(&watchbell, 1));
    disk.fill("stranger");

    // The space that was made ahead: alerts are kept, pages leave, and readiness says what to do.
    assert!(accepted(&watchbell, 2), "{}", watchbell.process.tail());
    assert!(phone.wait(SOON, |page| page.is_page() && page.body.contains(&load::name(2))).is_some());
    let ready =
        until(SOON, || http::get(watchbell.port, "/readyz").ok().filter(|answer| answer.status == 503));
    assert!(ready.is_some_and(|answer| answer.body.contains("the disk is full")));

    // Then the space that was held back.
    let mut kept = vec![1, 2];
    let mut more = |watchbell: &Watchbell| {
        let number = u32::try_from(kept.len()).expect("some") + 1;
        if accepted(watchbell, number) {
            kept.push(number);
        }
    };
    let released = until(Duration::from_mins(1), || {
        more(&watchbell);
        (!disk.0.join("reserve").exists()).then_some(())
    });
    assert!(released.is_some(), "{}", watchbell.process.tail());

    // When that is gone, too, nobody is told yes any more, and the process ends.
    disk.fill("stranger-too");
    let ended = until(Duration::from_mins(1), || {
        more(&watchbell);
        watchbell.process.ended()
    });
    let ended = ended.unwrap_or_else(|| panic!("it goes on: {}", watchbell.process.tail()));
    assert!(!ended.success(), "{ended}");
    assert!(watchbell.process.tail().contains("the journal failed"), "{}", watchbell.process.tail());

    for file in ["stranger", "stranger-too"] {
        fs::remove_file(disk.0.join(file)).expect("space");
    }
    watchbell.start_again();
    let there = names(&watchbell);
    assert!(kept.iter().all(|number| there.contains(number)), "{kept:?} {there:?}");
    assert!(accepted(&watchbell, 9_000));
    let verified = watchbell.other(&["journal", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    // A disk that only reads: the start says so, and looking still works.
    watchbell.process.stop(Duration::from_secs(10));
    assert!(disk.remount("ro"));
    let refused = watchbell.other(&["serve"]);
    let said =
        String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.to_lowercase().contains("read-only"), "{said}");
    assert!(watchbell.other(&["journal", "verify"]).status.success());
    assert!(disk.remount("rw"));
    watchbell.start_again();
    assert!(names(&watchbell).contains(&9_000));
}
