//! Compression of single blocks.

use super::frame::CONTENTS_BYTES_MAX;
use crate::options::Compression;
use lz4_flex::block::{
    CompressTable, compress_into_with_dict, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};
use std::cell::RefCell;
use zstd::zstd_safe::{CCtx, CDict, DCtx, get_frame_content_size};

pub(super) const CODEC_NONE: u8 = 0;
/// u32 length of the plain bytes, then an lz4 block.
const CODEC_LZ4: u8 = 1;
/// As [`CODEC_LZ4`]; what repeats may also lie in the table's dictionary.
const CODEC_LZ4_DICTIONARY: u8 = 2;
/// A zstd frame that has its content's length.
const CODEC_ZSTD: u8 = 3;
/// As [`CODEC_ZSTD`]; what repeats may also lie in the table's dictionary.
const CODEC_ZSTD_DICTIONARY: u8 = 4;

/// Higher levels search longer and find hardly more in blocks of a few KiB.
const ZSTD_LEVEL: i32 = 1;

/// No block grows more than so many times: no lz4 block can, and what zstd makes smaller still is left to lz4. A
/// forged length takes no more memory than that.
const GROWTH_MAX: usize = 255;

/// Compresses with buffers that live on.
pub(super) struct Compressor {
    lz4: CompressTable,
    zstd: Option<Zstd>,
    out: Vec<u8>,
    dictionary: Vec<u8>,
}

struct Zstd {
    context: CCtx<'static>,
    dictionary: Option<CDict<'static>>,
}

impl Zstd {
    fn compress(&mut self, contents: &[u8], out: &mut [u8]) -> Option<(u8, usize)> {
        let (codec, len) = match &self.dictionary {
            Some(dictionary) => {
                (CODEC_ZSTD_DICTIONARY, self.context.compress_using_cdict(out, contents, dictionary))
            }
            None => (CODEC_ZSTD, self.context.compress(out, contents, ZSTD_LEVEL)),
        };
        let len = len.ok()?;
        (contents.len() <= len * GROWTH_MAX).then_some((codec, len))
    }
}

impl Compressor {
    /// `None`: for blocks that are stored as they are.
    pub(super) fn new(compression: Compression) -> Option<Compressor> {
        let zstd = match compression {
            Compression::None => return None,
            Compression::Lz4 => None,
            // Without the memory for it, lz4 does.
            Compression::Zstd => CCtx::try_create().map(|context| Zstd { context, dictionary: None }),
        };
        Some(Compressor { lz4: CompressTable::small(), zstd, out: Vec::new(), dictionary: Vec::new() })
    }

    /// What blocks are compressed with from now on; empty: nothing but themselves.
    pub(super) fn set_dictionary(&mut self, dictionary: Vec<u8>) {
        if let Some(zstd) = &mut self.zstd {
            zstd.dictionary = match dictionary.as_slice() {
                [] => None,
                bytes => CDict::try_create(bytes, ZSTD_LEVEL),
            };
        }
        self.dictionary = dictionary;
    }

    pub(super) fn has_zstd(&self) -> bool {
        self.zstd.is_some()
    }

    /// From now on blocks have lz4.
    pub(super) fn leave_zstd(&mut self) {
        self.zstd = None;
    }

    /// Bytes that a block would take.
    pub(super) fn measure(&mut self, contents: &[u8]) -> usize {
        self.compress(contents).map_or(contents.len(), |(_, compressed)| compressed.len())
    }

    /// Codec and compressed form, where that saves 8 % at least.
    pub(super) fn compress(&mut self, contents: &[u8]) -> Option<(u8, &[u8])> {
        let plain_bytes = u32::try_from(contents.len()).ok()?;
        let room = (4 + get_maximum_output_size(contents.len()))
            .max(zstd::zstd_safe::compress_bound(contents.len()));
        if self.out.len() < room {
            self.out.resize(room, 0);
        }
        let compressed = self.zstd.as_mut().and_then(|zstd| zstd.compress(contents, &mut self.out));
        let (codec, len) = match compressed {
            Some(compressed) => compressed,
            None => {
                let (head, body) = self.out.split_at_mut(4);
                head.copy_from_slice(&plain_bytes.to_le_bytes());
                let (codec, len) = if self.dictionary.is_empty() {
                    (CODEC_LZ4, compress_into_with_table(contents, body, &mut self.lz4))
                } else {
                    (CODEC_LZ4_DICTIONARY, compress_into_with_dict(contents, body, &self.dictionary))
                };
                (codec, 4 + len.ok()?)
            }
        };
        (len * 25 <= contents.len() * 23).then(|| Some((codec, self.out.get(..len)?)))?
    }
}

