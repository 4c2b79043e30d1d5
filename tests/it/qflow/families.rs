//! Who holds the answers of which commands, as the table of Qflow's operations says. Never more for the program on the
//! host than the table gives it.

/// The program on the host, in the words of the tests.
pub const PROGRAM: &str = "the qflow program";

const ECOSYSTEM: &[&str] =
    &["qflow", "squid", "qlock", "qonsent", "qindex", "qerberos", "ipfs", "prometheus"];
const MEASURED: &[&str] = &["prometheus"];
const LOGS: &[&str] = &["elasticsearch"];
const API: &[&str] = &["qflow"];
const BOT: &[&str] = &["watchbell"];
const HOST: &[&str] = &[PROGRAM];
const CLUSTER: &[&str] = &["kubectl", "docker", "systemctl"];

/// The words that a command begins with, and who holds the answer: one of these must be asked. The longest counts.
pub const FAMILIES: &[(&str, &[&str])] = &[
    ("health", ECOSYSTEM),
    ("components", &["qflow", "prometheus"]),
    ("deps", ECOSYSTEM),
    ("sandbox", HOST),
    ("sandbox status", MEASURED),
    ("network", &["ipfs", "prometheus", PROGRAM]),
    ("network status", &["ipfs", "prometheus"]),
    ("network peers", &["ipfs"]),
    ("network stats", MEASURED),
    ("network node-stats", MEASURED),
    ("network connect", &["ipfs"]),
    ("nodes drain", &["kubectl", "docker", "systemctl"]),
    ("metrics", MEASURED),
    ("metrics reset", HOST),
    ("metrics restart", HOST),
    ("performance", MEASURED),
    ("performance baseline-update", HOST),
    ("performance thresholds update", HOST),
    ("capacity", MEASURED),
    ("monitor", MEASURED),
    ("flow", API),
    ("flow backup", HOST),
    ("flow deploy", &["qflow", PROGRAM]),
    ("flow test", HOST),
    ("flow update", &["qflow", PROGRAM]),
    ("flow verify", &["qflow", PROGRAM]),
    ("flow validate", &["qflow", PROGRAM]),
    ("flows", API),
    // How long each took, Qflow's API does not say; what each costs and which are corrupted, only the program knows.
    ("flows list --slow", &["jaeger"]),
    ("flows list --sort-by", &["prometheus", PROGRAM]),
    ("flows list --status corrupted", &["qflow", PROGRAM]),
    ("exec", &["qflow", PROGRAM]),
    ("exec logs", &["qflow", "elasticsearch"]),
    ("state", &["qflow", PROGRAM]),
    ("validation", &["qflow", "prometheus", "qlock", "qonsent", "qindex", "qerberos"]),
    ("cache", API),
    ("cache cleanup", &["qflow", PROGRAM]),
    ("dao", &["qflow", PROGRAM]),
    ("templates", &["qflow", PROGRAM]),
    ("permissions", &["qflow", PROGRAM]),
    ("logs", LOGS),
    ("logs cleanup", &["elasticsearch", PROGRAM]),
    ("debug", HOST),
    ("debug trace", &["jaeger"]),
    ("profile", &["jaeger", PROGRAM]),
    ("alerts", &["watchbell", "alertmanager", "qflow"]),
    ("incident", BOT),
    ("notify", BOT),
    ("notifications", &["watchbell", PROGRAM]),
    ("status", BOT),
    ("support", BOT),
    ("analyze", &["watchbell", "prometheus", "elasticsearch", "squid"]),
    ("deployment", CLUSTER),
    ("hotfix", &["kubectl", "docker", "systemctl", PROGRAM]),
    ("restart", CLUSTER),
    ("scale", CLUSTER),
    ("scaling", &["kubectl", PROGRAM]),
    ("traffic", CLUSTER),
    ("failover", &["kubectl", "docker", "systemctl", PROGRAM]),
    ("gc", &["ipfs", PROGRAM]),
    ("backup", HOST),
    ("restore", HOST),
    ("data", HOST),
    ("db", HOST),
    ("config", HOST),
    ("secrets", HOST),
    ("certificates", HOST),
    ("security", &[PROGRAM, "elasticsearch"]),
    ("auth", HOST),
    ("identity", &["watchbell", PROGRAM]),
    ("user", HOST),
    ("audit", &["watchbell", PROGRAM]),
    ("dr", HOST),
    ("maintenance", &["watchbell", PROGRAM]),
    ("update", HOST),
    ("test", HOST),
    ("emergency", &["watchbell", PROGRAM]),
];
