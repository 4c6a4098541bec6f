//! Files that are being read, one inside the other.

use alloc::{collections::VecDeque, format, string::String, sync::Arc, vec::Vec};

use super::MAX_LINE;
use super::resolver::{ConfigFile, Read};
use super::setting::Fault;

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) name: Arc<str>,
    text: Vec<u8>,
    at: usize,
    /// The number of the line that was read last.
    pub(super) line: usize,
    /// The block that is being read applies.
    pub(super) active: bool,
    /// The file was included where nothing applies: no block of it can.
    pub(super) never: bool,
    /// It belongs to the user, not to the system.
    pub(super) is_user: bool,
    /// What a line includes, still to be asked for ..
    pub(super) wanted: VecDeque<Read>,
    /// .. and still to be read.
    pub(super) files: VecDeque<ConfigFile>,
}

impl Frame {
    /// A file from its beginning.
    pub(super) fn new(file: ConfigFile, active: bool, never: bool, is_user: bool) -> Self {
        let (wanted, files) = (VecDeque::new(), VecDeque::new());
        Self { name: file.name.into(), text: file.text, at: 0, line: 0, active, never, is_user, wanted, files }
    }

    /// The next line that is neither empty nor a comment; `None`: there is none.
    pub(super) fn next_line(&mut self) -> Option<Result<String, Fault>> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            self.at = self.at.saturating_add(length).saturating_add(1);
            self.line += 1;
            let content = line.trim_ascii();
            if content.is_empty() && !content.contains(&0x0c) || content.starts_with(b"#") {
                continue;
            }
            if line.len() > MAX_LINE {
                return Some(Err(format!("the line has more than {MAX_LINE} bytes")));
            }
            let text = core::str::from_utf8(line).map(String::from);
            return Some(text.map_err(|_| "the line is not valid UTF-8".into()));
        }
    }
}
