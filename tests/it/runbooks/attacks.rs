//! Values, answers and programs that want to be more than they are, against the real process: what arrives on the wire
//! is what was meant, and what comes back is bounded and harmless.

use std::{fs, time::Duration};

use serde_json::Value;

use super::{Shop, TOKEN, says, secrets, text, until};
use crate::peer::server::Request;

/// Scripts of these tests; `ROOT` is the folder of the shop.
pub const SCRIPTS: [(&str, &str); 6] = [
    ("keeps", r#"printf '%s\0' "$@" >> ROOT/args"#),
    ("floods", r"head -c 10485760 /dev/zero | tr '\0' x"),
    ("paints", r"printf '\033[31mred\033[0m \033]0;title\007plain\033[2J\n'"),
    ("fails", "echo tried >> ROOT/marks; exit 1"),
    ("prints", "echo 'card 4111-1111-1111 of ana'"),
    (
        "stubborn",
        r#"endless='trap "" TERM; echo $$ >> ROOT/marks; while :; do sleep 1; done'
sh -c "$endless" &
setsid sh -c "$endless" &
exec sh -c "$endless""#,
    ),
];

impl Shop {
    /// The arguments that the script `keeps` was given.
    pub fn args(&self) -> Vec<String> {
        let args = fs::read_to_string(self.folder.path().join("args")).unwrap_or_default();
        args.split_terminator('\0').map(str::to_owned).collect()
    }
}

/// A runbook of these steps; whoever runs it is a responder.
fn runbook(name: &str, arguments: &str, steps: &[&str]) -> String {
    let steps = steps.iter().enumerate().map(|(at, step)| format!("\n## Step {at}\n\n```{step}\n```\n"));
    let steps = steps.collect::<Vec<_>>().concat();
    format!(
        "---\ncommand: /shop {name}\nsummary: Does it.\nrole: responder\nexamples: [/shop {name} a]\n{arguments}---\n\n# It\n{steps}"
    )
}

/// Every place in which a value may stand.
fn everywhere() -> String {
    runbook(
        "all",
        "arguments:\n  - name: part\n",
        &[
            "http\n#| on_fail: continue\nGET {{ qflow.url }}/flows/{{ part }}/stop?why={{ part }}&n=1",
            "http\n#| reads: true\n#| on_fail: continue\nPOST {{ qflow.url }}/why\n\n{\"why\": \"it is {{ part }}\", \"raw\": {{ part }}}",
            "promql\n#| on_fail: continue\nup{a=\"{{ part }}\", b=~\"x{{ part }}\"}",
            "logs\n#| service: qflow\n#| on_fail: continue\nindex: q-*\n\na:\"{{ part }}\"",
            "run\n#| reads: true\n#| on_fail: continue\nkeeps {{ part }} \"x {{ part }}\"",
            "chat\n#| on_fail: continue\n/announce #shop-status \"It is {{ part }}\"",
        ],
    )
}

/// The parameters of a request, in its address or its body.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let query = request.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    [query, &request.body].iter().find_map(|text| {
        let mut pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    })
}

/// Two escaped texts in quotes that a query holds, without their escapes.
fn quoted(text: &str) -> Vec<String> {
    let (mut found, mut open, mut letters) = (Vec::new(), None::<String>, text.chars());
    while let Some(c) = letters.next() {
        match (&mut open, c) {
            (None, '"') => open = Some(String::new()),
            (None, _) => {}
            (Some(_), '"') => found.extend(open.take()),
            (Some(inner), '\\') => match letters.next() {
                Some('n') => inner.push('\n'),
                Some(kind @ ('x' | 'u')) => {
                    let digits: String = letters.by_ref().take(if kind == 'x' { 2 } else { 4 }).collect();
                    let code = u32::from_str_radix(&digits, 16).expect("digits");
                    inner.push(char::from_u32(code).expect("a letter"));
                }
                other => inner.extend(other),
            },
            (Some(inner), c) => inner.push(c),
        }
    }
    assert!(open.is_none(), "a quote is open: {text}");
    found
}

