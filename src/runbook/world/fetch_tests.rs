//! Requests against a server of the test: what is shared, counted, followed and refused. Never leaves this machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use super::*;
use crate::config::{Budget, Environment, SecretUrl};

const MANNER: Manner = Manner { timeout: Duration::from_secs(10), fresh: Duration::ZERO };

fn reach(server: &MockServer, budget: Option<Budget>) -> Reach {
    let service = Service {
        url: SecretUrl::new(server.uri().parse().unwrap()),
        token: Some("s3cret-token".to_owned().into()),
        user: None,
        password: None,
        budget,
    };
    let services = [("qflow".to_owned(), service)].into();
    Reach::new(&Environment { default: true, services, ..Environment::default() }, &[])
}

fn get(server: &MockServer, path: &str) -> Request {
    Request::get(format!("{}{path}", server.uri()).parse().unwrap())
}

#[tokio::test]
async fn an_answer_has_its_fields_and_the_token_goes_out_and_never_comes_back() {
    let server = MockServer::start().await;
    let echo = |request: &wiremock::Request| {
        let token = request.headers.get("authorization").unwrap().to_str().unwrap().to_owned();
        ResponseTemplate::new(207)
            .insert_header("x-token", &*token)
            .set_body_json(json!({"token": token, "n": 1}))
    };
    Mock::given(matchers::any()).respond_with(echo).mount(&server).await;
    let (fetch, reach) = (Fetch::new().unwrap(), reach(&server, None));
    let secrets = Secrets::new(reach.secrets());
    let found = fetch.step(get(&server, "/x"), &reach, &secrets, MANNER).await.unwrap();
    assert_eq!((&found.fields["status"], &found.fields["json"]["n"]), (&json!(207), &json!(1)));
    assert_eq!(found.fields["json"]["token"], "Bearer •••", "it was sent, and is covered");
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
}

#[tokio::test]
async fn redirects_stay_on_their_service() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let to = |place: String| ResponseTemplate::new(302).insert_header("location", &*place);
    let on = |path: &'static str, response| Mock::given(matchers::path(path)).respond_with(response);
    on("/near", to("/there".into())).mount(&server).await;
    on("/there", ResponseTemplate::new(200).set_body_string("here")).mount(&server).await;
    on("/far", to(format!("{}/x", elsewhere.uri()))).mount(&server).await;
    on("/cloud", to("http://169.254.169.254/latest".into())).mount(&server).await;
    on("/circle", to("/circle".into())).mount(&server).await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    let (fetch, reach) = (Fetch::new().unwrap(), reach(&server, None));
    let ask = async |path: &str| fetch.ask(get(&server, path), &reach, MANNER).await;
    assert_eq!(ask("/near").await.unwrap().body, "here");
    for path in ["/far", "/cloud"] {
        let Err(Fault::NotAllowed(why)) = ask(path).await else { panic!("{path}") };
        assert!(why.contains("not followed") && !why.contains("latest"), "{why}");
    }
    assert!(matches!(ask("/circle").await, Err(Fault::Unknown(_))));
    let post = Request { method: "POST".into(), ..get(&server, "/near") };
    assert_eq!(fetch.ask(post, &reach, MANNER).await.unwrap().status, 302, "a change is not sent on");
}

#[tokio::test]
async fn who_asks_the_same_at_the_same_time_shares_one_answer_and_a_change_is_never_shared() {
    let server = MockServer::start().await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let answer = move |_: &wiremock::Request| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        ResponseTemplate::new(200).set_body_string(number.to_string()).set_delay(Duration::from_millis(20))
    };
    Mock::given(matchers::any()).respond_with(answer).mount(&server).await;
    let (fetch, reach) = (Fetch::new().unwrap(), reach(&server, None));
    let fresh = Manner { fresh: Duration::from_mins(5), ..MANNER };
    let asks = (0..50).map(|_| fetch.ask(get(&server, "/health"), &reach, fresh));
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.unwrap().body, "0");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(fetch.ask(get(&server, "/health"), &reach, MANNER).await.unwrap().body, "1", "asked anew");
    let post = || Request { method: "POST".into(), ..get(&server, "/health") };
    for number in ["2", "3"] {
        assert_eq!(fetch.ask(post(), &reach, fresh).await.unwrap().body, number);
    }
}

#[tokio::test]
async fn a_service_is_asked_no_more_often_than_it_allows() {
    let server = MockServer::start().await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).expect(3).mount(&server).await;
    let budget = Budget { requests: 3, within: Duration::from_mins(15) };
    let (fetch, reach) = (Fetch::new().unwrap(), reach(&server, Some(budget)));
    for number in 0..3 {
        fetch.ask(get(&server, &format!("/{number}")), &reach, MANNER).await.unwrap();
    }
    let Err(Fault::Unknown(why)) = fetch.ask(get(&server, "/more"), &reach, MANNER).await else { panic!() };
    assert!(why.contains("takes 3 requests in 15m") && why.contains("again in"), "{why}");
}

#[tokio::test]
async fn a_flood_is_cut_and_silence_has_an_end() {
    let server = MockServer::start().await;
    let flood = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 10_000_000]);
    Mock::given(matchers::path("/flood")).respond_with(flood).mount(&server).await;
    let silence = ResponseTemplate::new(200).set_delay(Duration::from_mins(10));
    Mock::given(matchers::path("/silence")).respond_with(silence).mount(&server).await;
    let (fetch, reach) = (Fetch::new().unwrap(), reach(&server, None));
    let found = fetch.step(get(&server, "/flood"), &reach, &Secrets::default(), MANNER).await.unwrap();
    assert!(found.shown.len() <= OUTPUT && found.cut > 9_000_000, "{} {}", found.shown.len(), found.cut);
    let short = Manner { timeout: Duration::from_millis(50), ..MANNER };
    assert!(matches!(fetch.ask(get(&server, "/silence"), &reach, short).await, Err(Fault::TimedOut(_))));
    let gone = Request::get("http://127.0.0.1:1/s3cret-path".parse().unwrap());
    assert!(matches!(fetch.ask(gone, &reach, MANNER).await, Err(Fault::NotAllowed(_))));
}
