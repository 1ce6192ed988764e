//! The small words of the crate: sequence numbers, log positions, levels of durability, moments of a read.

/// A sequence number: the commit timestamp. One commit, one seq; the first commit of a database gets 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    pub const ZERO: Seq = Seq(0);
    /// Above every seq that is ever given out (56 bits are used).
    pub const MAX: Seq = Seq((1 << 56) - 1);
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A position in the endless stream of commit records, in bytes. A record is durable once the log is durable up to
/// the LSN behind its last byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl std::fmt::Display for Lsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What must have happened to a commit's log record before the commit is published
/// (`innodb_flush_log_at_trx_commit`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// 0: it lies in memory; written and synced within about a second.
    Buffered,
    /// 2: it is written to the operating system; synced within about a second.
    Written,
    /// 1: it is on disk.
    #[default]
    Synced,
}

/// At which moment a read looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAt {
    /// As of this seq; the caller holds a [`crate::Snapshot`] of it, or it lies above the retention floor.
    Seq(Seq),
    /// As of `published` at the moment of the call. Needs no snapshot: files are pinned first.
    Published,
    /// The newest inserted version, published or not: a current read under a held lock (STORAGE 1).
    Newest,
}

/// What an entry does to its key. Numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryKind {
    Delete = 0,
    Put = 1,
    /// Hides every older entry from its key up to the end key that is its value.
    DeleteRange = 2,
}

impl EntryKind {
    pub(crate) fn from_tag(tag: u8) -> Option<EntryKind> {
        match tag {
            0 => Some(EntryKind::Delete),
            1 => Some(EntryKind::Put),
            2 => Some(EntryKind::DeleteRange),
            _ => None,
        }
    }
}

/// Fields that travel with a commit in its log record: a versioned list of (tag, bytes) (STORAGE 2). Readers skip
/// tags that they do not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitFields {
    pub(crate) encoded: Vec<u8>,
    pub(crate) count: u16,
}

impl CommitFields {
    /// Nanoseconds since 1970, u64 LE; the engine adds it itself where the caller did not.
    pub const WALL_CLOCK: u16 = 1;
    /// Number of the newest audit record, u64 LE.
    pub const AUDIT_NUMBER: u16 = 2;
    pub const GTID: u16 = 3;
    pub const ORIGIN: u16 = 4;
    pub const BEFORE_IMAGES: u16 = 5;

    pub fn new() -> CommitFields {
        CommitFields::default()
    }

    /// Adds a field; at most 65,535 of them, each below 4 GiB.
    pub fn push(&mut self, tag: u16, bytes: &[u8]) {
        let Ok(len) = u32::try_from(bytes.len()) else { return };
        let Some(count) = self.count.checked_add(1) else { return };
        self.count = count;
        self.encoded.extend_from_slice(&tag.to_le_bytes());
        self.encoded.extend_from_slice(&len.to_le_bytes());
        self.encoded.extend_from_slice(bytes);
    }

    /// The fields in order of their pushes.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut rest = self.encoded.as_slice();
        std::iter::from_fn(move || {
            let (head, tail) = rest.split_at_checked(6)?;
            let tag = u16::from_le_bytes([head[0], head[1]]);
            let len = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
            let (bytes, tail) = tail.split_at_checked(len)?;
            rest = tail;
            Some((tag, bytes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order() {
        let mut fields = CommitFields::new();
        fields.push(CommitFields::GTID, b"abc");
        fields.push(900, b"");
        let got: Vec<_> = fields.iter().collect();
        assert_eq!(got, [(3, b"abc".as_slice()), (900, b"".as_slice())]);
    }
}