#[test]
fn a_value_arrives_as_it_is_and_is_never_more_than_a_value() {
    let shop = Shop::with("fine", Some("1"), &[("all", &everywhere())]);
    let values = [
        "a\"b'c",
        "two\nlines",
        "; id; rm -rf /",
        "$(id) `id` && id | id",
        "../../etc/passwd",
        "http://evil.example/x?y=z#w",
        "http://169.254.169.254/latest",
        "\" /incident open P1 owned \"x",
        "\"} or up{a=\"",
        "a\" OR b:\"*",
        "{{ qflow.token }}",
        "back\\slash\\",
    ];
    for value in values {
        let (asked, queried) = (shop.qflow.heard().len(), shop.prometheus.heard().len());
        let given = shop.args().len();
        let reply = text(&shop.says("ana", &format!("/shop all '{value}'")));
        assert!(reply.contains("It is on its way to #shop-status."), "{value}: {reply}");
        let mut heard = shop.qflow.heard().split_off(asked);
        assert_eq!(heard.len(), 3, "{value}: {heard:?}");
        // What only reads is asked at once: the flow, the search and the reason come in any order.
        heard.sort_by(|one, other| one.path.cmp(&other.path));

        let address = url::Url::parse(&format!("http://shop{}", heard[0].path)).expect("an address");
        let segments: Vec<&str> = address.path_segments().expect("a path").collect();
        assert_eq!((segments.len(), segments[0], segments[2]), (3, "flows", "stop"), "{}", heard[0].path);
        let decoded: Vec<(String, String)> =
            url::form_urlencoded::parse(format!("part={}", segments[1]).as_bytes()).into_owned().collect();
        assert_eq!(decoded[0].1, value);
        assert_eq!(parameter(&heard[0], "why").as_deref(), Some(value));
        assert_eq!(parameter(&heard[0], "n").as_deref(), Some("1"));

        let body: Value = serde_json::from_str(&heard[2].body).expect("JSON");
        assert_eq!(body, serde_json::json!({"why": format!("it is {value}"), "raw": value}));

        let search: Value = serde_json::from_str(&heard[1].body).expect("JSON");
        let words = search.pointer("/query/bool/must/0/query_string/query").and_then(Value::as_str);
        let words = words.expect("words");
        assert!(words.starts_with("a:\"") && words.ends_with('"'), "{words}");
        assert_eq!(quoted(words).len(), 1, "{words}");

        let queries = shop.prometheus.heard().split_off(queried);
        let query = parameter(queries.last().expect("a query"), "query").expect("its words");
        assert!(query.starts_with("up{a=\"") && query.ends_with("\"}"), "{query}");
        let inner = quoted(&query);
        assert_eq!((inner.len(), inner[0].as_str()), (2, value), "{query}");

        assert_eq!(shop.args().split_off(given), [value.to_owned(), format!("x {value}")]);
    }
    // A dash at the beginning would be a flag of the program.
    let given = shop.args().len();
    let refused = text(&shop.says("ana", "/shop all '--all'"));
    assert!(refused.contains("cannot stand there"), "{refused}");
    assert_eq!(shop.args().len(), given);
    let up = text(&shop.says("ana", "/shop all '..'"));
    assert!(up.contains("the address would lead out of its path"), "{up}");
    assert!(shop.qflow.heard().iter().all(|request| request.path != "/stop"), "it went up");
    let kept = shop.kept();
    assert!(!kept.contains("incident_opened"), "a value became a command");
    assert!(!kept.contains(TOKEN));
}

#[test]
fn no_redirect_leads_to_another_host() {
    let steps = [
        "http\n#| on_fail: continue\nGET {{ qflow.url }}/leads-elsewhere",
        "http\nGET {{ qflow.url }}/leads-to-metadata",
    ];
    let shop = Shop::with("fine", Some("1"), &[("led", &runbook("led", "", &steps))]);
    let said = text(&shop.says("ana", "/shop led"));
    assert_eq!(said.matches("that is not followed").count(), 2, "{said}");
    assert!(said.contains("http://169.254.169.254"), "it says where to: {said}");
    assert_eq!(shop.qflow.heard().len(), 2);
    assert!(shop.prometheus.heard().is_empty(), "it went there: {:?}", shop.prometheus.heard());
}

