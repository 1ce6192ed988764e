//! Tables as a whole, on the simulated disk.

use super::*;
use crate::error::{LsmError, Result};
use crate::options::{Compression, FilterKind};
use crate::types::{EntryKind, Seq};
use aurora_env::sim::{NonceWatch, SimEntropy, SimFaults, SimFs};
use aurora_env::{FileSystem, PlainSealing};
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// User key, then seq downward: [`compare`]'s order.
type Model = BTreeMap<Key, Option<Vec<u8>>>;
type Key = (Vec<u8>, Reverse<u64>);
type Entry = (Key, Option<Vec<u8>>);

struct Place {
    fs: Arc<SimFs>,
    path: PathBuf,
    /// Fails a test that seals two blocks of a file under one number.
    sealing: NonceWatch,
    cache: Arc<BlockCache>,
}

impl Place {
    fn new(cache_bytes: u64) -> Place {
        let fs = SimFs::new(7);
        let dir = Path::new("/d");
        fs.create_dir_all(dir).unwrap();
        let plain = PlainSealing::new([3; 16], Arc::new(SimEntropy::new(5)));
        let sealing = NonceWatch::new(Arc::new(plain));
        Place { fs, path: dir.join("1.sst"), sealing, cache: BlockCache::new(cache_bytes) }
    }

    fn writer(&self, options: &TableOptions) -> TableWriter {
        TableWriter::create(&*self.fs, &self.path, &self.sealing, options).unwrap()
    }

    fn write(&self, options: &TableOptions, model: &Model) -> TableMeta {
        let mut writer = self.writer(options);
        for ((key, Reverse(seq)), value) in model {
            let kind = if value.is_some() { EntryKind::Put } else { EntryKind::Delete };
            writer.add(key, Seq(*seq), kind, value.as_deref().unwrap_or_default()).unwrap();
        }
        let about = writer.written_bytes();
        let meta = writer.finish().unwrap();
        assert!(meta.file_bytes <= about + 4096, "{} of {about}", meta.file_bytes);
        meta
    }

    fn open(&self) -> Result<Arc<Table>> {
        Table::open(&*self.fs, &self.path, &self.sealing, 1, self.cache.clone())
    }
}

fn options(filter: FilterKind) -> TableOptions {
    TableOptions {
        block_bytes: 300,
        restart_interval: 4,
        compression: Compression::Zstd,
        sample_bytes: 3000,
        light: false,
        filter,
        filter_bits_per_key: 10,
    }
}

fn numbered(count: u64) -> Model {
    let value = |n: u64| (n % 7 != 3).then(|| format!("value {n} ").repeat(n as usize % 5).into_bytes());
    (0..count)
        .flat_map(|n| {
            let key = format!("table/row/{:06}", n * 2).into_bytes();
            (0..=n % 3)
                .map(move |version| ((key.clone(), Reverse(100 + n + version * 50)), value(n + version)))
        })
        .collect()
}

fn entry_at(iter: &TableIter) -> Entry {
    assert_eq!(&*iter.pinned_value(), iter.value());
    let value = (iter.kind() == EntryKind::Put).then(|| iter.value().to_vec());
    assert!(value.is_some() || iter.value().is_empty());
    ((iter.user_key().to_vec(), Reverse(iter.seq().0)), value)
}

fn walk(iter: &mut TableIter, forward: bool) -> Result<Vec<Entry>> {
    let mut met = Vec::new();
    let mut stands = if forward { iter.seek_to_first()? } else { iter.seek_to_last()? };
    while stands {
        assert!(iter.valid());
        met.push(entry_at(iter));
        stands = if forward { iter.next()? } else { iter.prev()? };
    }
    assert!(!iter.valid() && iter.user_key().is_empty() && iter.value().is_empty());
    Ok(met)
}

