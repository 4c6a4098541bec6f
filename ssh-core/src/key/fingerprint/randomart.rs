//! Fingerprints as pictures, `ssh-keygen -lv`'s "randomart": the path of a drunken bishop, who takes a diagonal step for
//! every two bits and leaves a mark wherever he has been. People notice when a picture that they know is another one.

use alloc::format;
use alloc::string::String;

const WIDTH: usize = 17;
const HEIGHT: usize = 9;
/// By how often a place was visited; then the start and the end.
const MARKS: &[u8; 15] = b" .o+=*BOX@%&#/^";
const START: u8 = b'S';
const END: u8 = b'E';
/// Longest text in a border; OpenSSH cuts off what is longer.
const MAX_TEXT: usize = WIDTH - 1;

/// The picture: eleven lines without a line end after the last. `key_type` and `bits` stand in its upper border if there
/// is room, `hash` in its lower one.
pub(super) fn draw(digest: &[u8], key_type: &str, bits: Option<u32>, hash: &str) -> String {
    let title = bits.map(|bits| format!("[{key_type} {bits}]")).filter(|title| title.len() <= MAX_TEXT);
    let title = title.unwrap_or_else(|| format!("[{key_type}]"));
    let mut picture = border(&title);
    for row in walk(digest) {
        picture.push_str("\n|");
        picture.extend(row.map(char::from));
        picture.push('|');
    }
    picture + "\n" + &border(&format!("[{hash}]"))
}

fn border(text: &str) -> String {
    let text: String = text.chars().take(MAX_TEXT).collect();
    let before = (WIDTH - text.len().min(WIDTH)) / 2;
    let after = WIDTH.saturating_sub(before + text.len());
    format!("+{}{text}{}+", "-".repeat(before), "-".repeat(after))
}

fn walk(digest: &[u8]) -> [[u8; WIDTH]; HEIGHT] {
    let mut visits = [[0_usize; WIDTH]; HEIGHT];
    let start = (WIDTH / 2, HEIGHT / 2);
    let (mut x, mut y) = start;
    for step in digest.iter().flat_map(|byte| [0, 2, 4, 6].map(|shift| byte >> shift)) {
        x = moved(x, step & 1 != 0, WIDTH);
        y = moved(y, step & 2 != 0, HEIGHT);
        if let Some(count) = visits.get_mut(y).and_then(|row| row.get_mut(x)) {
            *count += 1;
        }
    }
    let mark = |count: usize| MARKS.get(count.min(MARKS.len() - 1)).copied().unwrap_or(b' ');
    let mut picture = visits.map(|row| row.map(mark));
    for ((x, y), mark) in [(start, START), ((x, y), END)] {
        if let Some(place) = picture.get_mut(y).and_then(|row| row.get_mut(x)) {
            *place = mark;
        }
    }
    picture
}

/// One step; the walls stop it.
fn moved(position: usize, forward: bool, length: usize) -> usize {
    if forward { (position + 1).min(length - 1) } else { position.saturating_sub(1) }
}
