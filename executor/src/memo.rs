//! Results of a correlated subquery, by the values of the outer row that it reads.

use crate::packed::put_value;
use crate::runtime::SubRows;
use aurora_types::Value;
use std::collections::HashMap;
use std::rc::Rc;

/// What one memo may hold.
const MAX_BYTES: usize = 8 << 20;
/// After so many questions the hits are counted ...
const WINDOW: u32 = 4096;
/// ... and fewer than these switch the memo off.
const MIN_HITS: u32 = WINDOW / 64;

/// One subquery's memo.
#[derive(Default)]
pub(crate) struct Memo {
    known: HashMap<Vec<u8>, Rc<SubRows>>,
    key: Vec<u8>,
    bytes: usize,
    asked: u32,
    hits: u32,
    is_off: bool,
}

impl Memo {
    /// What an earlier run with the same values gave.
    pub fn get(&mut self, args: &[Value]) -> Option<Rc<SubRows>> {
        if self.is_off {
            return None;
        }
        if self.asked == WINDOW {
            if self.hits < MIN_HITS {
                self.is_off = true;
                self.known = HashMap::new();
                return None;
            }
            (self.asked, self.hits) = (0, 0);
        }
        self.asked += 1;
        self.key.clear();
        for arg in args {
            put_value(arg, &mut self.key);
        }
        let found = self.known.get(self.key.as_slice()).cloned();
        self.hits += u32::from(found.is_some());
        found
    }

    /// Keeps the answer to `args`. What does not fit any more is not kept: the first values are as good as others.
    pub fn put(&mut self, args: &[Value], rows: &Rc<SubRows>) {
        if self.is_off {
            return;
        }
        let mut key = Vec::with_capacity(self.key.len());
        for arg in args {
            put_value(arg, &mut key);
        }
        let bytes = key.len() + rows.bytes() + 64;
        if self.bytes + bytes <= MAX_BYTES {
            self.bytes += bytes;
            self.known.insert(key, rows.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(value: i64) -> Rc<SubRows> {
        Rc::new(SubRows { rows: vec![vec![Value::Int(value)]], set: None })
    }

    #[test]
    fn values_of_another_kind_are_others() {
        let mut memo = Memo::default();
        assert!(memo.get(&[Value::Int(1)]).is_none());
        memo.put(&[Value::Int(1)], &rows(7));
        assert!(memo.get(&[Value::Int(1)]).is_some());
        assert!(memo.get(&[Value::UInt(1)]).is_none());
        assert!(memo.get(&[Value::Null]).is_none());
    }

    #[test]
    fn a_memo_without_hits_goes_off_and_one_with_hits_stays() {
        let (mut useless, mut useful) = (Memo::default(), Memo::default());
        for i in 0..20_000 {
            if useless.get(&[Value::Int(i)]).is_none() {
                useless.put(&[Value::Int(i)], &rows(i));
            }
            if useful.get(&[Value::Int(i % 50)]).is_none() {
                useful.put(&[Value::Int(i % 50)], &rows(i));
            }
        }
        assert!(useless.is_off && useless.known.is_empty());
        assert!(!useful.is_off && useful.known.len() == 50);
    }

    #[test]
    fn a_memo_is_bounded() {
        let mut memo = Memo::default();
        let long = Value::Text(vec![b'x'; 1 << 20].as_slice().into());
        for i in 0..64 {
            memo.put(&[Value::Int(i), long.clone()], &rows(i));
        }
        assert!(memo.bytes <= MAX_BYTES && memo.known.len() == 7);
    }
}
