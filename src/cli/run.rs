//! `watchbell run`: one command, its answer, an exit code that a script can use. Never runs anything itself: a running
//! server does.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use secrecy::SecretString;

use super::{
    Common, clean,
    client::{Client, Failure, Place, Reply},
    environment, on_runtime,
};

/// Where the server is and who calls it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Reach {
    /// Who you are, for the local operator of a server without tokens.
    #[arg(long = "as", value_name = "PERSON")]
    pub person: Option<String>,
    /// The address of the server; without it, `[server] listen` of the configuration.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Your token; better in the environment: `WATCHBELL_TOKEN`.
    #[arg(long, value_name = "TOKEN", hide_default_value = true)]
    pub token: Option<String>,
}

impl Reach {
    /// The client; what is worth knowing about how it was found goes to the standard error output.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn client(&self, common: &Common) -> Result<Client, String> {
        let place = match &self.server {
            Some(server) => Place::named(server)?,
            None => {
                let (place, warning) = Place::configured(common.config_dir().as_deref());
                if let Some(warning) = warning {
                    say(&format!("watchbell: {warning}"));
                }
                place
            }
        };
        let token = self.token.clone().or_else(|| environment("WATCHBELL_TOKEN"));
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Client::new(place, token.map(SecretString::from), self.person.clone())
    }
}

/// What `watchbell run` is given.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunArgs {
    /// Where the server is, and who calls.
    #[command(flatten)]
    pub reach: Reach,
    /// The channel in which the command is written.
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<String>,
    /// Print the answer's cards as JSON.
    #[arg(long)]
    pub json: bool,
    /// The command: '/incident open P1 database is down'.
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// It was done.
pub const DONE: u8 = 0;
/// It was refused, or not even sent because it was called wrongly; nothing has changed.
pub const REFUSED: u8 = 1;
/// The server is not there.
pub const NOT_THERE: u8 = 2;

/// Runs a command on the server. Exits 0 when it was done, 1 when it was refused, 2 when the server is not there.
#[must_use]
pub fn run(common: &Common, args: &RunArgs) -> ExitCode {
    let client = match args.reach.client(common) {
        Ok(client) => client,
        Err(why) => {
            say(&format!("watchbell: {why}"));
            return ExitCode::from(REFUSED);
        }
    };
    on_runtime(ask(&client, args))
}

async fn ask(client: &Client, args: &RunArgs) -> ExitCode {
    let result = client.command(&sentence(&args.command), args.channel.as_deref()).await;
    let (code, out, err) = outcome(result, args.json);
    if !err.is_empty() {
        say(&err);
    }
    if !out.is_empty() && writeln!(io::stdout().lock(), "{out}").is_err() {
        // Whoever read the answer is gone; what was done stays done.
        say("watchbell: the answer could not be printed");
    }
    ExitCode::from(code)
}

/// Exit code, and what goes to the standard output and to the standard error output.
fn outcome(result: Result<Reply, Failure>, json: bool) -> (u8, String, String) {
    match result {
        Ok(reply) => {
            let code = if reply.ok { DONE } else { REFUSED };
            let shown = if json {
                clean::json(&serde_json::to_string_pretty(&reply.cards).unwrap_or_default())
            } else {
                clean::lines(&reply.text)
            };
            (code, shown, String::new())
        }
        Err(failure) => {
            let code = if failure.is_absence() { NOT_THERE } else { REFUSED };
            (code, String::new(), format!("watchbell: {failure}"))
        }
    }
}

/// One word is the whole command; several are put together, those with blanks in quotes.
fn sentence(words: &[String]) -> String {
    if let [whole] = words {
        return whole.clone();
    }
    let quoted = |word: &String| {
        let bare = !word.is_empty() && !word.contains(char::is_whitespace);
        if bare || word.contains('"') { word.clone() } else { format!("\"{word}\"") }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A line for people, beside what is printed for programs. Nobody may be there to read it.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, header, method, path},
    };

    use super::*;

    async fn answer(status: u16, body: serde_json::Value, json: bool) -> (u8, String, String) {
        let server = MockServer::start().await;
        let response = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(method("POST"))
            .and(path("/api/v1/commands"))
            .and(header("authorization", "Bearer secret"))
            .and(body_json(json!({"text": "/ack G-1", "person": "ana", "channel": "#ops"})))
            .respond_with(response)
            .mount(&server)
            .await;
        let place = Place::named(&server.uri()).unwrap();
        let client = Client::new(place, Some("secret".to_owned().into()), Some("ana".to_owned())).unwrap();
        outcome(client.command("/ack G-1", Some("#ops")).await, json)
    }

    #[tokio::test]
    async fn the_exit_code_says_whether_it_was_done() {
        let done = json!({"ok": true, "text": "Taken\u{1b}[31m.", "cards": [{"title": "Taken."}]});
        let (code, out, err) = answer(200, done.clone(), false).await;
        assert_eq!((code, out.as_str(), err.as_str()), (0, "Taken[31m.", ""));

        let (code, out, _) = answer(200, done, true).await;
        let cards: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, cards), (0, json!([{"title": "Taken.", "tone": "plain"}])));

        let refused = json!({"ok": false, "text": "There is no group G-1.", "cards": []});
        let (code, out, err) = answer(200, refused, false).await;
        assert_eq!((code, out.as_str(), err.as_str()), (1, "There is no group G-1.", ""));
    }

    #[tokio::test]
    async fn problems_are_refusals_and_a_server_that_cannot_is_not_there() {
        let problem = json!({"title": "Who calls is not known", "detail": "nobody has this token",
            "status": 401, "remedy": "Send your token"});
        let (code, out, err) = answer(401, problem, false).await;
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("nobody has this token") && err.contains("WATCHBELL_TOKEN"), "{err}");
        assert!(!err.contains("secret"), "{err}");

        let busy = json!({"title": "Not now", "detail": "the server is stopping", "status": 503});
        assert_eq!(answer(503, busy, false).await.0, 2);

        let (code, _, err) = answer(404, json!("not found"), false).await;
        assert_eq!(code, 2);
        assert!(err.contains("is not Watchbell's API"), "{err}");
        assert_eq!(answer(200, json!({"welcome": 1}), false).await.0, 2);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_with_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let client = Client::new(Place::named(&address.to_string()).unwrap(), None, None).unwrap();
        let (code, _, err) = outcome(client.command("/help", None).await, false);
        assert_eq!(code, 2);
        for part in [&*address.to_string(), "connection refused", "watchbell serve", "--server"] {
            assert!(err.contains(part), "{part} is missing in {err}");
        }
    }

    #[test]
    fn words_of_a_shell_make_a_command() {
        let words = |words: &[&str]| sentence(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(words(&["/incident open P1 it's down"]), "/incident open P1 it's down");
        assert_eq!(words(&["/page", "ana", "two words"]), "/page ana \"two words\"");
        assert_eq!(words(&["/ack", "G-1"]), "/ack G-1");
    }
}
