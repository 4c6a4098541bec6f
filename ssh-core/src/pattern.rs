//! OpenSSH's patterns: `*` any text, `?` any one byte, `!` before a pattern excludes (ssh_config(5), PATTERNS).

/// Whether `pattern` covers the whole of `text`. Takes at most |pattern| · |text| steps, whatever the stars.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut rest_pattern, mut rest_text) = (pattern, text);
    // where to resume if what follows the last star does not fit: that star takes one byte more
    let mut resume: Option<(&[u8], &[u8])> = None;
    loop {
        match (rest_pattern.split_first(), rest_text.split_first()) {
            (Some((b'*', after)), _) => {
                resume = Some((after, rest_text));
                rest_pattern = after;
            }
            (Some((wanted, pattern)), Some((byte, text))) if *wanted == b'?' || wanted == byte => {
                (rest_pattern, rest_text) = (pattern, text);
            }
            (None, None) => return true,
            _ => {
                let Some((after, [_, shorter @ ..])) = resume else { return false };
                resume = Some((after, shorter));
                (rest_pattern, rest_text) = (after, shorter);
            }
        }
    }
}

/// Whether some pattern covers `text` and no pattern with `!` does.
pub(crate) fn list_matches<'a>(patterns: impl IntoIterator<Item = &'a [u8]>, text: &[u8]) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix(b"!") {
            Some(excluded) if matches(excluded, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

/// Whether there is a wildcard in `text`.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}
