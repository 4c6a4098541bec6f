//! Extension negotiation (RFC 8308).

use alloc::{string::String, vec::Vec};

use crate::config::Limits;
use crate::crypto::signature::SignatureAlgorithm;
use crate::message::{ExtInfo, Rest};
use crate::transport::Outbound;
use crate::wire::{DecodeError, NameList, Reader, Writer};

/// The server's announcement: which algorithms a user may sign with (§3.1), and that pings are answered.
pub(crate) fn announce_signature_algorithms(outbound: &mut Outbound, algorithms: &[&'static dyn SignatureAlgorithm]) {
    let mut extensions = Vec::new();
    let mut writer = Writer::new(&mut extensions);
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    writer.string(b"server-sig-algs");
    writer.string(names.join(",").as_bytes());
    writer.string(b"ping@openssh.com");
    writer.string(b"0");
    outbound.send(&ExtInfo { nr_extensions: 2, extensions: Rest(&extensions) });
}

/// The value of `server-sig-algs`, if the peer sent one. The last one counts where there are several.
pub(crate) fn server_signature_algorithms(message: &ExtInfo<'_>) -> Result<Option<Vec<String>>, DecodeError> {
    let mut reader = Reader::new(message.extensions.0);
    let mut found = None;
    // Two length fields each: a count that the bytes cannot hold is a lie.
    if message.nr_extensions > Limits::EXTENSIONS || message.nr_extensions as usize > reader.remaining() / 8 {
        return Err(DecodeError::TooMany);
    }
    for _ in 0..message.nr_extensions {
        let name = reader.string()?;
        let value = reader.string()?;
        if name == b"server-sig-algs" {
            found = Some(NameList::new(value)?.to_strings());
        }
    }
    reader.finish()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_bounded_by_bytes() {
        for nr_extensions in [1, 1025, u32::MAX] {
            let message = ExtInfo { nr_extensions, extensions: Rest(b"") };
            assert_eq!(server_signature_algorithms(&message), Err(DecodeError::TooMany));
        }
        let message = ExtInfo { nr_extensions: 0, extensions: Rest(b"x") };
        assert_eq!(server_signature_algorithms(&message), Err(DecodeError::TrailingBytes));
    }

    #[test]
    fn finds_the_list_among_others() {
        let mut extensions = Vec::new();
        let mut writer = Writer::new(&mut extensions);
        for (name, value) in [("x", "\0"), ("server-sig-algs", "a,b")] {
            writer.string(name.as_bytes());
            writer.string(value.as_bytes());
        }
        let message = ExtInfo { nr_extensions: 2, extensions: Rest(&extensions) };
        assert_eq!(server_signature_algorithms(&message), Ok(Some(Vec::from(["a".into(), "b".into()]))));
    }
}
