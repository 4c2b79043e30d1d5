//! Attacks on signatures: none, of another form, with another secret, over another body, old, twice. Never a real
//! secret.

use super::*;

const SECRET: &str = "It's-a-Secret-to-Everybody";
const BODY: &[u8] = b"Hello, World!";

fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn proof(kind: IntegrationKind, secret: &str) -> Proof {
    Proof::of(kind, Some(&secret.to_owned().into())).unwrap()
}

fn sign(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    mac(key, parts).unwrap().finalize().into_bytes().to_vec()
}

fn github(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(sign(secret.as_bytes(), &[body])))
}

#[test]
fn githubs_signature_holds_for_its_body_and_its_secret_alone() {
    const NAME: &str = "x-hub-signature-256";
    let proof = proof(IntegrationKind::GitHub, "It's-a-Secret-to-Everybody");
    let right = github(SECRET, BODY);
    let (bare, upper) = (right.replace("sha256=", ""), right.to_uppercase().replace("SHA256", "sha256"));
    let (sha1, other) = (right.replace("sha256", "sha1"), github("another", BODY));
    let (short, odd) = (right[..right.len() - 2].to_owned(), right[..right.len() - 1].to_owned());
    for (pairs, body, expected) in [
        (vec![(NAME, right.as_str())], BODY, true),
        (vec![(NAME, upper.as_str())], BODY, true),
        (vec![], BODY, false),
        (vec![(NAME, "")], BODY, false),
        (vec![(NAME, "sha256=")], BODY, false),
        (vec![(NAME, bare.as_str())], BODY, false),
        (vec![(NAME, sha1.as_str())], BODY, false),
        (vec![(NAME, other.as_str())], BODY, false),
        (vec![(NAME, short.as_str())], BODY, false),
        (vec![(NAME, odd.as_str())], BODY, false),
        (vec![(NAME, right.as_str())], b"Hello, World?".as_slice(), false),
        (vec![(NAME, right.as_str())], b"", false),
        // Twice: the first, the second or both may be somebody else's.
        (vec![(NAME, right.as_str()), (NAME, right.as_str())], BODY, false),
        (vec![(NAME, other.as_str()), (NAME, right.as_str())], BODY, false),
        (vec![(NAME, right.as_str()), (NAME, other.as_str())], BODY, false),
        // What GitHub sent before, and what others send.
        (vec![("x-hub-signature", right.as_str())], BODY, false),
        (vec![("authorization", "Bearer It's-a-Secret-to-Everybody")], BODY, false),
        (vec![("x-gitlab-token", SECRET)], BODY, false),
    ] {
        assert_eq!(proof.holds(&headers(&pairs), body, now()), expected, "{pairs:?}");
    }
}

#[test]
fn the_signature_is_the_one_that_githubs_documentation_gives() {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let proof = proof(IntegrationKind::GitHub, "It's a Secret to Everybody");
    assert!(proof.holds(&headers(&[("x-hub-signature-256", right)]), BODY, now()));
}

#[test]
fn gitlabs_token_is_shown_once_and_whole() {
    const NAME: &str = "x-gitlab-token";
    let proof = proof(IntegrationKind::GitLab, SECRET);
    let signature = github(SECRET, BODY);
    for (pairs, expected) in [
        (vec![(NAME, SECRET)], true),
        (vec![], false),
        (vec![(NAME, "")], false),
        (vec![(NAME, "It's-a-Secret")], false),
        (vec![(NAME, "it's-a-secret-to-everybody")], false),
        (vec![(NAME, SECRET), (NAME, SECRET)], false),
        (vec![(NAME, "x"), (NAME, SECRET)], false),
        (vec![("authorization", SECRET)], false),
        (vec![("x-hub-signature-256", signature.as_str())], false),
    ] {
        assert_eq!(proof.holds(&headers(&pairs), BODY, now()), expected, "{pairs:?}");
    }
}

#[test]
fn gitlabs_signature_covers_the_id_the_instant_and_the_body() {
    let key = [7_u8; 32];
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let proof = proof(IntegrationKind::GitLab, &secret);
    let stamp = |seconds: i64| (now().as_second() + seconds).to_string();
    let signed = |key: &[u8], id: &str, stamp: &str, body: &[u8]| {
        let parts = [id.as_bytes(), b".", stamp.as_bytes(), b".", body];
        format!("v1,{}", STANDARD.encode(sign(key, &parts)))
    };
    let check = |id: &str, stamp: &str, signature: &str, body: &[u8]| {
        let pairs = [("webhook-id", id), ("webhook-timestamp", stamp), ("webhook-signature", signature)];
        proof.holds(&headers(&pairs), body, now())
    };
    let right = signed(&key, "msg_1", &stamp(0), BODY);
    assert!(check("msg_1", &stamp(0), &right, BODY));
    assert!(check("msg_1", &stamp(0), &format!("v1,AAAA v1a,xx {right}"), BODY), "one of several is enough");
    assert!(check("msg_1", &stamp(-300), &signed(&key, "msg_1", &stamp(-300), BODY), BODY));
    for (id, stamp, signature, body) in [
        ("msg_2", stamp(0), right.clone(), BODY),
        ("msg_1", stamp(1), right.clone(), BODY),
        ("msg_1", stamp(0), right.clone(), b"Hello, World?".as_slice()),
        ("msg_1", stamp(0), right.replace("v1,", ""), BODY),
        ("msg_1", stamp(0), right.replace("v1,", "v2,"), BODY),
        ("msg_1", stamp(0), String::new(), BODY),
        ("msg_1", stamp(0), signed(&[8; 32], "msg_1", &stamp(0), BODY), BODY),
        ("msg_1", stamp(0), signed(secret.as_bytes(), "msg_1", &stamp(0), BODY), BODY),
        // Old, of the future, and no instant at all.
        ("msg_1", stamp(-301), signed(&key, "msg_1", &stamp(-301), BODY), BODY),
        ("msg_1", stamp(301), signed(&key, "msg_1", &stamp(301), BODY), BODY),
        ("msg_1", "now".to_owned(), signed(&key, "msg_1", "now", BODY), BODY),
        ("msg_1", i64::MIN.to_string(), signed(&key, "msg_1", &i64::MIN.to_string(), BODY), BODY),
        // Many, of which the right one comes last.
        ("msg_1", stamp(0), format!("{}{right}", "v1,AAAA ".repeat(100)), BODY),
    ] {
        assert!(!check(id, &stamp, &signature, body), "{id} {stamp} {signature}");
    }
    let twice = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &stamp(0)),
        ("webhook-signature", &right),
        ("webhook-signature", &right),
    ];
    assert!(!proof.holds(&headers(&twice), BODY, now()));
    // The token of the same webhook is not enough where it signs.
    assert!(!proof.holds(&headers(&[("x-gitlab-token", &secret)]), BODY, now()));
}

#[test]
fn without_a_secret_nothing_holds() {
    for kind in [IntegrationKind::GitHub, IntegrationKind::GitLab] {
        let proof = Proof::of(kind, None).unwrap();
        let empty = github("", BODY);
        for pairs in [vec![("x-hub-signature-256", empty.as_str())], vec![("x-gitlab-token", "")], vec![]] {
            assert!(!proof.is_shown(&headers(&pairs)) && !proof.holds(&headers(&pairs), BODY, now()));
        }
    }
    let damaged = proof(IntegrationKind::GitLab, "whsec_not base64");
    assert!(!damaged.is_shown(&headers(&[("x-gitlab-token", "whsec_not base64")])));
    assert!(Proof::of(IntegrationKind::Alertmanager, None).is_none());
}
