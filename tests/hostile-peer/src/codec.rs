//! The types of RFC 4251 §5.

/// `string`
pub fn string(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// Several `string`s in a row.
pub fn strings<T: AsRef<[u8]>>(values: &[T]) -> Vec<u8> {
    values.iter().flat_map(string).collect()
}

/// `mpint` of a number that is not negative, from its big-endian bytes.
pub fn mpint(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|&byte| byte != 0).unwrap_or(magnitude.len());
    let digits = &magnitude[start..];
    match digits.first() {
        Some(0x80..) => string([&[0], digits].concat()),
        _ => string(digits),
    }
}

/// `name-list`
pub fn name_list<T: AsRef<str>>(names: &[T]) -> Vec<u8> {
    string(names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(","))
}

/// Reads the same types back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// So many bytes.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(|| format!("{n} bytes of {:02x?}", self.0))?;
        self.0 = rest;
        Ok(taken)
    }

    /// `byte`
    pub fn byte(&mut self) -> Result<u8, String> {
        Ok(self.bytes(1)?[0])
    }

    /// `uint32`
    pub fn uint32(&mut self) -> Result<u32, String> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// `string`
    pub fn string(&mut self) -> Result<&'a [u8], String> {
        let length = self.uint32()?;
        self.bytes(length as usize)
    }

    /// `name-list`
    pub fn name_list(&mut self) -> Result<Vec<String>, String> {
        let text = String::from_utf8(self.string()?.to_vec()).map_err(|error| error.to_string())?;
        Ok(if text.is_empty() { Vec::new() } else { text.split(',').map(String::from).collect() })
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", self.0.len())) }
    }
}