#[test]
fn a_flood_is_bounded_and_counted_and_colours_stay_out() {
    let floods = runbook("floods", "", &["run\n#| name: flood\n#| reads: true\nfloods"]);
    let paints = runbook("paints", "", &["run\n#| name: paint\n#| reads: true\npaints"]);
    let shop = Shop::with("fine", None, &[("floods", &floods), ("paints", &paints)]);
    let before = shop.kept().len();
    let said = shop.says("ana", "/shop floods").to_string();
    assert!(said.contains("passed") && said.len() < 400_000, "{} bytes", said.len());
    let journal = String::from_utf8_lossy(&shop.watchbell.journal()).into_owned();
    assert!(journal.len() < before + 800_000, "{} bytes are kept", journal.len() - before);
    let cut: Vec<u64> = journal
        .split("\"cut\":")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .collect();
    assert!(cut.iter().any(|cut| (10_000_000..=10_485_760).contains(cut)), "{cut:?}");

    let painted = shop.says("ana", "/shop paints").to_string();
    assert!(painted.contains("red") && painted.contains("plain"), "{painted}");
    let kept = shop.kept();
    for all in [&painted, &kept] {
        let escapes = ["\u{1b}", "\\u001b", "\u{7}", "\\u0007"].iter().any(|escape| all.contains(escape));
        assert!(!escapes, "an escape got through");
    }
}

fn alive(pid: &str) -> bool {
    // One that ended and was not waited for yet is not alive.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn a_program_that_does_not_want_to_end_is_gone_after_a_stop_with_its_children() {
    let stubborn = runbook("stubborn", "", &["run\n#| timeout: 5m\nstubborn"]);
    let shop = Shop::with("fine", None, &[("stubborn", &stubborn)]);
    let port = shop.watchbell.port;
    let caller = std::thread::spawn(move || text(&says(port, "ana", "/shop stubborn")));
    let begun = until(Duration::from_secs(20), || (shop.marks().lines().count() == 3).then(|| shop.marks()));
    let pids = begun.unwrap_or_else(|| panic!("not all have begun: {}", shop.marks()));
    assert!(pids.lines().all(alive), "{pids}");
    assert_eq!(shop.says("ben", "/runbook stop R-1")["ok"], true);
    let said = caller.join().expect("an answer");
    assert!(said.contains("stopped by ben"), "{said}");
    let gone = until(Duration::from_secs(20), || (!pids.lines().any(alive)).then_some(()));
    assert!(gone.is_some(), "still there: {:?}", pids.lines().filter(|pid| alive(pid)).collect::<Vec<_>>());
}

#[test]
fn the_token_of_a_service_is_in_nothing_that_leaves_for_others_or_stays() {
    let steps = [
        "http\n#| name: own\nGET {{ qflow.url }}/a",
        "http\n#| reads: true\nPOST {{ qflow.url }}/b\n\n{\"again\": \"{{ qflow.token }}\"}",
        "http\n#| reads: true\nPOST {{ qflow.url }}/c\nContent-Type: application/x-www-form-urlencoded\n\ntoken={{ qflow.token }}",
        "promql\n#| chart: 1h\nup{a=\"{{ own.json.said }}\"}",
        "run\n#| reads: true\nkeeps {{ own.body }} {{ own.json.said }}",
        "chat\n/announce #shop-status \"It says {{ own.json.said }}\"",
    ];
    let shop = Shop::with("fine", Some("1"), &[("told", &runbook("told", "", &steps))]);
    let reply = shop.says("ana", "/shop told");
    assert!(text(&reply).contains("passed"), "{reply}");
    let with = format!("Bearer {TOKEN}");
    let heard = shop.qflow.heard();
    assert!(heard.iter().all(|request| request.header("authorization") == Some(&with)), "{heard:?}");
    assert!(heard.iter().any(|request| request.body.contains(TOKEN)), "it was sent where it was meant");
    let queries = format!("{:?}", shop.prometheus.heard());
    assert!(queries.contains("up"), "{queries}");
    let log = fs::read_to_string(shop.folder.path().join("log")).unwrap_or_default();
    let data = secrets::written(&shop.folder.path().join("data"));
    let runs = shop.says("ben", "/runbook runs R-1").to_string();
    let metrics = shop.watchbell.get("/metrics").body;
    for (what, all) in [
        ("the reply", &reply.to_string()),
        ("a request to another service", &queries),
        ("the arguments of a program", &shop.args().join(" ")),
        ("the log", &log),
        ("a file", &data),
        ("the run", &runs),
        ("the metrics", &metrics),
    ] {
        secrets::holds_none_of(what, all, TOKEN);
    }
    assert!(shop.args().join(" ").contains("•••"));
}
