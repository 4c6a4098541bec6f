//! `~.` at the start of a line: the way out of a connection that hangs.

/// Looks through what is typed. `~~` at the start of a line is one `~`.
pub(crate) struct Escapes {
    line_start: bool,
    tilde: bool,
}

impl Escapes {
    /// At the start of a line.
    pub(crate) fn new() -> Self {
        Self { line_start: true, tilde: false }
    }

    /// Appends what is to be sent of `typed` to `out`; `true`: the user wants to disconnect.
    pub(crate) fn filter(&mut self, typed: &[u8], out: &mut Vec<u8>) -> bool {
        for &byte in typed {
            if std::mem::take(&mut self.tilde) {
                match byte {
                    b'.' => return true,
                    b'~' => {}
                    _ => out.push(b'~'),
                }
            } else if self.line_start && byte == b'~' {
                self.tilde = true;
                continue;
            }
            self.line_start = matches!(byte, b'\r' | b'\n');
            out.push(byte);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Escapes;

    #[test]
    fn only_at_the_start_of_a_line() {
        let filter = |typed: &str| {
            let mut out = Vec::new();
            let over = Escapes::new().filter(typed.as_bytes(), &mut out);
            (over, String::from_utf8(out).expect("what went in"))
        };
        assert_eq!(filter("a~.\r~~.\r~x"), (false, "a~.\r~.\r~x".into()));
        assert_eq!(filter("ls\r~.rest"), (true, "ls\r".into()));
    }
}
