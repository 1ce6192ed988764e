//! Which client hosts an account's host pattern means, and which pattern wins.

use std::net::IpAddr;

/// Where a client comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHost {
    /// `None`: a local socket.
    pub ip: Option<IpAddr>,
    /// The resolved name, where names are resolved.
    pub name: Option<String>,
}

impl ClientHost {
    /// A client on a local socket.
    pub fn local() -> ClientHost {
        ClientHost { ip: None, name: None }
    }

    /// A client at `ip`, without a resolved name.
    pub fn at(ip: IpAddr) -> ClientHost {
        ClientHost { ip: Some(ip.to_canonical()), name: None }
    }

    /// Sockets and loopback addresses are `localhost`.
    pub fn is_local(&self) -> bool {
        self.ip.is_none_or(|ip| ip.is_loopback())
    }

    /// As it stands in `USER()` and in errors.
    pub fn display(&self) -> String {
        match (&self.name, self.ip) {
            _ if self.is_local() => "localhost".into(),
            (Some(name), _) => name.clone(),
            (None, Some(ip)) => ip.to_string(),
            (None, None) => "localhost".into(),
        }
    }

    /// Whether an account with host `pattern` is meant for this client.
    pub fn matches(&self, pattern: &str) -> bool {
        if pattern.is_empty() || pattern == "%" {
            return true;
        }
        if let Some(network) = Network::parse(pattern) {
            return self.ip.is_some_and(|ip| network.contains(ip));
        }
        let like = |text: &str| wild_matches(pattern, &text.to_ascii_lowercase(), Wild::HOST);
        (self.is_local() && like("localhost"))
            || self.name.as_deref().is_some_and(like)
            || self.ip.is_some_and(|ip| like(&ip.to_string()))
    }
}

/// The order in which accounts are tried: greater is tried first.
pub(crate) fn specificity(pattern: &str) -> (u8, u32) {
    if pattern.is_empty() || pattern == "%" {
        return (0, u32::from(!pattern.is_empty()));
    }
    if let Some(network) = Network::parse(pattern) {
        return (2, network.bits);
    }
    match Wild::HOST.first(pattern) {
        None => (3, 0),
        Some(at) => (1, at as u32),
    }
}

/// `10.0.0.0/8` or `10.0.0.0/255.0.0.0`.
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(pattern: &str) -> Option<Network> {
        let (address, mask) = pattern.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits = match mask.parse::<u32>() {
            Ok(bits) => bits,
            Err(_) => {
                let IpAddr::V4(mask) = mask.parse().ok()? else { return None };
                let mask = mask.to_bits();
                // A mask with holes is no network.
                (mask.leading_ones() + mask.trailing_zeros() == 32 || mask == u32::MAX).then_some(())?;
                mask.leading_ones()
            }
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Network { address, bits })
    }

    fn contains(&self, ip: IpAddr) -> bool {
        let (own, other, width) = match (self.address, ip) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let differing: u128 = own ^ other;
        self.bits == 0 || differing >> (width - self.bits) == 0
    }
}

/// How `%` and `_` are escaped: hosts have no escape, names of databases have the backslash.
#[derive(Clone, Copy)]
pub(crate) struct Wild {
    escape: Option<char>,
}

impl Wild {
    pub const HOST: Wild = Wild { escape: None };
    pub const SCHEMA: Wild = Wild { escape: Some('\\') };

    /// The byte at which the first wildcard stands.
    pub fn first(self, pattern: &str) -> Option<usize> {
        let mut chars = pattern.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '%' | '_' => return Some(at),
                c if Some(c) == self.escape => {
                    chars.next();
                }
                _ => {}
            }
        }
        None
    }
}

/// Whether `text` is what `pattern` describes: `%` is any text, `_` is one character.
pub(crate) fn wild_matches(pattern: &str, text: &str, wild: Wild) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to resume after the last `%` with one more character in it.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('_') => Some(1),
            Some(c) if Some(*c) == wild.escape && p + 1 < pattern.len() => {
                (pattern[p + 1] == text[t]).then_some(2)
            }
            Some(c) => (*c == text[t]).then_some(1),
            None => None,
        };
        match (step, retry) {
            (Some(step), _) => {
                p += step;
                t += 1;
            }
            (None, Some((after, at))) => {
                p = after;
                t = at + 1;
                retry = Some((after, at + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: &str) -> ClientHost {
        ClientHost::at(ip.parse().unwrap())
    }

    #[test]
    fn loopback_and_sockets_are_localhost() {
        assert!(ClientHost::local().matches("localhost"));
        assert!(at("127.0.0.1").matches("localhost"));
        assert!(at("::1").matches("localhost"));
        assert!(at("::ffff:127.0.0.1").matches("127.0.0.1"));
        assert!(!at("10.0.0.1").matches("localhost"));
        assert!(!ClientHost::local().matches("127.0.0.1"));
    }

    #[test]
    fn patterns_match_names_addresses_and_networks() {
        let host = ClientHost { ip: Some("10.1.2.3".parse().unwrap()), name: Some("Db7.Example.com".into()) };
        for pattern in ["%", "", "10.1.2.3", "10.%", "10.1._.3", "%.example.com", "db_.example.com"] {
            assert!(host.matches(pattern), "{pattern}");
        }
        for pattern in ["10.0.0.0/255.0.0.0", "10.1.2.0/24", "0.0.0.0/0"] {
            assert!(host.matches(pattern), "{pattern}");
        }
        for pattern in ["10.2.%", "11.0.0.0/8", "10.0.0.0/255.0.255.0", "example.com", "10.1.2.30"] {
            assert!(!host.matches(pattern), "{pattern}");
        }
        assert!(at("fe80::7").matches("fe80::/10"));
    }

    #[test]
    fn the_more_specific_pattern_is_tried_first() {
        let mut patterns = ["%", "10.%", "", "10.0.0.0/8", "10.1.2.0/24", "10.1.%", "10.1.2.3"];
        patterns.sort_by_key(|pattern| std::cmp::Reverse(specificity(pattern)));
        assert_eq!(patterns, ["10.1.2.3", "10.1.2.0/24", "10.0.0.0/8", "10.1.%", "10.%", "%", ""]);
    }

    #[test]
    fn a_backslash_makes_a_wildcard_of_a_schema_literal() {
        assert!(wild_matches("my_db", "myXdb", Wild::SCHEMA));
        assert!(!wild_matches("my\\_db", "myXdb", Wild::SCHEMA));
        assert!(wild_matches("my\\_%", "my_db", Wild::SCHEMA));
        assert_eq!(Wild::SCHEMA.first("my\\_d%"), Some(5));
    }
}
