//! Names in a client's certificate, spelt as accounts require them: `/C=SE/O=Example/CN=client`.
//!
//! Whether the certificate is to be believed is for TLS to decide, before; here its bytes are only read.

use std::fmt::Write;

const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The optional version, explicit context tag 0.
const VERSION: u8 = 0xA0;

/// Kinds of names by object identifier, with the short names that OpenSSL gives them.
const KINDS: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 13], "description"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 43], "initials"),
    (&[0x55, 4, 46], "dnQualifier"),
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 13, 1, 9, 1], "emailAddress"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 100, 1, 1], "UID"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 100, 1, 25], "DC"),
];

/// Subject and issuer of a certificate in DER; `None` when it is none.
pub fn certificate_names(der: &[u8]) -> Option<(String, String)> {
    let mut certificate = Der(Der(der).value(SEQUENCE)?);
    let mut fields = Der(certificate.value(SEQUENCE)?);
    if fields.0.first() == Some(&VERSION) {
        fields.value(VERSION)?;
    }
    fields.value(INTEGER)?;
    let _signature = fields.value(SEQUENCE)?;
    let issuer = name(fields.value(SEQUENCE)?)?;
    let _validity = fields.value(SEQUENCE)?;
    Some((name(fields.value(SEQUENCE)?)?, issuer))
}

fn name(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut sets = Der(bytes);
    while !sets.0.is_empty() {
        let mut parts = Der(sets.value(SET)?);
        while !parts.0.is_empty() {
            let mut part = Der(parts.value(SEQUENCE)?);
            let kind = part.value(OID)?;
            let (_, value) = part.next()?;
            text.push('/');
            match KINDS.iter().find(|(oid, _)| *oid == kind) {
                Some((_, short)) => text.push_str(short),
                None => dotted(kind, &mut text)?,
            }
            text.push('=');
            for &byte in value {
                if matches!(byte, b' '..=b'~') {
                    text.push(char::from(byte));
                } else {
                    // Writing to a string does not fail.
                    let _ = write!(text, "\\x{byte:02X}");
                }
            }
        }
    }
    Some(text)
}

/// An object identifier as its numbers.
fn dotted(oid: &[u8], text: &mut String) -> Option<()> {
    let mut number = 0u64;
    let mut is_first = true;
    for &byte in oid {
        number = number.checked_mul(128)? + u64::from(byte & 0x7F);
        if byte & 0x80 != 0 {
            continue;
        }
        if is_first {
            let top = (number / 40).min(2);
            let _ = write!(text, "{top}.{}", number - 40 * top);
        } else {
            let _ = write!(text, ".{number}");
        }
        (is_first, number) = (false, 0);
    }
    Some(())
}

/// Elements of DER, one behind the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Tag and contents of the next element.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, short], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match short {
            0..=0x7F => (usize::from(short), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7F))?;
                (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, contents))
    }

    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match contents.len() {
            short @ 0..=0x7F => bytes.push(short as u8),
            long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
        }
        bytes.extend(contents);
        bytes
    }

    fn named(parts: &[(&[u8], &[u8])]) -> Vec<u8> {
        let sets = parts.iter().map(|(oid, value)| {
            element(SET, &element(SEQUENCE, &[element(OID, oid), element(0x0C, value)].concat()))
        });
        element(SEQUENCE, &sets.collect::<Vec<_>>().concat())
    }

    fn certificate() -> Vec<u8> {
        let subject = named(&[
            (&[0x55, 4, 6], b"SE"),
            (&[0x55, 4, 10], "Å".as_bytes()),
            (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 13, 1, 9, 1], b"a@b"),
            (&[0x2A, 3, 0x84, 0], b"x"),
        ]);
        let issuer = named(&[(&[0x55, 4, 3], &[b'n'; 200])]);
        let fields = [
            element(VERSION, &element(INTEGER, &[2])),
            element(INTEGER, &[1]),
            element(SEQUENCE, &[]),
            issuer,
            element(SEQUENCE, &[]),
            subject,
        ];
        element(SEQUENCE, &element(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn names_are_spelt_as_openssl_does() {
        let (subject, issuer) = certificate_names(&certificate()).unwrap();
        assert_eq!(subject, "/C=SE/O=\\xC3\\x85/emailAddress=a@b/1.2.3.512=x");
        assert_eq!(issuer, format!("/CN={}", "n".repeat(200)));
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_names() {
        let whole = certificate();
        for cut in 0..whole.len() - 1 {
            assert!(certificate_names(&whole[..cut]).is_none(), "{cut}");
        }
        // Every byte of it changed: an answer or none, but no panic.
        for at in 0..whole.len() {
            for bits in [1, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] ^= bits;
                let _ = certificate_names(&bytes);
            }
        }
    }
}