/// The plain bytes of a block. `None`: no such codec; `Some(None)`: it does not decompress.
pub(super) fn decompress(codec: u8, body: &[u8], dictionary: &[u8]) -> Option<Option<Vec<u8>>> {
    Some(match codec {
        CODEC_NONE => Some(body.to_vec()),
        CODEC_LZ4 => decompress_lz4(body, &[]),
        CODEC_LZ4_DICTIONARY => decompress_lz4(body, dictionary),
        CODEC_ZSTD => decompress_zstd(body, &[]),
        CODEC_ZSTD_DICTIONARY => decompress_zstd(body, dictionary),
        _ => return None,
    })
}

fn grows_too_much(plain_bytes: usize, body: &[u8]) -> bool {
    plain_bytes > body.len().saturating_mul(GROWTH_MAX).min(CONTENTS_BYTES_MAX)
}

fn decompress_lz4(body: &[u8], dictionary: &[u8]) -> Option<Vec<u8>> {
    let (head, body) = body.split_first_chunk::<4>()?;
    let plain_bytes = u32::from_le_bytes(*head) as usize;
    if grows_too_much(plain_bytes, body) {
        return None;
    }
    let mut plain = vec![0; plain_bytes];
    let len = match dictionary {
        [] => decompress_into(body, &mut plain),
        _ => decompress_into_with_dict(body, &mut plain, dictionary),
    };
    (len.ok()? == plain_bytes).then_some(plain)
}

