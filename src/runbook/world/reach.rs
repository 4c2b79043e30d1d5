//! Where a runbook's requests may go: the services of its environment and the hosts of the list, and never to an address
//! that a cloud keeps its secrets behind. Never trusts a name: what it resolves to is looked at, too.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use secrecy::SecretString;
use url::{Host, Url};

use super::Fault;
use crate::config::{Environment, Service};

/// What may be reached.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    services: Arc<BTreeMap<String, Service>>,
    hosts: Arc<Vec<String>>,
}

impl Reach {
    /// The services of an environment, and these hosts (`status.example.com`, or with a port).
    #[must_use]
    pub fn new(environment: &Environment, hosts: &[String]) -> Self {
        Self { services: Arc::new(environment.services.clone()), hosts: Arc::new(hosts.to_vec()) }
    }

    /// The service of this name.
    ///
    /// # Errors
    /// The environment has none.
    pub fn service(&self, name: &str) -> Result<&Service, Fault> {
        self.services.get(name).ok_or_else(|| {
            Fault::NotAllowed(format!(
                "this environment has no `{name}`: add {name} = {{ url = \"…\" }} to it in the configuration"
            ))
        })
    }

    /// Every secret that could come back from a request or a program.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.services.values().flat_map(|service| service.token.iter().chain(&service.password))
    }

    /// Whether a request may go there, and with whose token. A token goes below the URL of its service, and nowhere
    /// else on the same host.
    ///
    /// # Errors
    /// It may not; the words name the host and what to do.
    pub fn may(&self, url: &Url) -> Result<Option<&Service>, Fault> {
        let Some(host) = url.host() else {
            return Err(Fault::NotAllowed("the address has no host".to_owned()));
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Fault::NotAllowed(format!("{}: requests go over http and https only", url.scheme())));
        }
        let literal = match host {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        if literal.is_some_and(is_off_limits) {
            return Err(Fault::NotAllowed(format!("{host} is never asked: {OFF_LIMITS}")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let why = "a user and a password in an address would be shown: put them beside the service's url";
            return Err(Fault::NotAllowed(why.to_owned()));
        }
        let below = |service: &&Service| {
            let base = service.url.expose();
            same_origin(base, url) && is_below(base.path(), url.path())
        };
        // The longest path is the nearest service.
        let mine = self.services.values().filter(below);
        if let Some(service) = mine.max_by_key(|service| service.url.expose().path().len()) {
            return Ok(Some(service));
        }
        let name = host.to_string();
        let with_port = format!("{name}:{}", url.port_or_known_default().unwrap_or_default());
        let known = |known: &String| {
            known.eq_ignore_ascii_case(&name) && url.port().is_none()
                || known.eq_ignore_ascii_case(&with_port)
        };
        let of_service = |service: &Service| same_origin(service.url.expose(), url);
        if self.hosts.iter().any(known) || self.services.values().any(of_service) {
            return Ok(None);
        }
        Err(Fault::NotAllowed(format!(
            "{with_port} is no service of this environment: a runbook asks only those, and `hosts` of [runbook]"
        )))
    }
}

/// Why some addresses are never asked.
const OFF_LIMITS: &str = "link-local and metadata addresses hold a cloud's secrets";

pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn is_below(base: &str, path: &str) -> bool {
    let base = base.trim_end_matches('/');
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Link-local addresses, where clouds answer with credentials to whoever asks (169.254.169.254, `fd00:ec2::254`,
/// 100.100.100.200), and addresses that are nobody's.
pub(super) fn is_off_limits(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip == Ipv4Addr::new(100, 100, 100, 200)
                || ip == Ipv4Addr::new(192, 0, 0, 192)
        }
        IpAddr::V6(ip) => {
            let metadata = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            // 64:ff9b::/96 and 2002::/16 carry an IPv4 address.
            let carried = match ip.segments() {
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
                }
                _ => None,
            };
            ip.is_unicast_link_local()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip == metadata
                || carried.is_some_and(|ip| is_off_limits(ip.into()))
        }
    }
}

/// Resolves names, and leaves out addresses that are never asked: a name cannot lead where a number may not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_off_limits(address.ip())).collect();
            if allowed.is_empty() {
                return Err(OFF_LIMITS.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretUrl;

    fn service(url: &str) -> Service {
        Service {
            url: SecretUrl::new(Url::parse(url).unwrap()),
            token: Some("t0ken-of-service".to_owned().into()),
            user: None,
            password: None,
            budget: None,
        }
    }

    fn reach() -> Reach {
        let services = [
            ("qflow".to_owned(), service("http://127.0.0.1:8090")),
            ("prometheus".to_owned(), service("https://metrics.example.com/prometheus/")),
        ];
        let environment = Environment { default: true, services: services.into(), ..Environment::default() };
        Reach::new(&environment, &["status.example.com".to_owned(), "db.example.com:9000".to_owned()])
    }

    #[test]
    fn a_request_goes_to_its_services_and_listed_hosts_only() {
        for (url, allowed, token) in [
            ("http://127.0.0.1:8090/health", true, true),
            ("http://127.0.0.1:8091/health", false, false),
            ("https://127.0.0.1:8090/health", false, false),
            ("https://metrics.example.com/prometheus/api/v1/query", true, true),
            ("https://metrics.example.com/prometheus", true, true),
            ("https://metrics.example.com/prometheusx", true, false),
            ("https://metrics.example.com/other", true, false),
            ("http://metrics.example.com/prometheus/", false, false),
            ("https://METRICS.example.com/prometheus/", true, true),
            ("https://status.example.com/x", true, false),
            ("https://status.example.com:8443/x", false, false),
            ("http://db.example.com:9000/", true, false),
            ("http://db.example.com/", false, false),
            ("http://status.example.com.evil.example/", false, false),
            ("http://user:pw@127.0.0.1:8090/", false, false),
            ("http://169.254.169.254/latest/meta-data", false, false),
            ("http://[::ffff:169.254.169.254]/", false, false),
            ("http://[fe80::1]/", false, false),
            ("http://2852039166/latest", false, false),
            ("file:///etc/passwd", false, false),
        ] {
            let reach = reach();
            let may = reach.may(&Url::parse(url).unwrap());
            assert_eq!(may.is_ok(), allowed, "{url} {may:?}");
            assert_eq!(may.is_ok_and(|service| service.is_some()), token, "{url}");
        }
    }

    #[test]
    fn addresses_that_hold_a_clouds_secrets_are_off_limits_in_every_spelling() {
        for ip in [
            "169.254.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::",
        ] {
            assert!(is_off_limits(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "2606:4700::1111"] {
            assert!(!is_off_limits(ip.parse().unwrap()), "{ip}");
        }
    }
}
