//! `*` and `?` in names of environment variables.

/// Whether `pattern` covers the whole of `text`: `*` is any text, `?` any one byte.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to resume if what follows the last star does not fit: the star takes one byte more.
    let mut resume = None;
    loop {
        match (pattern.get(at_pattern), text.get(at_text)) {
            (Some(b'*'), _) => {
                at_pattern += 1;
                resume = Some((at_pattern, at_text));
            }
            (Some(wanted), Some(byte)) if *wanted == b'?' || wanted == byte => {
                (at_pattern, at_text) = (at_pattern + 1, at_text + 1);
            }
            (None, None) => return true,
            _ => match resume {
                Some((after, from)) if from < text.len() => {
                    resume = Some((after, from + 1));
                    (at_pattern, at_text) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}
