//! Explanations and simulations over HTTP: what is asked is answered with its reasons, and what cannot be read is named.

use super::*;

#[tokio::test]
async fn an_alert_is_explained_while_it_fires_and_after_it_ended() {
    let server = Server::start("").await;
    server.fire("Down", "web").await;
    let told = server.json("/api/v1/alerts/A-1/explain?as=ana").await;
    assert_eq!(told["alert"]["id"], "A-1");
    assert_eq!(told["labels"]["service"], "web");
    assert_eq!(told["routes"][0]["verdict"], "takes");
    assert_eq!(told["routes"][0]["policy"], "web");
    assert_eq!(told["routes"][1]["verdict"], "not_tried");
    assert_eq!(told["groups"][0]["id"], "G-1");
    let step = &told["groups"][0]["pages"][0]["steps"][0];
    assert_eq!(
        (&step["people"][0]["person"], &step["people"][0]["because"]),
        (&json!("ana"), &json!("person:ana"))
    );
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("Times are in Europe/Madrid") && text.contains("pages ana (person:ana)"), "{text}");

    server.resolve("Down", "web").await;
    let told = server.json("/api/v1/alerts/A-1/explain").await;
    assert!(told["alert"]["ended"]["at"].is_string(), "{told}");
    assert_eq!(told["groups"][0]["pages"][0]["end"]["why"], "resolved");
    let group = server.json("/api/v1/alerts/G-1/explain").await;
    assert_eq!((&group["alert"]["id"], &group["alert"]["of_group"]), (&json!("A-1"), &json!(true)));
    for id in ["A-99", "G-99", "x", "INC-1", "%C3%A4"] {
        problem(server.get(&format!("/api/v1/alerts/{id}/explain")).send().await.unwrap(), 404).await;
    }
}

#[tokio::test]
async fn a_simulation_is_answered_and_what_cannot_be_read_is_named() {
    let server = Server::start("").await;
    let ask = async |body: Value| {
        server.request(Method::POST, "/api/v1/simulate").json(&body).send().await.unwrap()
    };
    let told = ask(json!({"labels": "alertname=\"Down\",service=\"web\""})).await;
    assert_eq!(told.status(), StatusCode::OK);
    let told: Value = told.json().await.unwrap();
    assert_eq!((&told["alert"], &told["groups"][0]["joined"]), (&Value::Null, &json!(false)));
    assert_eq!(told["groups"][0]["pages"][0]["steps"][1]["people"][0]["person"], "ben");
    assert_eq!(server.json("/api/v1/alerts").await["items"], json!([]), "nothing fired");

    server.fire("Down", "web").await;
    let told: Value = ask(json!({"labels": "alertname=Down,service=web,pod=b"})).await.json().await.unwrap();
    assert_eq!((&told["groups"][0]["id"], &told["groups"][0]["joined"]), (&json!("G-1"), &json!(true)));
    let at = json!({"labels": "alertname=Down,service=web", "at": "2031-03-30T02:30:00+01:00"});
    let told: Value = ask(at).await.json().await.unwrap();
    assert_eq!(told["groups"][0]["joined"], false, "nobody knows what is open then");
    assert!(told["notes"].to_string().contains("other_instant"), "{told}");

    for (body, field, words) in [
        (json!({"labels": "service=~\"web\""}), "labels", "character 8"),
        (json!({"labels": "service"}), "labels", "`=` is expected"),
        (json!({"labels": "a=b", "at": "soon"}), "at", "is no instant"),
        (json!({"labels": "a=b", "integration": "opne"}), "integration", "there is no integration"),
    ] {
        let problem = problem(ask(body).await, 400).await;
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    problem(ask(json!({"lables": "a=b"})).await, 400).await;
}

#[tokio::test]
async fn gaps_are_listed_and_wrong_questions_refused() {
    let server = Server::start(
        "[schedule.office]\ntimezone = \"Europe/Madrid\"\n[[schedule.office.layer]]\npeople = [\"ben\"]\n\
         start = 2026-01-05\nhandoff = \"weekly Mon 09:00\"\nonly = [\"Mon-Fri 09:00-17:00\"]\n",
    )
    .await;
    let gaps = server.json("/api/v1/oncall/gaps?schedule=office&days=14").await;
    let nobody = gaps["items"].as_array().unwrap().iter().filter(|one| one["what"] == "nobody").count();
    assert!((10..=12).contains(&nobody), "{gaps}");
    let gaps = server.json("/api/v1/oncall/gaps?schedule=primary&days=14").await;
    assert!(gaps["items"].as_array().unwrap().iter().all(|one| one["what"] == "twice"), "{gaps}");
    for query in ["days=0", "days=91", "days=x", "schedule=offise", "day=1"] {
        problem(server.get(&format!("/api/v1/oncall/gaps?{query}")).send().await.unwrap(), 400).await;
    }
}
