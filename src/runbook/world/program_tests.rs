//! Programs that misbehave: children, signals, large outputs, secrets. Never leaves one of them running.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

/// A folder of scripts, and what may be started.
struct Scripts {
    folder: tempfile::TempDir,
    allowed: Allowed,
}

impl Scripts {
    fn new(scripts: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in scripts {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let allowed =
            Allowed { programs: vec!["printf".into(), "sleep".into()], scripts: Some(folder.path().into()) };
        Self { folder, allowed }
    }

    async fn run(&self, program: &str, arguments: &[&str], seconds: u64) -> Result<Found, Fault> {
        self.run_hiding(program, arguments, seconds, &Secrets::default()).await
    }

    async fn run_hiding(
        &self,
        program: &str,
        arguments: &[&str],
        seconds: u64,
        secrets: &Secrets,
    ) -> Result<Found, Fault> {
        let start = Start {
            program: program.into(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: vec![("NAMED".into(), "s3cret-value".into())],
            folder: None,
            timeout: Duration::from_secs(seconds),
        };
        let (_sender, stop) = watch::channel(false);
        run(&start, &self.allowed, secrets, stop).await
    }
}

fn alive(pid: &str) -> bool {
    // One that ended and was not waited for yet is not alive.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn a_value_is_one_argument_whatever_it_contains() {
    let scripts = Scripts::new(&[]);
    for nasty in
        ["; id", "$(id)", "`id`", "a\nb", "'\"", "../../etc/passwd", "--help", "| cat", "", "*", "é\u{202e}"]
    {
        let found = scripts.run("printf", &["<%s>", nasty], 10).await.unwrap();
        let expected = aligned(&format!("<{nasty}>"));
        assert_eq!(found.fields["stdout"], expected, "{nasty:?}");
        assert_eq!(found.fields["code"], 0);
    }
    let Err(Fault::NotAllowed(why)) = scripts.run("printf", &["a\0b"], 10).await else { panic!() };
    assert!(why.contains("zero byte"), "{why}");
}

#[tokio::test]
async fn only_listed_programs_and_scripts_of_the_folder_start() {
    let scripts = Scripts::new(&[("hello", "#!/bin/sh\necho hello"), ("text", "x")]);
    fs::set_permissions(scripts.folder.path().join("text"), fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("/bin/id", scripts.folder.path().join("out")).unwrap();
    assert_eq!(scripts.run("hello", &[], 10).await.unwrap().shown, "hello");
    for program in ["id", "/bin/id", "../hello", "./hello", "", ".", "..", "text", "out", "missing"] {
        let refused = scripts.run(program, &[], 10).await;
        assert!(matches!(refused, Err(Fault::NotAllowed(_))), "{program}: {refused:?}");
    }
    let allowed = Allowed { programs: vec!["no-such-program".into()], scripts: None };
    assert!(matches!(allowed.find("no-such-program"), Err(Fault::Unknown(_))));
}

#[tokio::test]
async fn it_sees_nothing_of_the_servers_environment_and_its_secrets_do_not_come_back() {
    let scripts = Scripts::new(&[(
        "show",
        "#!/bin/sh\nenv; pwd; printf '%s' \"$NAMED\" | base64; echo err $NAMED >&2",
    )]);
    let secret = "s3cret-value".to_owned().into();
    let found = scripts.run_hiding("show", &[], 10, &Secrets::new([&secret])).await.unwrap();
    let all = format!("{found:?}");
    assert!(!all.contains("s3cret-value") && !all.contains("czNjcmV0LXZhbHVl"), "{all}");
    assert!(found.shown.contains("NAMED=•••") && found.shown.contains("err •••"), "{all}");
    for of_the_server in ["CARGO", "RUST", "USER="] {
        assert!(!found.shown.contains(of_the_server), "{all}");
    }
    assert!(!found.shown.contains(env!("CARGO_MANIFEST_DIR")), "it works in a folder of its own: {all}");
}

#[tokio::test]
async fn a_flood_of_output_is_counted_and_its_beginning_and_end_stay() {
    let text = "#!/bin/sh\necho first\nhead -c 10000000 /dev/zero | tr '\\0' x\necho\necho last";
    let scripts = Scripts::new(&[("flood", text)]);
    let found = scripts.run("flood", &[], 60).await.unwrap();
    assert!(found.shown.starts_with("first\n") && found.shown.ends_with("last"), "{}", &found.shown[..40]);
    assert!(found.shown.len() <= OUTPUT, "{}", found.shown.len());
    assert!(found.cut > 9_900_000 && found.cut < 10_000_012, "{}", found.cut);
}

#[tokio::test]
async fn a_secret_at_the_cut_leaves_no_half_of_it() {
    let secret: secrecy::SecretString = "s3cret-of-thirty-two-characters!".to_owned().into();
    let secrets = Secrets::new([&secret]);
    for offset in 0..40 {
        let mut gathered = Gathered::default();
        let filler = vec![b'.'; HALF - offset + secrets.margin()];
        let mut bytes = filler.clone();
        bytes.extend_from_slice(b"s3cret-of-thirty-two-characters!");
        bytes.extend(vec![b'-'; 3 * HALF]);
        bytes.extend_from_slice(b"s3cret-of-thirty-two-characters!");
        bytes.extend_from_slice(&filler);
        for piece in bytes.chunks(777) {
            gathered.take(piece, HALF + secrets.margin());
        }
        let (text, missing) = gathered.text(&secrets);
        assert!(missing > 0);
        for part in ["s3cret", "thirty", "characters!", "-two"] {
            assert!(!text.contains(part), "{offset}: {part}");
        }
    }
}

#[tokio::test]
async fn terminal_escapes_do_not_get_through() {
    let scripts =
        Scripts::new(&[("paint", "#!/bin/sh\nprintf '\\033[31mred\\033[0m \\033]0;title\\007 \\r over\\b'")]);
    let found = scripts.run("paint", &[], 10).await.unwrap();
    assert_eq!(found.shown.replace('\n', ""), "red   over");
}

#[tokio::test]
async fn what_does_not_end_is_ended_with_all_that_it_started() {
    let deaf = "#!/bin/sh\ntrap '' TERM\necho $$ > \"$0.pids\"\nsleep 600 &\necho $! >> \"$0.pids\"\n\
                setsid sleep 600 &\nsetsid sh -c 'sleep 600 & echo $! >> \"'$0'.pids\"; wait' &\nwait\nsleep 600\n";
    let scripts = Scripts::new(&[("deaf", deaf)]);
    let late = scripts.run("deaf", &[], 1).await;
    assert_eq!(late, Err(Fault::TimedOut(SignedDuration::from_secs(1))));
    let pids = fs::read_to_string(scripts.folder.path().join("deaf.pids")).unwrap();
    assert_eq!(pids.lines().count(), 3, "{pids}");
    for pid in pids.lines() {
        assert!(!alive(pid), "{pid} is still there");
    }
}

#[tokio::test]
async fn what_it_leaves_in_the_background_does_not_outlive_it() {
    let daemon = "#!/bin/sh\nsetsid sleep 600 >/dev/null 2>&1 &\necho $!\n(sleep 600 &)\n";
    let scripts = Scripts::new(&[("daemon", daemon)]);
    let began = std::time::Instant::now();
    let found = scripts.run("daemon", &[], 20).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "nobody waits for what holds its pipes");
    assert!(!alive(&found.shown), "{} is still there", found.shown);
}

#[tokio::test]
async fn a_step_that_nobody_waits_for_any_more_is_ended_too() {
    let scripts = Scripts::new(&[("long", "#!/bin/sh\necho $$ > \"$0.pid\"\nsleep 600\n")]);
    let pid = scripts.folder.path().join("long.pid");
    let there = async {
        while !fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = scripts.run("long", &[], 60) => panic!("{ended:?}"),
        () = there => {}
    }
    let pid = fs::read_to_string(&pid).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while alive(&pid) && std::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert!(!alive(&pid));
}

#[tokio::test]
async fn a_stop_ends_it_at_once() {
    let scripts = Scripts::new(&[]);
    let start = Start {
        program: "sleep".into(),
        arguments: vec!["600".into()],
        environment: Vec::new(),
        folder: None,
        timeout: Duration::from_mins(10),
    };
    let (sender, stop) = watch::channel(false);
    let secrets = Secrets::default();
    let running = run(&start, &scripts.allowed, &secrets, stop);
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => panic!("{ended:?}"),
        () = tokio::task::yield_now() => {}
    }
    sender.send_replace(true);
    let began = std::time::Instant::now();
    assert!(running.await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5));
}
