//! Compression methods (RFC 4253 §6.2). The only one built in is `none`, which is also the only safe default.

use core::fmt;

/// Every method that is built in.
pub static ALL: &[&dyn Compression] = &[NONE];

/// A compression method's descriptor.
pub trait Compression: Send + Sync {
    /// The name in KEXINIT.
    fn name(&self) -> &'static str;
}

impl fmt::Debug for dyn Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

struct NoCompression;

/// `none`: payloads go as they are.
pub static NONE: &dyn Compression = &NoCompression;

impl Compression for NoCompression {
    fn name(&self) -> &'static str {
        "none"
    }
}
