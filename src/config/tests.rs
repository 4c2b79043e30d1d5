//! The repository's own configuration, one mistake at a time, many at once, and files that were damaged.

use std::{collections::BTreeMap, fmt::Write as _};

use secrecy::ExposeSecret;

use super::*;
use crate::domain::id::SeverityId;
use crate::domain::permission::Strangers;
use crate::domain::room::RoomRule;

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn the_built_in_configuration_is_fine_and_needs_nothing() {
    let mut out = Vec::new();
    let fine = check(None, &nothing, &mut out, false).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(fine, "{text}");
    assert_eq!(
        text,
        "config: fine: 10 people, 5 teams, 3 schedules, 7 policies, 4 severities, 1 integration, 7 routes\n"
    );
}

/// A small configuration without a mistake, as one file.
const SOUND: &str = r#"[person.ana]
contacts = { hook = "https://ana.example.com/page" }
urgent = ["now: chat", "2m: hook"]
[team.ops]
members = ["ana"]
[schedule.primary]
[[schedule.primary.layer]]
people = ["ana"]
start = 2026-01-05
handoff = "weekly Mon 09:00"
[policy.qflow]
steps = [{ page = ["schedule:primary"], wait = "5m" }]
[integration.prom]
kind = "alertmanager"
"#;

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(name, text): &(&str, &str)| Source {
        shown: (*name).into(),
        name: (*name).into(),
        text: (*text).into(),
    };
    files.iter().map(source).collect()
}

fn found(files: &[(&str, &str)], env: &[(&str, &str)]) -> Mistakes {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    let env = |name: &str| env.get(name).map(|value| (*value).to_owned());
    Mistakes { all: read(&sources(files), None, &env, true).1 }
}

fn settings(files: &[(&str, &str)], env: &dyn Fn(&str) -> Option<String>) -> (Config, Settings) {
    let (read, mistakes) = read(&sources(files), None, env, true);
    assert_eq!(mistakes, [], "{}", Mistakes { all: mistakes.clone() });
    read.unwrap()
}

