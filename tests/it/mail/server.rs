//! A real mail server (aiosmtpd) beside Watchbell, and a small authority for its certificate. `scripts/mailserver`
//! installs it. Never sends anything beyond this machine.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::peer::{
    SOON, ports,
    process::{Process, until},
};

/// The user and the password that the server knows.
pub const LOGIN: (&str, &str) = ("watchbell", "s3cret-smtp-password");

pub struct MailServer {
    pub port: u16,
    folder: PathBuf,
    _process: Process,
}

/// Where its program is.
fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/aiosmtpd/bin/python")
}

impl MailServer {
    /// With STARTTLS and a login, both required; `more` are further flags of `server.py`.
    pub fn secure(folder: &Path, more: &[&str]) -> Self {
        authority(folder);
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let mut flags = vec!["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()];
        flags.extend(["--login", LOGIN.0, LOGIN.1]);
        flags.extend(more);
        Self::start(folder, &flags)
    }

    /// Starts it and waits until it answers.
    pub fn start(folder: &Path, flags: &[&str]) -> Self {
        let port = ports::free();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail/server.py");
        let mut command = Command::new(python());
        command.arg(script).arg(port.to_string()).arg(folder).args(flags);
        let process = Process::start(&mut command, &folder.join("mailserver.log"))
            .unwrap_or_else(|error| panic!("{error}: scripts/mailserver installs the mail server"));
        let up = until(SOON, || TcpStream::connect(("127.0.0.1", port)).ok());
        assert!(up.is_some(), "the mail server is not up:\n{}", process.tail());
        Self { port, folder: folder.to_path_buf(), _process: process }
    }

    /// Everything that it was sent, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let text = fs::read_to_string(self.folder.join("mails.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).map(Mail).collect()
    }

    /// Waits for so many.
    pub fn wait(&self, many: usize) -> Vec<Mail> {
        let found = until(SOON, || Some(self.mails()).filter(|mails| mails.len() >= many));
        found.unwrap_or_else(|| panic!("{} mails came, not {many}", self.mails().len()))
    }
}

/// One mail as Python's own library reads it.
pub struct Mail(pub Value);

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let headers = self.0["headers"].as_array().expect("headers");
        let found: Vec<&Value> = headers.iter().filter(|one| one[0] == name).collect();
        assert!(found.len() <= 1, "{name} stands there twice");
        found.first().and_then(|one| one[1].as_str()).unwrap_or_default()
    }

    pub fn body(&self, kind: &str) -> &str {
        self.0["bodies"][kind].as_str().unwrap_or_default()
    }

    /// Every address that the HTML leads to.
    pub fn links(&self) -> Vec<String> {
        let html = self.body("text/html");
        html.split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(ToOwned::to_owned)
            .collect()
    }
}

/// `ca.pem`, and `cert.pem` with `key.pem`, which it signed for this machine.
fn authority(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let out = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let ca = ["req", "-x509", "-days", "30", "-subj", "/CN=Authority of the test"];
    openssl(&[&ca[..], &key[..], &["-keyout", "ca.key", "-out", "ca.pem"][..]].concat());
    let asked = ["req", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "asked.pem"];
    openssl(&[&asked[..], &key[..]].concat());
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("a file");
    let signed = ["x509", "-req", "-in", "asked.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(&[&signed[..], &["-days", "30", "-extfile", "names", "-out", "cert.pem"][..]].concat());
}