fn check_against(model: &Model, table: &Arc<Table>, probes: &[(Vec<u8>, u64)]) {
    let all: Vec<_> = model.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(walk(&mut table.iter(), true).unwrap(), all);
    assert_eq!(walk(&mut table.scan(), true).unwrap(), all);
    let backward = walk(&mut table.iter(), false).unwrap();
    assert!(backward.iter().eq(all.iter().rev()));
    let mut iter = table.iter();
    for (key, seq) in probes {
        let place = (key.clone(), Reverse(*seq));
        let after = model.range(place.clone()..).next().map(|(k, v)| (k.clone(), v.clone()));
        let before = model.range(..=place).next_back().map(|(k, v)| (k.clone(), v.clone()));

        assert_eq!(iter.seek(key, Seq(*seq)).unwrap(), after.is_some());
        assert_eq!(iter.valid().then(|| entry_at(&iter)), after);
        if let Some((found, _)) = &after {
            // A step back and a step forward come back to the same entry.
            let earlier = model.range(..found.clone()).next_back().map(|(k, v)| (k.clone(), v.clone()));
            assert_eq!(iter.prev().unwrap(), earlier.is_some());
            assert_eq!(iter.valid().then(|| entry_at(&iter)), earlier);
            if earlier.is_some() {
                assert!(iter.next().unwrap());
                assert_eq!(Some(entry_at(&iter)), after);
            }
        }
        assert_eq!(iter.seek_for_prev(key, Seq(*seq)).unwrap(), before.is_some());
        assert_eq!(iter.valid().then(|| entry_at(&iter)), before);

        let want = after.filter(|((found, _), _)| found == key);
        let got = table.get(key, Seq(*seq)).unwrap().map(|(seq, kind, value)| {
            ((key.clone(), Reverse(seq.0)), (kind == EntryKind::Put).then(|| value.to_vec()))
        });
        assert_eq!(got, want);
    }
}

fn small_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(prop_oneof![Just(0u8), Just(b'a'), Just(b'b'), Just(0xff)], 0..6),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn small_value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        1 => Just(None),
        4 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Some),
        1 => (any::<u8>(), 0..2000usize).prop_map(|(byte, len)| Some(vec![byte; len])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_what_was_added(
        entries in prop::collection::btree_map(
            (small_key(), prop_oneof![(0..6u64).boxed(), (0..=Seq::MAX.0).boxed()].prop_map(Reverse)),
            small_value(),
            0..300,
        ),
        more in prop::collection::vec((small_key(), 0..7u64), 0..60),
        block_bytes in prop_oneof![Just(1usize), Just(64), Just(400), Just(16384)],
        restart_interval in 1..9usize,
        sample_bytes in prop_oneof![Just(0usize), Just(1), Just(600)],
        compression in prop_oneof![Just(Compression::None), Just(Compression::Lz4), Just(Compression::Zstd)],
        filter in prop_oneof![Just(FilterKind::None), Just(FilterKind::Blocked), Just(FilterKind::Classic)],
        cache_bytes in prop_oneof![Just(0u64), Just(20_000), Just(1 << 20)],
    ) {
        let place = Place::new(cache_bytes);
        let options =
            TableOptions { block_bytes, restart_interval, compression, sample_bytes, light: false, filter, filter_bits_per_key: 10 };
        let meta = place.write(&options, &entries);
        let table = place.open().unwrap();
        prop_assert_eq!(table.meta(), &meta);
        prop_assert_eq!(meta.entries, entries.len() as u64);
        prop_assert_eq!(meta.tombstones, entries.values().filter(|value| value.is_none()).count() as u64);
        prop_assert_eq!(meta.file_bytes, place.fs.file_len(&place.path).unwrap());
        let seqs = || entries.keys().map(|(_, Reverse(seq))| *seq);
        prop_assert_eq!(meta.min_seq.0, seqs().min().unwrap_or(0));
        prop_assert_eq!(meta.max_seq.0, seqs().max().unwrap_or(0));
        if let (Some((first, _)), Some((last, _))) = (entries.first_key_value(), entries.last_key_value()) {
            prop_assert_eq!((&meta.smallest, &meta.largest), (&first.0, &last.0));
        }
        let mut probes = more;
        for (key, Reverse(seq)) in entries.keys() {
            probes.extend([
                (key.clone(), *seq),
                (key.clone(), Seq::MAX.0),
                (key.clone(), seq.saturating_sub(1)),
                ([key, &b"\0"[..]].concat(), *seq),
            ]);
        }
        check_against(&entries, &table, &probes);
    }
}