/// What is added to the sound configuration; a part of what is said, with its place; the nearest word.
#[rustfmt::skip]
const WRONG: &[(&str, &str, &str)] = &[
    // The form.
    ("[server", "x.toml:1:8: mistake: this is not TOML", ""),
    ("[server]\nlisten = 127.0.0.1\n", "x.toml:2:15: mistake: this is not TOML", ""),
    ("[person.ben]\nname = \"Ben\nroles = []\n", "x.toml:2:12: mistake: this is not TOML", ""),
    ("[person.ben]\n[person.ben]\n", "x.toml:2:9: mistake: `ben` is already defined", ""),
    ("[person.ben]\nname = \"a\"\nname = \"b\"", "x.toml:3:1: mistake: `name` is already defined", ""),
    // Keys, names, types.
    ("[server]\nlissen = \"x\"", "x.toml:2:1: mistake: `lissen` is not a key of [server]", "listen"),
    ("[people.ben]", "x.toml:1:2: mistake: `people` is not a part of the configuration", "person"),
    ("[sever]", "x.toml:1:2: mistake: `sever` is not a part", "server"),
    ("[person.ana]", "x.toml:1:9: mistake: person `ana` is already defined in sound.toml:1", ""),
    ("[person.\"a b\"]", "x.toml:1:9: mistake: `a b` cannot be the name of a person", ""),
    ("server = 3", "x.toml:1:10: mistake: `server` is a number", ""),
    ("[server]\nlisten = 8080", "x.toml:2:10: mistake: `server.listen` is a number", ""),
    ("[server]\nlisten = \"localhost:80\"", "x.toml:2:10: mistake: `localhost:80` is not an address", "127.0.0.1:80"),
    ("[server]\nlisten = \"0.0.0.0:80\"", "x.toml:2:10: mistake: without a token in [api]", ""),
    ("[server]\npublic_url = \"ftp://x\"", "x.toml:2:14: mistake: `server.public_url` must begin with http://", ""),
    ("[api]\ntokens = [{ person = \"anna\", token = { env = \"T\" } }]", "x.toml:2:22: mistake: there is no person `anna`", "ana"),
    ("[api]\ntokens = [{ person = \"ana\", token = { env = \"T\" } }, { person = \"ana\", token = { env = \"T\" } }]",
        "x.toml:2:80: mistake: this token has the same value as that of `ana`", ""),
    ("[server]\nsigning_key = { env = \"MISSING\" }", "x.toml:2:23: mistake: the environment variable MISSING is not set", ""),
    ("[server]\nsigning_key = { file = \"no/such\" }", "x.toml:2:24: mistake: the file no/such cannot be used", ""),
    ("[server]\nsigning_key = { env = \"T\", optionl = true }", "x.toml:2:28: mistake: `optionl` is not a key", "optional"),
    ("[server]\nsigning_key = { env = \"SHORT\" }", "x.toml:2:15: mistake: `server.signing_key` is shorter than 16 bytes", ""),
    ("[api]\ntokens = [{ person = \"ana\", token = { env = \"SHORT\" } }]", "x.toml:2:37: warning: the token for `api.tokens.token` has less than 16", ""),
    ("[integration.x]\nkind = \"alertmanager\"\ntoken = { env = \"SHORT\" }", "x.toml:3:9: warning: the token for `integration.x.token` has less than 16", ""),
    ("[integration.x]\nkind = \"alertmanager\"\nlimit = 0", "x.toml:3:9: mistake: `integration.x.limit` is not a whole number from 1 to 1000000", ""),
    ("[integration.x]\nkind = \"github\"", "x.toml:1:14: mistake: `integration.x` has no `secret`", ""),
    ("[integration.x]\nkind = \"gitlab\"", "x.toml:1:14: mistake: `integration.x` has no `secret`", ""),
    ("[integration.x]\nkind = \"githb\"\nsecret = { env = \"T\" }", "x.toml:2:8: mistake: there is no kind of integration `githb`", "github"),
    ("[integration.x]\nkind = \"gitlb\"\nsecret = { env = \"T\" }", "x.toml:2:8: mistake: there is no kind of integration `gitlb`", "gitlab"),
    ("[integration.x]\nkind = \"github\"\nsecret = { env = \"SHORT\" }", "x.toml:3:10: warning: the token for `integration.x.secret` has less than 16", ""),
    ("[integration.x]\nkind = \"github\"\nsecret = { env = \"MISSING\" }", "x.toml:3:18: mistake: the environment variable MISSING is not set", ""),
    ("[integration.x]\nkind = \"gitlab\"\nsecret = { env = \"DAMAGED\" }", "x.toml:3:10: mistake: `integration.x.secret` begins like a signing token and is none", ""),
    ("[integration.x]\nkind = \"github\"\nsecret = { env = \"T\" }\ntoken = { env = \"T\" }", "x.toml:4:1: mistake: `token` is not a key", ""),
    ("[integration.x]\nkind = \"alertmanager\"\nservice = \"qflow\"", "x.toml:3:1: mistake: `service` is not a key", ""),
    ("[integration.\"büro\"]\nkind = \"alertmanager\"", "x.toml:1:14: mistake: `büro` cannot be the name of an integration", ""),
    ("[server]\npublic_url = \"https://bell.example.com\"", "x.toml:2:14: mistake: links lead to a proxy, and whoever comes through the proxy would be the operator", ""),
    ("[server]\nsigning_key = \"hunter2-hunter2-hunter2\"", "x.toml:2:15: warning: `server.signing_key` is a secret that stands in the file", ""),
    ("[slack]\nbot_token = { env = \"T\" }", "x.toml:1:2: mistake: `slack` has no `app_token`", ""),
    ("[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\ncommands = { me = \"/me\" }", "x.toml:4:19: mistake: `/me` is Slack's own command", ""),
    ("[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\ncommands = { ack = \"Ack\" }", "x.toml:4:20: mistake: `Ack` is no name of a slash command", ""),
    ("[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\ncommands = { ack = \"/x\", page = \"/x\" }", "x.toml:4:33: mistake: two commands are called `/x`", ""),
    ("[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\nincident_rooms = \"secret\"", "x.toml:4:18: mistake: `secret` is no kind of room", ""),
    ("[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\nstrangers = \"lok\"", "x.toml:4:13: mistake: `lok` is nothing that strangers may do", "look"),
    ("[discord]\ntoken = { env = \"T\" }\nstrangers = [\"look\"]", "x.toml:3:13: mistake: ", ""),
    ("[discord]\ntoken = { env = \"T\" }\nrooms_close_after = \"1y\"", "x.toml:3:21: mistake: `1y`: `y` is not a unit of time here", ""),
    ("[mail]\nsmtp = \"smtps://mail.example.com\"\nfrom = \"Bell\"", "x.toml:3:8: mistake: `mail.from` has no e-mail address", ""),
    ("[mail]\nsmtp = \"smtps://mail.example.com\"\nfrom = \"Bell <a@b\\nBcc: x@y>\"", "x.toml:3:8: mistake: `mail.from` is not a sender", ""),
    ("[mail]\nsmtp = \"smtp://mail.example.com?tls=maybe\"\nfrom = \"a@b.org\"", "x.toml:2:8: mistake: `mail.smtp` has something behind the `?`", ""),
    ("[mail]\nsmtp = \"smtps://mail.example.com?tls=none\"\nfrom = \"a@b.org\"", "x.toml:2:8: mistake: `mail.smtp` has something behind the `?`", ""),
    ("[mail]\nsmtp = \"smtp://w@mail.example.com?tls=none\"\npassword = { env = \"T\" }\nfrom = \"a@b.org\"", "x.toml:2:8: warning: the password can travel to the mail server for everybody to read", ""),
    ("[mail]\nsmtp = \"smtps://mail.example.com\"\npassword = { env = \"T\" }\nfrom = \"a@b.org\"", "x.toml:3:12: mistake: `mail.password` is whose?", ""),
    ("[mail]\nsmtp = \"smtps://mail.example.com\"\nca = { env = \"T\" }\nfrom = \"a@b.org\"", "x.toml:3:6: mistake: `mail.ca` has no certificate in PEM", ""),
    ("[mail]\nsmtp = \"smtps://mail.example.com\"\ncertificate = { env = \"T\" }\nfrom = \"a@b.org\"", "x.toml:3:1: mistake: `certificate` is not a key of [mail]", ""),
    ("[pagerduty]\nurl = \"http://events.example.com\"", "x.toml:2:7: mistake: routing keys would travel for everybody to read", ""),
    ("[person.ben]\ncontacts = { pd = { pagerduty = { env = \"T\" } } }", "x.toml:2:33: mistake: `person.ben.contacts.pd.pagerduty` is not a routing key of PagerDuty", ""),
    ("[person.ben]\ncontacts = { pd = { pagerduty = \"0123456789abcdef0123456789abcdef\" } }", "x.toml:2:33: warning: `person.ben.contacts.pd.pagerduty` is a secret that stands in the file", ""),
    ("[person.ben]\ncontacts = { pd = { pagerduty = { env = \"MISSING\", optional = true }, eu = true } }", "x.toml:2:71: mistake: `eu` is not a key", ""),
    ("[alive]\nurl = \"https://x/y\"\nevery = \"1 minute\"", "x.toml:3:9: mistake: `1 minute` is not a duration", ""),
    ("[environment.a]\n[environment.b]", "x.toml:1:14: mistake: there are several environments", ""),
    ("[environment.a]\nvalues = { Runs = \"x\" }", "x.toml:2:12: mistake: `Runs` cannot be a name in runbooks", ""),
    ("[environment.a]\nq = { url = \"http://h\", tokn = { env = \"T\" } }", "x.toml:2:25: mistake: `tokn` is not a key", "token"),
    ("[runbook]\nprogram = []", "x.toml:2:1: mistake: `program` is not a key of [runbook]", "programs"),
    // People.
    ("[person.ben]\ntimezone = \"Madrid\"", "x.toml:2:12: mistake: there is no time zone `Madrid`", "Europe/Madrid"),
    ("[person.ben]\nlocale = \"Spanish\"", "x.toml:2:10: mistake: `Spanish` is not a language", ""),
    ("[person.ben]\nroles = [\"operater\"]", "x.toml:2:10: mistake: there is no role `operater`", "operator"),
    ("[person.ben]\ncontacts = { push = \"ntfy:https://h\" }", "x.toml:2:21: mistake: `person.ben.contacts.push` names no topic", ""),
    ("[person.ben]\ncontacts = { push = \"pigeon\" }", "x.toml:2:21: mistake: `person.ben.contacts.push` is no address", ""),
    ("[person.ben]\ncontacts = { chat = \"https://h\" }", "x.toml:2:14: mistake: `chat` is everybody's contact", ""),
    ("[person.ben]\ncontacts = { hook = \"https://h\" }\nurgent = [\"now: hok\"]", "x.toml:3:17: mistake: there is no contact `hok`", "hook"),
    ("[person.ben]\nurgent = [\"soon: chat\"]", "x.toml:2:12: mistake: `soon` is not a duration", ""),
    ("[person.ben]\nurgent = [\"chat\"]", "x.toml:2:11: mistake: `chat` is not a rule", ""),
    ("[person.ben]\nurgent = [\"now:\"]", "x.toml:2:11: mistake: `now:` names no contact", ""),
    ("[team.dev]\nmembers = [\"an\"]", "x.toml:2:12: mistake: there is no person `an`", "ana"),
    ("[team.dev]\nmembers = [\"ana\"]\nchannel = \"Dev\"", "x.toml:3:11: mistake: `Dev` is not a channel", "#dev"),
    ("[team.dev]\nmembers = [\"ana\"]\nchannel = \"slack:#dev\"", "x.toml:3:11: warning: nobody reads `slack:#dev`", ""),
    // Schedules and policies.
    ("[schedule.s]\nteam = \"opps\"\n[[schedule.s.layer]]\npeople=[\"ana\"]\nstart=2026-01-05\nhandoff=\"daily 09:00\"",
        "x.toml:2:8: mistake: there is no team `opps`", "ops"),
    ("[schedule.s]", "x.toml:1:11: mistake: schedule `s` has no layer", ""),
    ("[schedule.s]\n[[schedule.s.layer]]\npeople=[]\nstart=2026-01-05\nhandoff=\"daily 09:00\"", "x.toml:3:8: mistake: this layer has no people", ""),
    ("[schedule.s]\n[[schedule.s.layer]]\npeople=[\"ana\"]\nstart=2026-01-05\nhandoff=\"weakly Mon\"", "x.toml:5:9: mistake: `weakly Mon` is not a hand-off", ""),
    ("[schedule.s]\n[[schedule.s.layer]]\npeople=[\"ana\"]\nstart=\"tomorrow\"\nhandoff=\"daily 09:00\"", "x.toml:4:7: mistake: `schedule.s.layer.start` is not a day", ""),
    ("[schedule.s]\n[[schedule.s.layer]]\npeople=[\"ana\"]\nstart=2026-01-05\nhandoff=\"daily 09:00\"\nonly=[\"weekdays\"]", "x.toml:6:7: mistake: `weekdays` is not a restriction", ""),
    ("[policy.p]\nsteps = []", "x.toml:2:9: mistake: policy `p` has no steps", ""),
    ("[policy.p]\nsteps = [{ wait = \"5m\" }]", "x.toml:2:10: mistake: step 1 of policy `p` is empty", ""),
    ("[policy.p]\nsteps = [{ page = [] }]", "x.toml:2:19: mistake: step 1 of policy `p` is empty", ""),
    ("[policy.p]\nsteps = [{ page = [\"schedule:primry\"] }]", "x.toml:2:30: mistake: there is no schedule `primry`", "primary"),
    ("[policy.p]\nsteps = [{ page = [\"primary\"] }]", "x.toml:2:20: mistake: `primary` does not say what it is", "schedule:primary"),
    ("[policy.p]\nsteps = [{ page = [\"squad:ops\"] }]", "x.toml:2:20: mistake: a step cannot page a `squad`", ""),
    ("[policy.p]\nsteps = [{ page = [\"channel:#x\"] }]", "x.toml:2:1: mistake: policy `p` only tells channels", ""),
    ("[policy.p]\nrepeat = 2\nsteps = [{ page = [\"team:ops\"], wait = \"30s\" }]", "x.toml:2:10: mistake: policy `p` would begin again", ""),
    ("[policy.p]\nsteps = [{ page = [\"team:ops\"], wait = \"0s\" }]", "x.toml:2:1: mistake: the last step of policy `p` would end", ""),
    ("[policy.p]\nrepeat = 0\nsteps = [{ page = [\"team:ops\"] }]", "x.toml:2:10: mistake: `policy.p.repeat` is not a whole number from 1", ""),
    ("[policy.p]\nsteps = [{ page = [\"team:ops\"], wait = \"5 min\" }]", "x.toml:2:40: mistake: `5 min` is not a duration", ""),
    ("[team.e]\nmembers = []\n[policy.p]\nsteps = [{ page = [\"team:e\"] }]", "x.toml:4:20: mistake: step 1 of policy `p` pages nobody", ""),
    ("[person.ben]\n[policy.p]\nsteps = [{ page = [\"person:ben\"] }]", "x.toml:1:9: mistake: `ben` is paged by step 1 of policy `p` and has no contact", ""),
    ("[person.ben]\nurgent = [\"now: chat\"]\n[policy.p]\nsteps = [{ page = [\"person:ben\"] }]", "x.toml:1:9: warning: `ben` is paged by step 1 of policy `p` and is only reached while", ""),
    ("[person.ben]\ncontacts = { m = \"mailto:b@e.org\" }\n[policy.p]\nsteps = [{ page = [\"person:ben\"] }]", "x.toml:1:9: warning: `ben` is paged by step 1 of policy `p`, and nothing is configured that sends", ""),
    // Severities, integrations, routes.
    ("[route]\nchannel = \"#x\"", "x.toml:1:1: mistake: `route` is a table", ""),
    ("[severity.P1]\nlabels = ['severity']", "x.toml:2:11: mistake: `severity` is not a matcher", ""),
    ("[severity.P1]\nurgency = \"urgnt\"", "x.toml:2:11: mistake: `urgnt` is not an urgency", "urgent"),
    ("[severity.P1]\nunresolved = [{ after = \"1h\" }]", "x.toml:2:15: mistake: `severity.P1.unresolved` has no `page`", ""),
    ("[severity.P1]\nacknowledge_within = \"1s\"", "x.toml:2:22: mistake: `severity.P1.acknowledge_within` must be from 1m to 30d", ""),
    ("[integration.x]\nkind = \"alertmanger\"", "x.toml:2:8: mistake: there is no kind of integration `alertmanger`", "alertmanager"),
    ("[integration.x]", "x.toml:1:14: mistake: `integration.x` has no `kind`", ""),
    ("[[route]]\nmatch = ['a=~\"(\"']\nchannel = \"#x\"", "x.toml:2:10: mistake: `(` is not a regular expression", ""),
    ("[[route]]\npage = \"qfow\"", "x.toml:2:8: mistake: there is no policy `qfow`", "qflow"),
    ("[[route]]\npage = \"schedule:primary\"", "x.toml:2:8: mistake: `schedule:primary` is not the name of a policy", ""),
    ("[[route]]\nchannel = \"#x\"\nseverity = \"P9\"", "x.toml:3:12: mistake: there is no severity `P9`", ""),
    ("[[route]]\nchannel = \"#x\"\ngroup_by = [\"...\"]", "x.toml:3:13: mistake: `...` is not the name of a label", ""),
    ("[[route]]\nchannel = \"#x\"\nincident = \"yes\"", "x.toml:3:12: mistake: `route.incident` is text", ""),
    ("[severity.P1]\n[[route]]\nincident = true", "x.toml:3:12: mistake: this route opens incidents, and nothing says", ""),
    ("[[route]]\nchannel = \"#x\"\nrun = [\"qflow health\"]", "x.toml:3:8: mistake: `qflow health` is not a command", "/qflow health"),
    ("[[route]]\nmatch = ['a=\"b\"']", "x.toml:1:1: warning: this route takes alerts and tells nobody", ""),
    ("[[route]]\nchannel = \"#x\"\n[[route]]\nmatch = ['a=b']\nchannel = \"#y\"", "x.toml:3:1: warning: this route is never reached: x.toml:1 takes", ""),
    ("[[route]]\nmatch=['a=b']\nchannel = \"#x\"\n[[route]]\nmatch=['a=b']\nchannel = \"#x\"", "x.toml:4:1: mistake: the same route stands in x.toml:1", ""),
    ("[unrouted]\nchanel = \"#x\"", "x.toml:2:1: mistake: `chanel` is not a key of [unrouted]", "channel"),
];