thread_local! {
    /// A thread's decoder: 100 KiB or so that a read need not take anew.
    static DECODER: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

fn decompress_zstd(body: &[u8], dictionary: &[u8]) -> Option<Vec<u8>> {
    let plain_bytes = usize::try_from(get_frame_content_size(body).ok()??).ok()?;
    if grows_too_much(plain_bytes, body) {
        return None;
    }
    let mut plain = Vec::with_capacity(plain_bytes);
    DECODER.with(|decoder| {
        let mut decoder = decoder.try_borrow_mut().ok()?;
        let decoder = match &mut *decoder {
            Some(decoder) => decoder,
            none => none.insert(DCtx::try_create()?),
        };
        // A dictionary of plain rows is not parsed but only pointed at: no prepared form of it is kept.
        let len = match dictionary {
            [] => decoder.decompress(&mut plain, body),
            _ => decoder.decompress_using_dict(&mut plain, body, dictionary),
        };
        (len.ok()? == plain_bytes).then_some(())
    })?;
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_env::sim::SimRng;

    fn compressor(compression: Compression) -> Compressor {
        Compressor::new(compression).unwrap()
    }

    fn plain(codec: u8, body: &[u8], dictionary: &[u8]) -> Option<Vec<u8>> {
        decompress(codec, body, dictionary).unwrap()
    }

    fn noise(seed: u64, len: usize) -> Vec<u8> {
        let mut rng = SimRng::new(seed);
        (0..len).map(|_| rng.next_u64() as u8).collect()
    }

    #[test]
    fn only_what_shrinks_is_compressed() {
        let both = [
            (Compression::Lz4, CODEC_LZ4, CODEC_LZ4_DICTIONARY),
            (Compression::Zstd, CODEC_ZSTD, CODEC_ZSTD_DICTIONARY),
        ];
        for (compression, alone, with) in both {
            let mut compressor = compressor(compression);
            let rows = [noise(2, 80), b"the same row again ".repeat(200)].concat();
            let (codec, compressed) = compressor.compress(&rows).unwrap();
            assert!(codec == alone && compressed.len() < 1000);
            assert_eq!(plain(codec, compressed, &[]).unwrap(), rows);
            let noise = noise(1, 16_384);
            assert!(compressor.compress(&noise).is_none());
            assert!(compressor.compress(b"").is_none());
            // Noise that the dictionary knows.
            let part = &noise[14_000..16_000];
            assert_eq!(compressor.measure(part), part.len());
            compressor.set_dictionary(noise.clone());
            let (codec, compressed) = compressor.compress(part).unwrap();
            assert!(codec == with && compressed.len() < 100, "{codec} {}", compressed.len());
            assert_eq!(plain(codec, compressed, &noise).unwrap(), part);
            assert!(plain(codec, compressed, &noise[..400]).is_none_or(|wrong| wrong != part));
            assert!(plain(codec, compressed, &[]).is_none_or(|wrong| wrong != part));
        }
        assert!(Compressor::new(Compression::None).is_none());
        assert!(decompress(5, &[], &[]).is_none());
    }

    #[test]
    fn digits_shrink_to_their_information_by_zstd_alone() {
        let digits: Vec<u8> = noise(3, 4096).iter().map(|byte| b'0' + byte % 10).collect();
        let bytes = |compression| compressor(compression).measure(&digits);
        let (lz4, zstd) = (bytes(Compression::Lz4), bytes(Compression::Zstd));
        assert!(zstd < 1900 && lz4 > 3000, "{zstd} {lz4}");
    }

    #[test]
    fn what_grows_beyond_the_limit_is_left_to_lz4() {
        let zeros = vec![0; 1 << 20];
        let mut compressor = compressor(Compression::Zstd);
        let (codec, compressed) = compressor.compress(&zeros).unwrap();
        assert_eq!(codec, CODEC_LZ4);
        assert_eq!(plain(codec, compressed, &[]).unwrap(), zeros);
        let frame = zstd::bulk::compress(&zeros, 1).unwrap();
        assert_eq!(plain(CODEC_ZSTD, &frame, &[]), None);
    }

    #[test]
    fn hostile_bytes_take_no_memory_and_do_no_harm() {
        assert!(plain(CODEC_LZ4, &[0xff, 0xff, 0xff, 0xff, 1, 2, 3], &[]).is_none());
        assert!(plain(CODEC_LZ4, &[1, 0], &[]).is_none());
        // A frame head that promises 2^64 − 2 bytes, and one without a length.
        let head = [0x28, 0xb5, 0x2f, 0xfd];
        let huge = [&head[..], &[0xe0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0]].concat();
        assert!(plain(CODEC_ZSTD, &huge, &[]).is_none());
        assert!(plain(CODEC_ZSTD, &[&head[..], &[0, 0x58, 1, 0, 0]].concat(), &[]).is_none());
        assert!(plain(CODEC_ZSTD, &[], &[]).is_none());

        let dictionary = noise(7, 4000);
        let rows = [&dictionary[1000..1800], &b"one row ".repeat(50), &noise(8, 90)].concat();
        let mut compressor = compressor(Compression::Zstd);
        compressor.set_dictionary(dictionary.clone());
        let (codec, frame) = compressor.compress(&rows).unwrap();
        let frame = frame.to_vec();
        assert_eq!(codec, CODEC_ZSTD_DICTIONARY);
        for at in 0..frame.len() {
            let mut bad = frame.clone();
            for bit in 0..8 {
                bad[at] = frame[at] ^ 1 << bit;
                for dictionary in [&dictionary[..], &[]] {
                    let got = plain(CODEC_ZSTD, &bad, dictionary).into_iter();
                    let got = got.chain(plain(CODEC_ZSTD_DICTIONARY, &bad, dictionary));
                    assert!(got.into_iter().all(|got| got.len() <= bad.len() * GROWTH_MAX));
                }
            }
            assert!(plain(codec, &frame[..at], &dictionary).is_none());
        }
        // Two frames in one block are more than the first one says.
        assert!(plain(codec, &frame.repeat(2), &dictionary).is_none());
        // The thread's decoder is none the worse for it.
        assert_eq!(plain(codec, &frame, &dictionary).unwrap(), rows);
    }
}