#[test]
fn many_blocks_and_several_index_blocks() {
    for filter in [FilterKind::Blocked, FilterKind::Classic] {
        let place = Place::new(1 << 20);
        let model = numbered(3000);
        place.write(&options(filter), &model);
        let table = place.open().unwrap();
        let probes: Vec<_> = (0..6100)
            .step_by(7)
            .flat_map(|n| {
                let key = format!("table/row/{n:06}").into_bytes();
                [(key.clone(), 0), (key.clone(), 100 + n / 2 + 60), (key, Seq::MAX.0)]
            })
            .collect();
        check_against(&model, &table, &probes);
        assert!(table.get(b"", Seq::MAX).unwrap().is_none());
        assert!(table.get(b"\xff", Seq::MAX).unwrap().is_none());
    }
}

#[test]
fn filters_keep_reads_from_blocks() {
    for (filter, limit) in [(FilterKind::Blocked, 100), (FilterKind::Classic, 100), (FilterKind::None, 5000)]
    {
        let place = Place::new(1 << 20);
        place.write(&options(filter), &numbered(4000));
        let table = place.open().unwrap();
        let let_through = (0..4000u64)
            .map(|n| format!("table/row/{:06}", n * 2 + 1))
            .filter(|key| {
                assert!(table.get(key.as_bytes(), Seq::MAX).unwrap().is_none());
                table.may_contain(hash64(key.as_bytes()))
            })
            .count();
        assert!(let_through < limit, "{filter:?}: {let_through} of 4000");
        assert_eq!(let_through == 4000, filter == FilterKind::None);
    }
}

#[test]
fn a_pinned_value_outlives_table_and_cache() {
    let place = Place::new(1 << 20);
    let model: Model = [((b"k".to_vec(), Reverse(4)), Some(b"here".to_vec()))].into();
    place.write(&options(FilterKind::Blocked), &model);
    let table = place.open().unwrap();
    let (seq, kind, value) = table.get(b"k", Seq(9)).unwrap().unwrap();
    assert_eq!((seq, kind), (Seq(4), EntryKind::Put));
    assert!(table.get(b"k", Seq(3)).unwrap().is_none());
    drop((table, place));
    assert_eq!(&*value, b"here");
}

#[test]
fn range_tombstones_come_back_sorted_and_widen_the_key_range() {
    let place = Place::new(1 << 20);
    let mut writer = place.writer(&options(FilterKind::Blocked));
    writer.add_range_tombstone(b"m", b"z", Seq(9)).unwrap();
    writer.add(b"k", Seq(20), EntryKind::Put, b"v").unwrap();
    writer.add_range_tombstone(b"a", b"b", Seq(3)).unwrap();
    writer.add_range_tombstone(b"a", b"c", Seq(4)).unwrap();
    writer.add_range_tombstone(b"x", b"x", Seq(1)).unwrap();
    let meta = writer.finish().unwrap();
    let table = place.open().unwrap();
    assert_eq!(table.meta(), &meta);
    assert_eq!((&meta.smallest[..], &meta.largest[..]), (&b"a"[..], &b"z"[..]));
    assert_eq!((meta.min_seq, meta.max_seq, meta.entries, meta.range_tombstones), (Seq(3), Seq(20), 1, 3));
    let found: Vec<_> =
        table.range_tombstones().iter().map(|t| (&t.start[..], &t.end[..], t.seq.0)).collect();
    assert_eq!(found, [(&b"a"[..], &b"c"[..], 4), (b"a", b"b", 3), (b"m", b"z", 9)]);
}

#[test]
fn only_range_tombstones_make_a_table_too() {
    let place = Place::new(1 << 20);
    let mut writer = place.writer(&options(FilterKind::Blocked));
    writer.add_range_tombstone(b"c", b"d", Seq(9)).unwrap();
    let meta = writer.finish().unwrap();
    assert_eq!((&meta.smallest[..], &meta.largest[..], meta.entries), (&b"c"[..], &b"d"[..], 0));
    let table = place.open().unwrap();
    check_against(&Model::new(), &table, &[(b"c".to_vec(), 10)]);
}

#[test]
fn disorder_is_refused_and_spoils_the_table() {
    let place = Place::new(0);
    let mut writer = place.writer(&options(FilterKind::None));
    writer.add(b"b", Seq(5), EntryKind::Put, b"").unwrap();
    assert!(writer.add(b"b", Seq(5), EntryKind::Put, b"").is_err());
    assert!(writer.add(b"c", Seq(5), EntryKind::Put, b"").is_err());
    assert!(writer.finish().is_err());
    assert!(place.open().unwrap_err().is_damage());
}

