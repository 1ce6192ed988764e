//! Dates and times as MySQL prints them. On the path of rows to clients: no allocation but the output's.

use super::{Date, DateTime, Time};

fn two(v: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (v / 10 % 10) as u8, b'0' + (v % 10) as u8]);
}

fn fraction(micros: u32, fsp: u8, out: &mut Vec<u8>) {
    if fsp == 0 {
        return;
    }
    out.push(b'.');
    let mut unit = 100_000;
    for _ in 0..fsp.min(6) {
        out.push(b'0' + (micros / unit % 10) as u8);
        unit /= 10;
    }
}

impl Date {
    /// `YYYY-MM-DD`.
    pub fn write(self, out: &mut Vec<u8>) {
        two(self.year() / 100, out);
        two(self.year() % 100, out);
        out.push(b'-');
        two(self.month(), out);
        out.push(b'-');
        two(self.day(), out);
    }
}

impl Time {
    /// `[-]HH[H]:MM:SS[.ffffff]` with `fsp` digits, the rest cut.
    pub fn write(self, fsp: u8, out: &mut Vec<u8>) {
        if self.is_negative() {
            out.push(b'-');
        }
        let hours = self.hours();
        if hours >= 100 {
            out.push(b'0' + (hours / 100) as u8);
        }
        two(hours % 100, out);
        out.push(b':');
        two(self.minutes(), out);
        out.push(b':');
        two(self.seconds(), out);
        fraction(self.subsec_micros(), fsp, out);
    }
}

impl DateTime {
    /// `YYYY-MM-DD HH:MM:SS[.ffffff]` with `fsp` digits, the rest cut.
    pub fn write(self, fsp: u8, out: &mut Vec<u8>) {
        self.date().write(out);
        out.push(b' ');
        two(self.hour(), out);
        out.push(b':');
        two(self.minute(), out);
        out.push(b':');
        two(self.second(), out);
        fraction(self.subsec_micros(), fsp, out);
    }
}

macro_rules! display {
    ($($ty:ty: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl std::fmt::Display for $ty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let ($value, mut text) = (*self, Vec::with_capacity(32));
                let $out = &mut text;
                $write;
                f.write_str(&String::from_utf8_lossy(&text))
            }
        }
    )*};
}

display! {
    Date: |value, out| value.write(out);
    Time: |value, out| value.write(if value.subsec_micros() == 0 { 0 } else { 6 }, out);
    DateTime: |value, out| value.write(if value.subsec_micros() == 0 { 0 } else { 6 }, out);
}
