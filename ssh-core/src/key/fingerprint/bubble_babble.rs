//! Bubble Babble, an encoding of digests that can be read out (A. Huima, "The Bubble Babble Binary Data Encoding").

use alloc::string::String;

const VOWELS: &[u8; 6] = b"aeiouy";
const CONSONANTS: &[u8; 17] = b"bcdfghklmnprstvzx";

/// The words of `digest`, five letters each, with a checksum in their vowels.
pub(super) fn encode(digest: &[u8]) -> String {
    let vowel = |index: usize| char::from(VOWELS.get(index % 6).copied().unwrap_or_default());
    let consonant = |index: u8| char::from(CONSONANTS.get(usize::from(index)).copied().unwrap_or_default());
    let mut text = String::from("x");
    let mut checksum = 1_usize;
    let mut pairs = digest.chunks_exact(2);
    for pair in &mut pairs {
        let &[first, second] = pair else { continue };
        text.push(vowel(usize::from(first >> 6) + checksum));
        text.push(consonant(first >> 2 & 15));
        text.push(vowel(usize::from(first & 3) + checksum / 6));
        text.push(consonant(second >> 4));
        text.push('-');
        text.push(consonant(second & 15));
        checksum = (checksum * 5 + usize::from(first) * 7 + usize::from(second)) % 36;
    }
    match pairs.remainder() {
        &[last] => {
            text.push(vowel(usize::from(last >> 6) + checksum));
            text.push(consonant(last >> 2 & 15));
            text.push(vowel(usize::from(last & 3) + checksum / 6));
        }
        _ => {
            text.push(vowel(checksum));
            text.push(consonant(16));
            text.push(vowel(checksum / 6));
        }
    }
    text.push('x');
    text
}

#[cfg(test)]
mod tests {
    use super::encode;

    /// The examples of the encoding's description.
    #[test]
    fn the_published_examples() {
        assert_eq!(encode(b""), "xexax");
        assert_eq!(encode(b"1234567890"), "xesef-disof-gytuf-katof-movif-baxux");
        assert_eq!(encode(b"Pineapple"), "xigak-nyryk-humil-bosek-sonax");
    }
}
