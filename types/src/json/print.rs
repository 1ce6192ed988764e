//! JSON as text.

use super::Json;
use crate::number;

pub(super) fn write(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Int(v) => number::write_i64(*v, out),
        Json::UInt(v) => number::write_u64(*v, out),
        Json::Double(v) => write_double(*v, out),
        Json::Decimal(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Json::String(text) => write_string(text, out),
        Json::Array(list) => {
            out.push(b'[');
            for (i, element) in list.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                write(element, out);
            }
            out.push(b']');
        }
        Json::Object(object) => {
            out.push(b'{');
            for (i, (key, value)) in object.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                write_string(key, out);
                out.extend_from_slice(b": ");
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Shortest digits, marked as a double by a point or an exponent.
pub(super) fn write_double(v: f64, out: &mut Vec<u8>) {
    let start = out.len();
    number::write_double(v, out);
    if v == 0.0 && v.is_sign_negative() && out[start] != b'-' {
        out.insert(start, b'-');
    }
    if !out[start..].iter().any(|b| matches!(b, b'.' | b'e')) {
        out.extend_from_slice(b".0");
    }
}

pub(super) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut plain = 0;
    for (i, &byte) in text.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            12 => b'f',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&text[plain..i]);
        plain = i + 1;
        if short == 0 {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&text[plain..]);
    out.push(b'"');
}

fn new_line(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + depth * 2, b' ');
}

pub(super) fn write_pretty(json: &Json, depth: usize, out: &mut Vec<u8>) {
    match json {
        Json::Array(list) if !list.is_empty() => {
            out.push(b'[');
            for (i, element) in list.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                new_line(depth + 1, out);
                write_pretty(element, depth + 1, out);
            }
            new_line(depth, out);
            out.push(b']');
        }
        Json::Object(object) if !object.is_empty() => {
            out.push(b'{');
            for (i, (key, value)) in object.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                new_line(depth + 1, out);
                write_string(key, out);
                out.extend_from_slice(b": ");
                write_pretty(value, depth + 1, out);
            }
            new_line(depth, out);
            out.push(b'}');
        }
        _ => write(json, out),
    }
}
