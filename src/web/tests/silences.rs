//! Silences and maintenance as they are listed: filters, who may look, and what is over.

use super::*;

/// The ids of a list, in its order.
async fn ids(server: &Server, query: &str) -> Vec<String> {
    let list = server.json(&format!("/api/v1/silences{query}")).await;
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn done(server: &Server, text: &str) {
    let response = server.command(&json!({"text": text, "person": "ben"})).await;
    let reply: Value = response.json().await.unwrap();
    assert_eq!(reply["ok"], true, "{text}: {reply}");
}

#[tokio::test]
async fn those_in_force_to_come_and_over_are_told_apart_the_newest_first() {
    let server = Server::start("").await;
    assert_eq!(ids(&server, "").await, Vec::<String>::new());
    done(&server, "/silence add service=web severity=~\"a|b\" --for 2h --comment new disks").await;
    done(&server, "/maintenance start service=db --from \"tomorrow 02:00\" --for 2h --comment switches")
        .await;
    done(&server, "/silence add service=api --for 1h --comment load test").await;
    done(&server, "/silence expire S-3").await;
    done(&server, "/maintenance start service=mq --for 1h --comment upgrade").await;
    assert_eq!(ids(&server, "").await, ["S-4", "S-3", "S-2", "S-1"]);
    for (status, expected) in
        [("active", vec!["S-4", "S-1"]), ("pending", vec!["S-2"]), ("expired", vec!["S-3"])]
    {
        assert_eq!(ids(&server, &format!("?status={status}")).await, expected, "{status}");
    }
    // Page by page nothing is lost, also with a filter.
    let first = server.json("/api/v1/silences?status=active&limit=1").await;
    assert_eq!((&first["items"][0]["id"], &first["next"]), (&json!("S-4"), &json!("S-4")));
    let rest = server.json("/api/v1/silences?status=active&limit=1&cursor=S-4").await;
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&json!("S-1"), &Value::Null));
}

#[tokio::test]
async fn each_says_what_it_is_about_whose_it_is_and_how_it_ended() {
    let server = Server::start("").await;
    done(&server, "/silence add service=web severity=~\"a|b\" --for 2h --comment new disks").await;
    let list = server.json("/api/v1/silences").await;
    let one = &list["items"][0];
    assert_eq!((&one["kind"], &one["status"]), (&json!("silence"), &json!("active")));
    assert_eq!(one["matchers"], json!(["service=\"web\"", "severity=~\"a|b\""]));
    assert_eq!((&one["comment"], &one["by"]), (&json!("new disks"), &json!("ben")));
    assert_eq!((&one["ended_at"], &one["ended_by"]), (&Value::Null, &Value::Null));
    let at = |field: &str| one[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    // The engine's clock is read a moment after the command's.
    let length = at("ends_at").duration_since(at("starts_at"));
    assert_eq!(length.round(jiff::Unit::Minute).unwrap(), SignedDuration::from_hours(2), "{one}");
    done(&server, "/silence expire S-1").await;
    let list = server.json("/api/v1/silences?status=expired").await;
    let one = &list["items"][0];
    assert_eq!((&one["status"], &one["ended_by"]), (&json!("expired"), &json!("ben")));
    assert!(one["ended_at"].is_string(), "{one}");
}

#[tokio::test]
async fn whoever_may_look_sees_them_and_only_a_responder_makes_one() {
    let more = r#"
[person.eve]
name = "Eve"
roles = ["viewer"]
urgent = ["now: chat"]
[api]
tokens = [{ person = "ana", token = "token-of-ana-0123456789" }, { person = "eve", token = "token-of-eve-0123456789" }]
"#;
    let server = Server::start(more).await;
    let eve = "token-of-eve-0123456789";
    problem(server.get("/api/v1/silences").send().await.unwrap(), 401).await;
    let adds = |token| {
        let body = json!({"text": "/silence add service=web --for 1h --comment x"});
        server.request(Method::POST, "/api/v1/commands").bearer_auth(token).json(&body).send()
    };
    let refused = adds(eve).await.unwrap();
    let reply: Value = refused.json().await.unwrap();
    assert_ne!(reply["ok"], true, "{reply}");
    let count = async |token: &str| {
        let response = server.get("/api/v1/silences").bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()["items"].as_array().unwrap().len()
    };
    assert_eq!(count(eve).await, 0, "nothing was made");
    let reply: Value = adds(ANA).await.unwrap().json().await.unwrap();
    assert_eq!(reply["ok"], true, "{reply}");
    assert_eq!((count(eve).await, count(ANA).await), (1, 1));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_the_field() {
    let server = Server::start("").await;
    for (query, field) in [
        ("status=over", "status"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("cursor=A-1", "cursor"),
        ("cursor=S-", "cursor"),
        ("match=a%3Db", "match"),
        ("status=active&status=pending", "status"),
    ] {
        let answer =
            problem(server.get(&format!("/api/v1/silences?{query}")).send().await.unwrap(), 400).await;
        assert_eq!(answer["field"], field, "{query}: {answer}");
    }
}
