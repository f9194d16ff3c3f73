//! Folder names on the wire: modified UTF-7 (RFC 3501, section 5.1.3).

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const MODIFIED_BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Writes a name in modified UTF-7.
///
/// ```
/// assert_eq!(mailvan::imap::name::encode("Entwürfe & Ähnliches"), "Entw&APw-rfe &- &AMQ-hnliches");
/// ```
pub fn encode(name: &str) -> String {
    let mut wire = String::with_capacity(name.len());
    let mut pending: Vec<u8> = Vec::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut wire, &mut pending);
            wire.push(c);
            if c == '&' {
                wire.push('-');
            }
        } else {
            let mut units = [0; 2];
            pending.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut wire, &mut pending);
    wire
}

fn flush(wire: &mut String, pending: &mut Vec<u8>) {
    if !pending.is_empty() {
        wire.push('&');
        wire.push_str(&MODIFIED_BASE64.encode(&*pending));
        wire.push('-');
        pending.clear();
    }
}

/// Reads a name in modified UTF-7. `None` where it is not valid, so that the caller can keep the
/// wire form as it is.
///
/// ```
/// assert_eq!(mailvan::imap::name::decode("Gr&APYA3w-e").as_deref(), Some("Größe"));
/// assert_eq!(mailvan::imap::name::decode("broken &x"), None);
/// ```
pub fn decode(wire: &str) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let (encoded, after) = shifted.split_once('-')?;
        if encoded.is_empty() {
            name.push('&');
        } else {
            let bytes = MODIFIED_BASE64.decode(encoded).ok()?;
            let (pairs, odd) = bytes.as_chunks::<2>();
            if !odd.is_empty() {
                return None;
            }
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            for c in char::decode_utf16(units) {
                name.push(c.ok()?);
            }
        }
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn example_of_the_standard_is_read_and_written() {
        let name = "~peter/mail/台北/日本語";
        assert_eq!(encode(name), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        assert_eq!(decode("~peter/mail/&U,BTFw-/&ZeVnLIqe-").as_deref(), Some(name));
    }

    proptest! {
        #[test]
        fn every_name_survives_the_wire(name in any::<String>()) {
            let wire = encode(&name);
            prop_assert!(wire.is_ascii());
            prop_assert_eq!(decode(&wire), Some(name));
        }

        #[test]
        fn no_wire_form_panics(wire in any::<String>()) {
            let _ = decode(&wire);
        }
    }
}
