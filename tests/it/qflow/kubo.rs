//! A fake IPFS node with Kubo's RPC: every call is a POST, and anything else is 405, as the real one answers. Never
//! keeps a block.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::{
    logbook::{Logbook, parameter, parts},
    mood::Feels,
};
use crate::peer::server::Server;

pub const SYSTEM: &str = "ipfs";
/// Who the node is.
pub const PEER: &str = "12D3KooWGatU9DxCEsS9DGxmq2uTrGp4hQJxbWzTRmGmwT2YpN4k";

/// Starts one that feels like this.
pub fn start(book: &Logbook, feels: Feels) -> Server {
    let blocks = Mutex::new(48_731_u64);
    book.serve(SYSTEM, move |request| {
        if request.method != "POST" {
            return feels.colour((405, "405 - Method Not Allowed".to_owned()));
        }
        let (parts, parameters) = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["api", "v0", call @ ..] = parts.as_slice() else { return (404, "404 page not found".to_owned()) };
        let argument = parameter(&parameters, "arg").unwrap_or_default();
        let mut blocks = blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match call {
            ["id"] => json!({
                "ID": PEER, "PublicKey": "CAESIHpAdPyTFNBSMJk3b", "AgentVersion": "kubo/0.24.3/",
                "Addresses": [
                    format!("/ip4/127.0.0.1/tcp/4001/p2p/{PEER}"), format!("/ip4/203.0.113.9/tcp/4001/p2p/{PEER}"),
                ],
                "Protocols": ["/ipfs/bitswap/1.2.0", "/ipfs/kad/1.0.0", "/ipfs/ping/1.0.0"],
            }),
            ["version"] => json!({
                "Version": "0.24.3", "Commit": "f7dfb2d", "Repo": "15", "System": "amd64/linux", "Golang": "go1.21.3",
            }),
            ["repo", "stat"] => json!({
                "RepoSize": *blocks * 149_203, "StorageMax": 10_000_000_000_u64, "NumObjects": *blocks,
                "RepoPath": "/data/ipfs", "Version": "fs-repo@15",
            }),
            ["repo", "gc"] => {
                *blocks -= 3;
                let key = |letter: char| json!({"Key": {"/": format!("bafkreihdwdcefgh4dqkjv67uzcmw7o{letter}")}});
                let lines = ['a', 'b', 'c'].map(|letter| key(letter).to_string());
                return feels.colour((200, lines.join("\n") + "\n"));
            }
            ["repo", "verify"] => {
                let lines = [
                    json!({"Msg": "", "Progress": *blocks / 2}).to_string(),
                    json!({"Msg": "verify complete, all blocks validated.", "Progress": *blocks}).to_string(),
                ];
                return feels.colour((200, lines.join("\n") + "\n"));
            }
            ["swarm", "peers"] => {
                let peer = |number: u8| {
                    json!({
                        "Addr": format!("/ip4/203.0.113.{number}/tcp/4001"), "Latency": format!("{}.4ms", 20 + number),
                        "Peer": format!("12D3KooWPeer{number}nAqvG"), "Muxer": "", "Direction": 1, "Streams": null,
                    })
                };
                json!({"Peers": [peer(17), peer(23), peer(41), peer(58)]})
            }
            ["swarm", "connect"] => json!({"Strings": [format!("connect {} success", last(argument))]}),
            ["swarm", "disconnect"] => json!({"Strings": [format!("disconnect {} success", last(argument))]}),
            ["swarm", "addrs"] | ["swarm", "addrs", "local"] => json!({"Strings": ["/ip4/127.0.0.1/tcp/4001"]}),
            ["bootstrap", "add"] => json!({"Peers": [argument]}),
            ["bootstrap"] | ["bootstrap", "list"] => json!({"Peers": ["/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7b"]}),
            ["ping"] => {
                let pong = json!({"Success": true, "Time": 27_400_000, "Text": ""}).to_string();
                let end = json!({"Success": true, "Time": 0, "Text": "Average latency: 27.40ms"}).to_string();
                return feels.colour((200, format!("{pong}\n{pong}\n{end}\n")));
            }
            ["stats", "bw"] => json!({
                "TotalIn": 913_204_771_u64, "TotalOut": 281_993_041_u64, "RateIn": 20_417.3, "RateOut": 9_133.9,
            }),
            ["stats", "repo"] => json!({"RepoSize": *blocks * 149_203, "NumObjects": *blocks}),
            ["diag", "sys"] => json!({
                "diskinfo": {"free_space": 61_273_190_400_u64, "fstype": "61267", "total_space": 105_089_261_568_u64},
                "environment": {"GOPATH": "", "IPFS_PATH": "/data/ipfs"}, "ipfs_commit": "f7dfb2d",
                "ipfs_version": "0.24.3", "memory": {"swap": 0, "virt": 2_917_437_440_u64},
                "net": {"interface_addresses": ["/ip4/127.0.0.1/ipcidr/8"], "online": true},
                "runtime": {
                    "arch": "amd64", "compiler": "gc", "gomaxprocs": 4, "numcpu": 4, "numgoroutines": 317,
                    "os": "linux", "version": "go1.21.3",
                },
            }),
            _ => return (404, "404 page not found".to_owned()),
        };
        feels.colour((200, answer.to_string()))
    })
}

/// The peer in an address.
fn last(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or_default()
}