#[test]
fn each_mistake_is_told_once_with_its_place_its_cause_and_the_nearest_word() {
    let env = [("T", "t0ken-t0ken-t0ken"), ("SHORT", "t0ken"), ("DAMAGED", "whsec_no-base64-no-base64")];
    assert_eq!(found(&[("sound.toml", SOUND)], &env).all, []);
    let mut failed = String::new();
    for (wrong, expected, nearest) in WRONG {
        let mistakes = found(&[("sound.toml", SOUND), ("x.toml", wrong)], &env);
        let text = mistakes.to_string();
        let once = matches!(mistakes.all.as_slice(), [mistake]
            if mistake.nearest.as_deref().unwrap_or_default() == *nearest && !mistake.remedy.is_empty());
        if !once || !text.starts_with(expected) || !text.contains('^') {
            let _ = write!(failed, "{wrong}\nshould say, once: {expected} ({nearest})\n{text}\n\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn a_terminal_is_not_commanded_by_what_a_file_says() {
    let wrong = "[person.ben]\ntimezone = \"\\u001b[2J\\n\"\nlocale = \"\\u0007\"\n";
    let text = found(&[("x.toml", wrong)], &[]).to_string();
    assert!(text.contains("no time zone `·[2J·`"), "{text}");
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text}");
}

#[test]
fn a_mistake_shows_its_line() {
    let text = found(
        &[("sound.toml", SOUND), ("oncall.toml", "[team.dev]\n# é\nmembers = [\"ana\", \"anna\"]\n")],
        &[],
    )
    .to_string();
    insta::assert_snapshot!(text, @r###"
    oncall.toml:3:19: mistake: there is no person `anna`
     3 | members = ["ana", "anna"]
       |                   ^^^^^^ did you mean `ana`?
       = people are `ana`; a new one begins with [person.NAME]
    "###);
}

#[test]
fn all_mistakes_are_told_at_once_and_a_broken_file_hides_no_other() {
    let text = found(
        &[
            (
                "a.toml",
                "[person.ana]\ncontacts = { hook = \"https://h\" }\n[person.ben\nname = \"Ben\"\n[team.ops]\nmembers = [\"ana\", \"ben\"]\n",
            ),
            ("b.toml", "[team.dev]\nmembers = [\"ana\", \"ben\", \"cho\"]\n[server]\nlissen = \"x\"\n"),
        ],
        &[],
    );
    let lines: Vec<String> = text.all.iter().map(|m| format!("{}:{} {}", m.file, m.line, m.what)).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("a.toml:3 this is not TOML"), "{text}");
    assert_eq!(lines[1], "b.toml:2 there is no person `cho`");
    assert_eq!(lines[2], "b.toml:4 `lissen` is not a key of [server]");
}

/// Every value that must never be seen, in places where it is shown if anything is.
const SECRETS: &str = r#"
[server]
signing_key = "S3CRET-a"
data_dirr = "x"
[api]
tokens = [{ persn = "ana", token = "S3CRET-b" }, { person = "anna", token = "S3CRET-c" }]
[slack]
app_token = "S3CRET-d"
bot_tokn = "S3CRET-e"
[discord]
token = "S3CRET-f f"
[mail]
smtp = "smtps://S3CRET-g:S3CRET-h@mail.example.com"
from = "x"
[alive]
url = "ftp://hc.example.com/S3CRET-i"
[person.ben]
contacts = { hook = "ftp://h.example.com/S3CRET-j", push = "ntfy:https://n.example.com/S3CRET-k/", phone = "tel:+S3CRET-l" }
[person.cho]
contact = { hook = "https://h.example.com/S3CRET-m" }
[environment.production]
q = { url = "http://h.example.com/S3CRET-n", tokken = "S3CRET-o", password = { env = "P", optionl = true } }
[integration.prom]
token = "S3CRET-q"
[integration.broken]
token = "S3CRET-r
kind = "alertmanager"
"#;

#[test]
fn no_secret_and_no_address_is_shown_in_a_mistake() {
    let mistakes = found(&[("sound.toml", SOUND), ("x.toml", SECRETS)], &[("P", "S3CRET-p")]);
    let text = format!("{mistakes}{mistakes:#}{mistakes:?}");
    assert!(mistakes.all.len() > 12, "{mistakes}");
    assert!(!text.contains("S3CRET"), "{mistakes}");
    assert!(text.contains("•••"), "{mistakes}");
}

#[test]
fn no_secret_is_shown_by_settings_and_all_of_them_arrive() {
    let extra = r#"
[server]
signing_key = { env = "S" }
[api]
tokens = [{ person = "ana", token = { env = "S" } }]
[slack]
app_token = { env = "S" }
bot_token = { env = "S" }
[discord]
token = { env = "S" }
[mail]
smtp = "smtps://watchbell@mail.example.com"
password = { env = "S" }
from = "Watchbell <w@example.com>"
[alive]
url = { env = "U" }
[person.ben]
contacts = { hook = { env = "U" }, push = { env = "N" }, mail = "mailto:S3CRET@example.com", phone = "tel:+34600999", pager = { pagerduty = { env = "K" } }, gone = { env = "X", optional = true } }
urgent = ["5m: mail, gone", "now: gone", "1m: push"]
[environment.production]
q = { url = { env = "U" }, token = { env = "S" } }
[integration.x]
kind = "alertmanager"
token = { env = "S" }
"#;
    let env = |name: &str| match name {
        "S" => Some("S3CRET-S3CRET-S3CRET".to_owned()),
        "U" => Some("https://h.example.com/S3CRET".to_owned()),
        "N" => Some("ntfy:https://n.example.com/base/S3CRET".to_owned()),
        "K" => Some("S3CRET00S3CRET00S3CRET00S3CRET00".to_owned()),
        _ => None,
    };
    let (read, mistakes) = read(&sources(&[("sound.toml", SOUND), ("x.toml", extra)]), None, &env, true);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let (config, settings) = read.unwrap();
    let shown = format!("{settings:?}{settings:#?}{config:?}");
    assert!(!shown.contains("S3CRET") && !shown.contains("600999"), "{shown}");
    let address = |contact: &str| &settings.addresses[&("ben".into(), contact.into())];
    assert!(matches!(address("hook"), Address::Hook(url) if url.path() == "/S3CRET"));
    assert!(matches!(address("push"), Address::Ntfy { server, topic }
        if server.as_str() == "https://n.example.com/base/" && topic == "S3CRET"));
    assert_eq!(format!("{:?}", address("push")), "ntfy(n.example.com/…)");
    assert!(matches!(address("chat"), Address::Chat));
    assert!(matches!(address("pager"), Address::PagerDuty(key) if key.expose().starts_with("S3CRET00")));
    assert_eq!(format!("{:?}", address("pager")), "pagerduty");
    let ben = &config.people["ben"];
    let rules: Vec<String> =
        ben.urgent.iter().map(|rule| format!("{:?} {:?}", rule.after, rule.contacts)).collect();
    assert_eq!(rules, [r#"1m ["push"]"#, r#"5m ["mail"]"#]);
    assert!(settings.integration_tokens["prom"].is_none());
    assert!(settings.integration_tokens["x"].is_some());
}

#[test]
fn beyond_this_machine_a_token_is_needed_and_what_is_open_is_said() {
    let open = "[server]\nlisten = \"0.0.0.0:8080\"\n[api]\ntokens = [{ person = \"ana\", token = { env = \"T\" } }]\n";
    let mistakes = found(&[("sound.toml", SOUND), ("x.toml", open)], &[("T", "t0ken-t0ken-t0ken")]);
    assert_eq!(mistakes.summary(), "2 warnings", "{mistakes}");
    assert!(
        mistakes.to_string().contains("only callers on this machine can send alerts to `prom`"),
        "{mistakes}"
    );
    let proxied = open.replace("listen = \"0.0.0.0:8080\"", "public_url = \"https://bell.example.com\"");
    let mistakes = found(&[("sound.toml", SOUND), ("x.toml", &proxied)], &[("T", "t0ken-t0ken-t0ken")]);
    assert_eq!(mistakes.summary(), "1 warning", "{mistakes}");
    assert!(
        mistakes.to_string().contains("only callers on this machine can send alerts to `prom`"),
        "{mistakes}"
    );
    let (_, settings) = settings(&[("sound.toml", SOUND)], &nothing);
    assert!(settings.may_listen("[::1]:80".parse().unwrap()).is_ok());
    assert!(settings.may_listen("10.0.0.1:80".parse().unwrap()).is_err());
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080/");
}

#[test]
fn whom_nothing_reaches_is_named_whatever_will_be_sent_one_day() {
    let env = [("T", "t0ken-t0ken-t0ken")];
    for (person, expected) in [
        ("slack = \"U1\"", "is only reached while a terminal console is open"),
        ("discord = \"1\"", "is only reached while a terminal console is open"),
        ("contacts = { m = \"mailto:b@e.org\" }", "nothing is configured that sends to their contacts"),
        ("contacts = { m = \"tel:+34600000001\" }", "nothing is configured that sends to their contacts"),
    ] {
        let ben = format!("[person.ben]\n{person}\n[policy.p]\nsteps = [{{ page = [\"person:ben\"] }}]\n");
        let text = found(&[("sound.toml", SOUND), ("x.toml", &ben)], &env).to_string();
        assert!(text.contains(expected), "{person}: {text}");
        let connected = "[mail]\nsmtp = \"smtps://mail.example.com\"\nfrom = \"a@b.org\"\n[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\n[discord]\ntoken = { env = \"T\" }\n";
        let text =
            found(&[("sound.toml", SOUND), ("x.toml", &format!("{connected}{ben}"))], &env).to_string();
        assert_eq!(text.contains(expected), person.contains("tel:"), "{person}: {text}");
    }
}

#[test]
fn what_sends_nothing_yet_is_checked_all_the_same() {
    let env = [("T", "t0ken-t0ken-t0ken")];
    for (wrong, expected) in [
        ("[slack]\napp_token = { env = \"T\" }", "x.toml:1:2: mistake: `slack` has no `bot_token`"),
        (
            "[discord]\ntoken = { env = \"T\" }\nguild = \"home\"",
            "x.toml:3:9: mistake: this is not the id of a Discord server",
        ),
        (
            "[discord]\ntoken = { env = \"T\" }\ncategory = \"5\"",
            "x.toml:3:12: mistake: rooms are made in one Discord server, and none is named",
        ),
        (
            "[discord]\ntoken = { env = \"T\" }\nguild = \"5\"\nthreads_in = \"x\"",
            "x.toml:4:14: mistake: this is not the id of a Discord channel",
        ),
        (
            "[discord]\ntoken = { env = \"T\" }\nguild = \"5\"\nthreads_in = \"6\"\narchive = \"7\"",
            "x.toml:5:11: mistake: rooms are threads of `discord.threads_in`",
        ),
        (
            "[discord]\ntoken = { env = \"T\" }\nguild = \"5\"\ncategory = \"6\"\narchive = \"6\"",
            "x.toml:5:11: mistake: rooms would be moved to where they are already",
        ),
        (
            "[discord]\ntoken = { env = \"T\" }\nguild = \"5\"\narchiv = \"6\"",
            "x.toml:4:1: mistake: `archiv` is not a key of [discord]",
        ),
        ("[mail]\nsmtp = \"mail\"\nfrom = \"a@b\"", "x.toml:2:8: mistake: `mail.smtp` is not a URL"),
    ] {
        let text = found(&[("sound.toml", SOUND), ("x.toml", wrong)], &env).to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn an_integration_has_the_limit_that_is_written() {
    let extra = "[integration.x]\nkind = \"alertmanager\"\nlimit = 600\n";
    let (_, settings) = settings(&[("sound.toml", SOUND), ("x.toml", extra)], &nothing);
    let limits: Vec<_> =
        settings.integration_limits.iter().map(|(id, limit)| (id.as_str(), limit.get())).collect();
    assert_eq!(limits, [("x", 600)]);
}

#[test]
fn the_example_is_what_the_design_says() {
    let loaded = load(None, &nothing).unwrap();
    assert_eq!(loaded.warnings, []);
    let config = &loaded.config;
    let unresolved = |severity: &str| {
        let rules = &config.severities[severity].unresolved;
        rules.iter().map(|(after, page)| format!("{} {page}", after.as_secs() / 60)).collect::<Vec<_>>()
    };
    assert_eq!(unresolved("P0"), ["30 engineering", "120 management"]);
    assert_eq!(unresolved("P1"), ["60 engineering"]);
    let within: Vec<i64> =
        config.severities.values().map(|s| s.acknowledge_within.unwrap().as_secs() / 60).collect();
    assert_eq!(within, [15, 60, 240, 1440]);
    assert!(loaded.settings.api_tokens.is_empty() && loaded.settings.alive.is_none());
    assert_eq!(loaded.settings.listen, LISTEN);
    assert_eq!(config.digest.len(), 64);
    // Without any severity the same ones apply, and page nobody by themselves.
    let defaults = settings(&[("sound.toml", SOUND)], &nothing).0.severities;
    assert_eq!(defaults.keys().map(SeverityId::as_str).collect::<Vec<_>>(), ["P0", "P1", "P2", "P3"]);
    for (id, default) in defaults {
        let written = &config.severities[&id];
        assert_eq!((&default.name, default.urgency), (&written.name, written.urgency));
        assert!(!default.labels.is_empty() && default.acknowledge_within == written.acknowledge_within);
        assert!(default.page.is_none() && default.update_every.is_none() && default.unresolved.is_empty());
    }
}

#[test]
fn a_route_keeps_its_id_when_it_moves_and_the_digest_sees_every_change() {
    let one = "[[route]]\nmatch = ['a=b']\nchannel = \"#x\"\n";
    let two = "[[route]]\nmatch = ['c=d']\nchannel = \"#x\"\n";
    let ids = |text: &str| {
        let (config, _) = settings(&[("sound.toml", SOUND), ("x.toml", text)], &nothing);
        let ids: Vec<String> = config.routes.iter().map(|route| route.id.to_string()).collect();
        (ids, config.digest)
    };
    let (forward, digest) = ids(&format!("{one}{two}"));
    let (mut backward, other) = ids(&format!("{two}{one}"));
    backward.reverse();
    assert_eq!(forward, backward);
    assert!(forward[0].starts_with("r-") && forward[0].len() == 10);
    assert_ne!(digest, other);
}

#[test]
fn a_folder_is_read_from_disk_and_its_faults_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |dir: &Path| load(Some(dir), &nothing).unwrap_err().to_string();
    assert!(told(&folder.path().join("none")).contains("cannot be read"));
    assert!(told(folder.path()).contains("has no *.toml file"));
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.toml", SOUND.as_bytes());
    write("key", b"k3y-k3y-k3y-k3y-k3y\n");
    write("server.toml", b"[server]\nsigning_key = { file = \"key\" }\n");
    let loaded = load(Some(folder.path()), &nothing).unwrap();
    assert_eq!(loaded.settings.signing_key.unwrap().expose_secret(), "k3y-k3y-k3y-k3y-k3y");
    write("b.toml", b"# \xff\n");
    write("c.toml", b"[team.x]\nmembers = [\"who\"]\ncolour = 1\n");
    let text = told(folder.path());
    assert!(text.contains("b.toml: mistake: this file cannot be read: byte 2 is not UTF-8"), "{text}");
    assert!(text.contains("c.toml:3:1: mistake: `colour`"), "{text}");
    // Whoever is unknown may stand in the file that could not be read.
    assert!(!text.contains("who` "), "{text}");
}

mod damage {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Vec<Source> {
        source::read(None).0
    }

    /// Reads damaged files and shows what was found; nothing of it may panic.
    fn survives(files: &[Source]) {
        let (_, mistakes) = read(files, None, &nothing, true);
        let mistakes = Mistakes { all: mistakes };
        let _ = format!("{mistakes}{mistakes:#}{}", mistakes.summary());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_damaged_example_is_never_a_panic(
            file in 0_usize..4,
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[\\[\\]{}\"'=.,#a-z0-9é \n•\t\r-]{0,6}"), 1..4),
        ) {
            let mut files = example();
            let text = &mut files[file].text;
            for (at, length, new) in cuts {
                let floor = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1; } at };
                let from = floor(at.index(text.len() + 1));
                let to = floor((from + length).min(text.len()));
                text.replace_range(from..to.max(from), &new);
            }
            survives(&files);
        }

        #[test]
        fn shuffled_lines_are_never_a_panic(order in any::<prop::sample::Index>(), step in 1_usize..50) {
            let mut files = example();
            for file in &mut files {
                let lines: Vec<&str> = file.text.lines().filter(|line| !line.starts_with('#')).collect();
                let start = order.index(lines.len());
                file.text = (0..lines.len()).map(|i| lines[(start + i * step) % lines.len()]).collect::<Vec<_>>().join("\n");
            }
            survives(&files);
        }

        #[test]
        fn any_text_is_never_a_panic(text in "\\PC{0,200}", part in "[a-z\\[\\]={}\"\n.]{0,120}") {
            survives(&sources(&[("a.toml", &text), ("b.toml", &part)]));
        }
    }
}

#[test]
fn chat_means_every_account_of_a_person_and_the_terminal_for_whoever_has_none() {
    let text = "[slack]\napp_token = { env = \"T\" }\nbot_token = { env = \"T\" }\nincident_rooms = \"private\"\n\
                [discord]\ntoken = { env = \"T\" }\nincident_rooms = \"none\"\nstrangers = \"nothing\"\n\
                [person.ben]\nslack = \"U1\"\ndiscord = \"2\"\nurgent = [\"now: chat\"]\n\
                [person.chi]\nurgent = [\"now: chat\"]\n";
    let env = |_: &str| Some("t0ken-t0ken-t0ken".to_owned());
    let (config, settings) = settings(&[("sound.toml", SOUND), ("x.toml", text)], &env);
    let contacts = |person: &str| format!("{:?}", config.people[person].urgent[0].contacts);
    assert_eq!(contacts("ben"), r#"["slack", "discord"]"#);
    assert_eq!(contacts("chi"), r#"["chat"]"#);
    assert_eq!(settings.addresses[&("ben".into(), "slack".into())], Address::Slack("U1".into()));
    let rooms = |channel| config.platforms[&channel].map(|rule: RoomRule| rule.private);
    assert_eq!((rooms(Channel::Slack), rooms(Channel::Discord)), (Some(true), None));
    assert_eq!(
        config.strangers,
        [(Channel::Slack, Strangers::Look), (Channel::Discord, Strangers::Nothing)].into()
    );
}

#[test]
fn planned_maintenance_has_hours_or_a_cron_that_says_how_long() {
    let whole = |when: &str| {
        format!("{SOUND}[[maintenance]]\nmatch = ['service=\"a\"']\ncomment = \"copies\"\n{when}\n")
    };
    let begin = SOUND.lines().count() + 1;
    for when in [
        "only = [\"Sun 02:00-04:00\"]",
        "cron = \"0 2 * * SUN\"\nlasts = \"2h\"\ntimezone = \"Europe/Madrid\"",
    ] {
        let all = found(&[("a.toml", &whole(when))], &[]).all;
        assert!(all.iter().all(|one| one.gravity != Gravity::Mistake), "{when}: {all:?}");
    }
    for (when, line, sentence) in [
        ("", 0, "this maintenance never begins"),
        ("only = []", 3, "this maintenance never begins"),
        ("only = [\"Sun\"]", 3, "`Sun` is not a restriction"),
        ("cron = \"0 2 * * SUN\"", 3, "it is not said how long it lasts"),
        ("lasts = \"2h\"", 3, "`lasts` is only for a maintenance with `cron`"),
        ("only = [\"Sun 02:00-04:00\"]\nlasts = \"2h\"", 4, "`lasts` is only for a maintenance with `cron`"),
        ("only = [\"Sun 02:00-04:00\"]\ncron = \"0 2 * * SUN\"\nlasts = \"2h\"", 4, "both hours and a cron"),
        ("cron = \"0 2 * * SUNDAYS\"\nlasts = \"2h\"", 3, "is not a cron expression"),
        ("cron = \"0 0 30 2 *\"\nlasts = \"2h\"", 3, "`0 0 30 2 *` never comes"),
        ("cron = \"* 2 * * SUN\"\nlasts = \"1h\"", 3, "comes again after 1m already"),
        ("lasts = \"32d\"\ncron = \"0 2 * * SUN\"", 3, "must be from 1m to 31d"),
    ] {
        let all = found(&[("a.toml", &whole(when))], &[]).all;
        let mistakes: Vec<_> = all.iter().filter(|one| one.gravity == Gravity::Mistake).collect();
        let [one] = mistakes[..] else { panic!("{when}: {all:?}") };
        assert!(one.what.contains(sentence), "{when}: {one:?}");
        assert_eq!(one.line, begin + line, "{when}: {one:?}");
    }
}
