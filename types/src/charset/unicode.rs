//! UTF-8, UTF-16, UCS-2 and UTF-32.

use super::BadText;

pub(super) fn check_utf8(bytes: &[u8], max_bytes: usize) -> Result<(), BadText> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to();
        return match long_char(&bytes[..at], max_bytes) {
            Some(at) => Err(BadText { at }),
            None => Err(BadText { at }),
        };
    }
    match long_char(bytes, max_bytes) {
        Some(at) => Err(BadText { at }),
        None => Ok(()),
    }
}

/// Offset of the first four-byte character where at most three bytes are allowed.
fn long_char(bytes: &[u8], max_bytes: usize) -> Option<usize> {
    if max_bytes >= 4 { None } else { bytes.iter().position(|&byte| byte >= 0xF0) }
}

pub(super) fn decode_utf16(
    bytes: &[u8],
    unit: fn([u8; 2]) -> u16,
    surrogates: bool,
) -> Result<Vec<u8>, BadText> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let read = |at: usize| bytes.get(at..at + 2).map(|pair| u32::from(unit([pair[0], pair[1]])));
        let high = read(at).ok_or(BadText { at })?;
        let (code_point, len) = match high {
            0xD800..0xDC00 if surrogates => match read(at + 2) {
                Some(low @ 0xDC00..0xE000) => (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 4),
                _ => return Err(BadText { at }),
            },
            _ => (high, 2),
        };
        push_utf8(code_point, &mut out).ok_or(BadText { at })?;
        at += len;
    }
    Ok(out)
}

pub(super) fn decode_utf32(bytes: &[u8]) -> Result<Vec<u8>, BadText> {
    let mut out = Vec::with_capacity(bytes.len() / 2);
    for (index, unit) in bytes.chunks(4).enumerate() {
        let at = index * 4;
        let unit: [u8; 4] = unit.try_into().map_err(|_| BadText { at })?;
        push_utf8(u32::from_be_bytes(unit), &mut out).ok_or(BadText { at })?;
    }
    Ok(out)
}

fn push_utf8(code_point: u32, out: &mut Vec<u8>) -> Option<()> {
    let c = char::from_u32(code_point)?;
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

pub(super) fn encode_utf16(
    code_point: u32,
    unit: fn(u16) -> [u8; 2],
    surrogates: bool,
    out: &mut Vec<u8>,
) -> bool {
    if let Ok(single) = u16::try_from(code_point) {
        out.extend_from_slice(&unit(single));
        return true;
    }
    if !surrogates {
        return false;
    }
    let rest = code_point - 0x10000;
    out.extend_from_slice(&unit(0xD800 + (rest >> 10) as u16));
    out.extend_from_slice(&unit(0xDC00 + (rest & 0x3FF) as u16));
    true
}