#[test]
fn a_full_disk_spoils_the_table() {
    let place = Place::new(0);
    let mut writer =
        place.writer(&TableOptions { compression: Compression::None, ..options(FilterKind::None) });
    place.fs.set_faults(SimFaults { capacity_bytes: Some(100_000), ..SimFaults::default() });
    let mut met = None;
    for n in 0..400u32 {
        if let Err(error) = writer.add(&n.to_be_bytes(), Seq(1), EntryKind::Put, &[7; 1000]) {
            met.get_or_insert(error);
        }
    }
    assert!(met.unwrap().is_disk_full());
    place.fs.set_faults(SimFaults::default());
    assert!(writer.finish().unwrap_err().is_disk_full());
}

/// Every bit matters: with any one inverted, a full read errs, and all it says before that is right.
#[test]
fn a_flipped_bit_is_damage() {
    for filter in [FilterKind::Blocked, FilterKind::Classic] {
        let place = Place::new(0);
        let model = numbered(20);
        let mut writer = place.writer(&TableOptions { block_bytes: 500, ..options(filter) });
        for ((key, Reverse(seq)), value) in &model {
            let kind = if value.is_some() { EntryKind::Put } else { EntryKind::Delete };
            writer.add(key, Seq(*seq), kind, value.as_deref().unwrap_or_default()).unwrap();
        }
        writer.add_range_tombstone(b"a", b"b", Seq(1)).unwrap();
        let meta = writer.finish().unwrap();
        let all: Vec<_> = model.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        for offset in 0..meta.file_bytes {
            let bit = (offset % 8) as u8;
            place.fs.flip_bit(&place.path, offset, bit).unwrap();
            let error = read_all(&place, &all).expect_err("the flip went unseen");
            let text = error.to_string();
            assert!(error.is_damage(), "{offset}: {text}");
            assert!(text.contains("1.sst") && text.contains("offset"), "{offset}: {text}");
            place.fs.flip_bit(&place.path, offset, bit).unwrap();
        }
        read_all(&place, &all).unwrap();
    }
}

