//! Lists of addresses, as in the critical option `source-address`: `192.0.2.0/24,2001:db8::1`.

use core::net::IpAddr;

/// Whether `list` covers `address`. `None`: the list is malformed, and covers nothing.
pub(super) fn covers(list: &str, address: IpAddr) -> Option<bool> {
    let address = address.to_canonical();
    let mut found = false;
    for network in list.split(',') {
        found |= Network::parse(network)?.contains(address);
    }
    Some(found)
}

/// An address and how many of its leading bits count.
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether bits are set that do not count.
    pub(crate) fn has_host_bits(&self) -> bool {
        match self.address {
            IpAddr::V4(address) => address.to_bits() & u32::MAX.checked_shr(self.bits).unwrap_or(0) != 0,
            IpAddr::V6(address) => address.to_bits() & u128::MAX.checked_shr(self.bits).unwrap_or(0) != 0,
        }
    }

    /// Whether `address` is in it. An IPv4 address has to come as one.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn networks() {
        for (list, address, expected) in [
            ("192.0.2.7", "192.0.2.7", Some(true)),
            ("192.0.2.7", "192.0.2.8", Some(false)),
            ("192.0.2.0/24", "192.0.2.255", Some(true)),
            ("192.0.2.0/24", "192.0.3.0", Some(false)),
            ("192.0.2.128/25,198.51.100.1/32", "192.0.2.127", Some(false)),
            ("192.0.2.128/25,198.51.100.1/32", "198.51.100.1", Some(true)),
            ("0.0.0.0/0", "203.0.113.9", Some(true)),
            ("0.0.0.0/0", "::1", Some(false)),
            ("::/0", "2001:db8::1", Some(true)),
            ("2001:db8::/32", "2001:db8:ffff::", Some(true)),
            ("2001:db8::/32", "2001:db9::", Some(false)),
            ("192.0.2.7", "::ffff:192.0.2.7", Some(true)),
            ("", "192.0.2.7", None),
            ("192.0.2.7,", "192.0.2.7", None),
            ("192.0.2.7, 192.0.2.8", "192.0.2.7", None),
            ("192.0.2.0/33", "192.0.2.7", None),
            ("192.0.2.0/+8", "192.0.2.7", None),
            ("192.0.2.0/", "192.0.2.7", None),
            ("!192.0.2.7", "192.0.2.8", None),
            ("example.com", "192.0.2.8", None),
        ] {
            assert_eq!(covers(list, address.parse().unwrap()), expected, "{list} {address}");
        }
    }
}
