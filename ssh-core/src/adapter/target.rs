//! What people type to name a host.

/// The port of SSH (RFC 4253 §4.1).
const DEFAULT_PORT: u16 = 22;

/// Takes `host`, `host:port` or `[host]:port` apart; a bare IPv6 address is a host. Without a port it is 22.
pub fn split_target(target: &str) -> (&str, u16) {
    if let Some((host, port)) = target.rsplit_once(':') {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let (Ok(port), true) = (port.parse(), bare.is_some() || !host.contains(':')) {
            return (bare.unwrap_or(host), port);
        }
    }
    (target, DEFAULT_PORT)
}

#[cfg(test)]
mod tests {
    use super::split_target;

    #[test]
    fn targets() {
        assert_eq!(split_target("host"), ("host", 22));
        assert_eq!(split_target("host:2222"), ("host", 2222));
        assert_eq!(split_target("[::1]:2222"), ("::1", 2222));
        assert_eq!(split_target("::1"), ("::1", 22));
    }
}
