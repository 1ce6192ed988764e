//! The East Asian character sets.

use super::{BadText, Charset};
use encoding_rs::{DecoderResult, EncoderResult, Encoding};
use std::borrow::Cow;

fn table(charset: Charset) -> &'static Encoding {
    match charset {
        Charset::Big5 => encoding_rs::BIG5,
        Charset::Gbk | Charset::Gb2312 => encoding_rs::GBK,
        Charset::Sjis | Charset::Cp932 => encoding_rs::SHIFT_JIS,
        Charset::Euckr => encoding_rs::EUC_KR,
        Charset::Ujis | Charset::Eucjpms => encoding_rs::EUC_JP,
        _ => encoding_rs::GB18030,
    }
}

pub(super) fn decode(charset: Charset, bytes: &[u8]) -> Result<Cow<'_, [u8]>, BadText> {
    if bytes.is_ascii() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut decoder = table(charset).new_decoder_without_bom_handling();
    // Four bytes of UTF-8 for one of input, and some for the decoder's state, always suffice.
    let mut out = vec![0; bytes.len() * 4 + 16];
    let (result, read, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut out, true);
    match result {
        DecoderResult::InputEmpty => {
            out.truncate(written);
            Ok(Cow::Owned(out))
        }
        DecoderResult::Malformed(bad, after) => {
            Err(BadText { at: read.saturating_sub(usize::from(bad) + usize::from(after)) })
        }
        DecoderResult::OutputFull => Err(BadText { at: read }),
    }
}

pub(super) fn encode(charset: Charset, text: &[u8], mut missing: impl FnMut(usize)) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut encoder = table(charset).new_encoder();
    let mut out = vec![0; text.len() * 4 + 16];
    let (mut read, mut written) = (0, 0);
    loop {
        let (result, more_read, more_written) =
            encoder.encode_from_utf8_without_replacement(&text[read..], &mut out[written..], true);
        read += more_read;
        written += more_written;
        match result {
            EncoderResult::InputEmpty => break,
            EncoderResult::OutputFull => out.resize(out.len() * 2, 0),
            EncoderResult::Unmappable(c) => {
                missing(read - c.len_utf8());
                out[written] = b'?';
                written += 1;
            }
        }
    }
    out.truncate(written);
    out
}