fn read_all(place: &Place, all: &[Entry]) -> Result<()> {
    let table = place.open()?;
    let mut first = None;
    for ((key, Reverse(seq)), value) in all {
        match table.get(key, Seq(*seq)) {
            Ok(found) => {
                let (found_seq, kind, found_value) = found.expect("a version that was added");
                assert_eq!((found_seq.0, kind == EntryKind::Put), (*seq, value.is_some()));
                assert_eq!(&*found_value, value.as_deref().unwrap_or_default());
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    let mut iter = table.iter();
    let mut at = 0;
    let mut stands = iter.seek_to_first();
    while let Ok(true) = stands {
        assert_eq!(entry_at(&iter), all[at]);
        at += 1;
        stands = iter.next();
    }
    assert!(!iter.valid());
    match (stands, first) {
        (Err(error), Some(_)) => Err(error),
        (Ok(_), None) => {
            assert_eq!(at, all.len());
            Ok(())
        }
        (walked, looked_up) => panic!("walk and lookups disagree: {walked:?}, {looked_up:?}"),
    }
}

#[test]
fn blocks_that_changed_places_are_damage() {
    let place = Place::new(0);
    let mut writer =
        place.writer(&TableOptions { compression: Compression::None, ..options(FilterKind::None) });
    for n in 0..40u32 {
        writer.add(&n.to_be_bytes(), Seq(1), EntryKind::Put, &[7; 300]).unwrap();
    }
    writer.finish().unwrap();
    // One entry a block: the second and third are equally long, and each is sound where it belongs.
    let first = u64::try_from(aurora_env::FILE_HEADER_BYTES).unwrap();
    let (clear, head, key, value, trailer, crc) = (2, 5, 4, 300, 4 + 12, 4);
    let len = clear + head + key + value + trailer + crc;
    let file = place.fs.open(&place.path).unwrap();
    let (mut second, mut third) = (vec![0; len], vec![0; len]);
    file.read_exact_at(&mut second, first + len as u64).unwrap();
    file.read_exact_at(&mut third, first + 2 * len as u64).unwrap();
    assert_ne!(second, third);
    let table = place.open().unwrap();
    assert!(table.get(&1u32.to_be_bytes(), Seq(1)).unwrap().is_some());
    file.write_all_at(&third, first + len as u64).unwrap();
    file.write_all_at(&second, first + 2 * len as u64).unwrap();
    for n in 0..40u32 {
        let found = table.get(&n.to_be_bytes(), Seq(1));
        assert_eq!(found.is_err_and(|error| error.is_damage()), n == 1 || n == 2, "{n}");
    }
}

#[test]
fn a_cut_or_foreign_file_is_damage() {
    let place = Place::new(0);
    let meta = place.write(&options(FilterKind::Blocked), &numbered(40));
    let file = place.fs.open(&place.path).unwrap();
    for len in [meta.file_bytes - 1, meta.file_bytes / 2, 100, 64, 63, 0] {
        file.set_len(len).unwrap();
        let error = place.open().unwrap_err();
        assert!(error.is_damage(), "{len}: {error}");
    }
    // The file is as long as before, but its end was never written.
    file.set_len(meta.file_bytes).unwrap();
    assert!(place.open().unwrap_err().is_damage());
}

#[test]
fn a_later_format_is_named() {
    use aurora_env::{FileHeader, FileKind};
    let place = Place::new(0);
    let header =
        FileHeader { kind: FileKind::Sst, format: 9, key_id: 0, file_id: [0; 16], instance_id: [0; 16] };
    place.fs.create(&place.path).unwrap().write_all_at(&header.encode(), 0).unwrap();
    assert!(matches!(place.open(), Err(LsmError::NewerFormat { found: 9, newest: 3, .. })));
}

/// Rows of words that all blocks use.
fn prose(count: u64) -> Model {
    let word = |n: u64| format!("{:x} ", (n % 300 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let value =
        |n: u64| (0..6).map(|at| word(n.wrapping_mul(7919) * (at + 1) + at * n * n)).collect::<String>();
    (0..count)
        .map(|n| ((format!("table/row/{n:06}").into_bytes(), Reverse(n + 1)), Some(value(n).into_bytes())))
        .collect()
}

#[test]
fn a_dictionary_makes_small_blocks_small() {
    let model = prose(4000);
    let probes: Vec<_> =
        (0..4100).step_by(9).map(|n| (format!("table/row/{n:06}").into_bytes(), Seq::MAX.0)).collect();
    let bytes = |compression, sample_bytes| {
        let place = Place::new(1 << 20);
        let options = TableOptions {
            block_bytes: 1000,
            restart_interval: 16,
            sample_bytes,
            compression,
            ..options(FilterKind::Blocked)
        };
        let meta = place.write(&options, &model);
        let table = place.open().unwrap();
        check_against(&model, &table, &probes);
        assert_eq!(table.has_dictionary(), sample_bytes > 0);
        meta.file_bytes
    };
    let both = [Compression::Lz4, Compression::Zstd].map(|compression| {
        let (without, with) = (bytes(compression, 0), bytes(compression, 64 << 10));
        assert!(with * 10 < without * 8, "{compression:?}: {with} of {without}");
        with
    });
    assert!(both[1] < both[0], "{both:?}");
}

#[test]
fn tables_of_older_formats_stay_readable() {
    use aurora_env::{FILE_HEADER_BYTES, FileHeader};
    // Format 1 knew lz4 alone, format 2 lz4 with a dictionary.
    for (format, sample_bytes) in [(1, 0), (2, 64 << 10)] {
        let place = Place::new(0);
        let model = prose(2000);
        let options = TableOptions {
            block_bytes: 1000,
            sample_bytes,
            compression: Compression::Lz4,
            ..options(FilterKind::Blocked)
        };
        place.write(&options, &model);
        let file = place.fs.open(&place.path).unwrap();
        let mut head = [0; FILE_HEADER_BYTES];
        file.read_exact_at(&mut head, 0).unwrap();
        let header = FileHeader { format, ..FileHeader::decode(&head).unwrap() };
        file.write_all_at(&header.encode(), 0).unwrap();
        let table = place.open().unwrap();
        assert_eq!(table.has_dictionary(), format == 2);
        let probes = [(b"table/row/000004".to_vec(), Seq::MAX.0)];
        check_against(&model, &table, &probes);
    }
}
