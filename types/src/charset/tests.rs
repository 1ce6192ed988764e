use super::*;

#[test]
fn utf8_is_the_old_name_of_utf8mb3() {
    assert_eq!(lookup("UTF8"), Some(Charset::Utf8mb3));
    assert_eq!(lookup("Utf8mb4"), Some(Charset::Utf8mb4));
    assert_eq!(lookup("klingon"), None);
    assert!(all().iter().enumerate().all(|(at, info)| info.charset as usize == at));
    assert!(all().iter().all(|info| info.default_collation.charset() == info.charset));
}

#[test]
fn latin1_is_windows_1252() {
    assert_eq!(Charset::Latin1.decode(b"\x80 \xFC").as_deref(), Ok("€ ü".as_bytes()));
    assert_eq!(Charset::Latin1.encode("ü€".as_bytes()).as_deref(), Ok(&b"\xFC\x80"[..]));
    assert_eq!(Charset::Latin1.encode("a漢".as_bytes()), Err(BadText { at: 1 }));
    assert_eq!(&*Charset::Latin1.encode_lossy("a漢b".as_bytes()), b"a?b");
}

#[test]
fn every_set_reads_back_what_it_writes() {
    for info in all() {
        let text = match info.charset {
            Charset::Ascii | Charset::Binary => "plain".as_bytes(),
            Charset::Tis620 => "plain ก".as_bytes(),
            Charset::Hebrew => "plain א".as_bytes(),
            Charset::Greek => "plain α".as_bytes(),
            Charset::Armscii8 => "plain ա".as_bytes(),
            Charset::Geostd8 => "plain ა".as_bytes(),
            Charset::Cp1251 | Charset::Cp866 | Charset::Koi8r | Charset::Koi8u => "plain я".as_bytes(),
            Charset::Big5
            | Charset::Gbk
            | Charset::Gb2312
            | Charset::Gb18030
            | Charset::Sjis
            | Charset::Cp932 => "plain 中文".as_bytes(),
            Charset::Ujis | Charset::Eucjpms => "plain 日本".as_bytes(),
            Charset::Euckr => "plain 한국".as_bytes(),
            Charset::Utf8mb4 | Charset::Utf16 | Charset::Utf16le | Charset::Utf32 => "plain ü漢😀".as_bytes(),
            Charset::Utf8mb3 | Charset::Ucs2 => "plain ü漢".as_bytes(),
            Charset::Cp1256 => "plain é".as_bytes(),
            _ => "plain ä".as_bytes(),
        };
        let text = if matches!(info.charset, Charset::Cp1257 | Charset::Latin7) {
            "plain ą".as_bytes()
        } else {
            text
        };
        let bytes = info.charset.encode(text).unwrap_or_else(|bad| panic!("{} {bad:?}", info.name));
        assert_eq!(info.charset.decode(&bytes).as_deref(), Ok(text), "{}", info.name);
        assert_eq!(info.charset.encoded_len(text), bytes.len(), "{}", info.name);
    }
}

#[test]
fn bad_bytes_are_found_where_they_are() {
    assert_eq!(Charset::Utf8mb4.decode(b"ab\xFFc"), Err(BadText { at: 2 }));
    assert_eq!(Charset::Utf8mb3.decode("a😀".as_bytes()), Err(BadText { at: 1 }));
    assert_eq!(Charset::Ascii.decode(b"a\x80"), Err(BadText { at: 1 }));
    assert_eq!(Charset::Utf16.decode(&[0xD8, 0x00, 0, 65]), Err(BadText { at: 0 }));
    assert_eq!(Charset::Utf32.decode(&[0, 0, 0, 65, 0]), Err(BadText { at: 4 }));
    assert_eq!(&*Charset::Utf8mb4.decode_lossy(b"a\xFFb\xFF"), b"a?b?");
    assert!(Charset::Gbk.decode(b"\x81\xFF").is_err());
}
