//! The byte-level alphabet of GPT-2: every byte is one printable character, so BPE can work on text.

/// The character that stands for `byte`: itself where it is printable, else one from U+0100 on.
pub(super) fn to_char(byte: u8) -> char {
    let code = u32::from(byte);
    let code = match byte {
        0..=32 => 0x100 + code,
        127..=160 => 0x121 + code - 127,
        173 => 0x143,
        _ => code,
    };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that `character` stands for, if it is of the alphabet.
fn to_byte(character: char) -> Option<u8> {
    let code = u32::from(character);
    let byte = match code {
        33..=126 | 161..=172 | 174..=255 => code,
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 127,
        0x143 => 173,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

/// The bytes behind a token's text; a text outside the alphabet stands for itself.
pub(super) fn decode(text: &str) -> Vec<u8> {
    text.chars().map(to_byte).collect::<Option<Vec<u8>>>().unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character() {
        let all: std::collections::HashSet<char> = (0..=u8::MAX).map(to_char).collect();
        assert_eq!(all.len(), 256);
        for byte in 0..=u8::MAX {
            assert_eq!(to_byte(to_char(byte)), Some(byte));
        }
        assert_eq!(to_char(b' '), 'Ġ');
        assert_eq!(to_char(b'\n'), 'Ċ');
    }
}
