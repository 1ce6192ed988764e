//! A table of the shape of ClickBench's `hits`: its 105 columns, rows fixed by a seed, values as skewed as visits of pages are.

use crate::bench::random::Random;
use std::io::{self, Write};

/// What a column's values are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    /// A number of its own.
    Id,
    /// One of so many users, some of them far more often than others.
    User,
    /// A flag, set in one row of so many.
    Flag(u32),
    /// Below this, small ones more often.
    Skewed(u32),
    /// A hash of another column, so that equal pages have equal hashes.
    UrlHash,
    RefererHash,
    Time,
    Date,
    Url,
    Referer,
    Title,
    Phrase,
    Model,
    /// Empty nearly always.
    Word,
    Char,
}

use Like::{
    Char, Date, Flag, Id, Model, Phrase, Referer, RefererHash, Skewed, Time, Title, Url, UrlHash, User, Word,
};

const BIG: &str = "BIGINT NOT NULL";
const INT: &str = "INT NOT NULL";
const SMALL: &str = "SMALLINT NOT NULL";
const TEXT: &str = "TEXT NOT NULL";

type Column = (&'static str, &'static str, Like);

/// Names, types and contents.
pub fn columns() -> [Column; 105] {
    [
        ("WatchID", BIG, Id),
        ("JavaEnable", SMALL, Flag(2)),
        ("Title", TEXT, Title),
        ("GoodEvent", SMALL, Flag(1)),
        ("EventTime", "DATETIME NOT NULL", Time),
        ("EventDate", "DATE NOT NULL", Date),
        ("CounterID", INT, Skewed(5_000)),
        ("ClientIP", INT, Skewed(2_000_000)),
        ("RegionID", INT, Skewed(5_000)),
        ("UserID", BIG, User),
        ("CounterClass", SMALL, Flag(3)),
        ("OS", SMALL, Skewed(90)),
        ("UserAgent", SMALL, Skewed(80)),
        ("URL", TEXT, Url),
        ("Referer", TEXT, Referer),
        ("IsRefresh", SMALL, Flag(8)),
        ("RefererCategoryID", SMALL, Skewed(300)),
        ("RefererRegionID", INT, Skewed(5_000)),
        ("URLCategoryID", SMALL, Skewed(300)),
        ("URLRegionID", INT, Skewed(5_000)),
        ("ResolutionWidth", SMALL, Skewed(2_560)),
        ("ResolutionHeight", SMALL, Skewed(1_600)),
        ("ResolutionDepth", SMALL, Skewed(33)),
        ("FlashMajor", SMALL, Skewed(12)),
        ("FlashMinor", SMALL, Skewed(10)),
        ("FlashMinor2", TEXT, Word),
        ("NetMajor", SMALL, Skewed(5)),
        ("NetMinor", SMALL, Skewed(9)),
        ("UserAgentMajor", SMALL, Skewed(40)),
        ("UserAgentMinor", "VARCHAR(255) NOT NULL", Char),
        ("CookieEnable", SMALL, Flag(1)),
        ("JavascriptEnable", SMALL, Flag(1)),
        ("IsMobile", SMALL, Flag(20)),
        ("MobilePhone", SMALL, Skewed(60)),
        ("MobilePhoneModel", TEXT, Model),
        ("Params", TEXT, Word),
        ("IPNetworkID", INT, Skewed(100_000)),
        ("TraficSourceID", SMALL, Skewed(11)),
        ("SearchEngineID", SMALL, Skewed(90)),
        ("SearchPhrase", TEXT, Phrase),
        ("AdvEngineID", SMALL, Flag(60)),
        ("IsArtifical", SMALL, Flag(50)),
        ("WindowClientWidth", SMALL, Skewed(2_000)),
        ("WindowClientHeight", SMALL, Skewed(1_200)),
        ("ClientTimeZone", SMALL, Skewed(24)),
        ("ClientEventTime", "DATETIME NOT NULL", Time),
        ("SilverlightVersion1", SMALL, Skewed(6)),
        ("SilverlightVersion2", SMALL, Skewed(3)),
        ("SilverlightVersion3", INT, Skewed(70_000)),
        ("SilverlightVersion4", SMALL, Skewed(3)),
        ("PageCharset", TEXT, Word),
        ("CodeVersion", INT, Skewed(2_000)),
        ("IsLink", SMALL, Flag(15)),
        ("IsDownload", SMALL, Flag(200)),
        ("IsNotBounce", SMALL, Flag(4)),
        ("FUniqID", BIG, Id),
        ("OriginalURL", TEXT, Word),
        ("HID", INT, Skewed(1_000_000)),
        ("IsOldCounter", SMALL, Flag(500)),
        ("IsEvent", SMALL, Flag(500)),
        ("IsParameter", SMALL, Flag(500)),
        ("DontCountHits", SMALL, Flag(10)),
        ("WithHash", SMALL, Flag(500)),
        ("HitColor", "CHAR(1) NOT NULL", Char),
        ("LocalEventTime", "DATETIME NOT NULL", Time),
        ("Age", SMALL, Skewed(60)),
        ("Sex", SMALL, Skewed(3)),
        ("Income", SMALL, Skewed(5)),
        ("Interests", SMALL, Skewed(30_000)),
        ("Robotness", SMALL, Flag(40)),
        ("RemoteIP", INT, Skewed(2_000_000)),
        ("WindowName", INT, Skewed(1_000)),
        ("OpenerName", INT, Skewed(1_000)),
        ("HistoryLength", SMALL, Skewed(30)),
        ("BrowserLanguage", TEXT, Char),
        ("BrowserCountry", TEXT, Char),
        ("SocialNetwork", TEXT, Word),
        ("SocialAction", TEXT, Word),
        ("HTTPError", SMALL, Flag(500)),
        ("SendTiming", INT, Skewed(30_000)),
        ("DNSTiming", INT, Skewed(30_000)),
        ("ConnectTiming", INT, Skewed(30_000)),
        ("ResponseStartTiming", INT, Skewed(30_000)),
        ("ResponseEndTiming", INT, Skewed(30_000)),
        ("FetchTiming", INT, Skewed(30_000)),
        ("SocialSourceNetworkID", SMALL, Flag(100)),
        ("SocialSourcePage", TEXT, Word),
        ("ParamPrice", BIG, Flag(100)),
        ("ParamOrderID", TEXT, Word),
        ("ParamCurrency", TEXT, Word),
        ("ParamCurrencyID", SMALL, Flag(100)),
        ("OpenstatServiceName", TEXT, Word),
        ("OpenstatCampaignID", TEXT, Word),
        ("OpenstatAdID", TEXT, Word),
        ("OpenstatSourceID", TEXT, Word),
        ("UTMSource", TEXT, Word),
        ("UTMMedium", TEXT, Word),
        ("UTMCampaign", TEXT, Word),
        ("UTMContent", TEXT, Word),
        ("UTMTerm", TEXT, Word),
        ("FromTag", TEXT, Word),
        ("HasGCLID", SMALL, Flag(50)),
        ("RefererHash", BIG, RefererHash),
        ("URLHash", BIG, UrlHash),
        ("CLID", INT, Flag(300)),
    ]
}

pub const KEY: [&str; 5] = ["CounterID", "EventDate", "UserID", "EventTime", "WatchID"];
/// The page and the referrer that two of the queries ask for by their hashes.
const ASKED_URL: i64 = 2_868_770_270_353_813_622;
const ASKED_REFERER: i64 = 3_594_120_000_172_545_465;
/// The counter and the user that queries ask for.
const ASKED_COUNTER: u32 = 62;
const ASKED_USER: i64 = 435_090_932_899_640_449;
const USERS: u32 = 100_000;
const PAGES: u32 = 50_000;
const PHRASES: u32 = 20_000;
const SECONDS_OF_MONTH: u32 = 31 * 86_400;

/// Below `bound`, with the fourth power's skew.
fn skewed(random: &mut Random, bound: u32) -> u32 {
    (random.unit().powi(4) * f64::from(bound)) as u32
}

fn positive(random: &mut Random) -> i64 {
    (random.next() >> 1) as i64
}

fn page(number: u32) -> String {
    let site =
        ["example.com", "maps.google.com", "news.test", "shop.test", "forum.test"][(number % 5) as usize];
    let s = if number.is_multiple_of(3) { "s" } else { "" };
    let google = if number.is_multiple_of(97) { "?from=google" } else { "" };
    format!("http{s}://www.{site}/{:x}/{number}{google}", number / 7)
}

fn hash(number: u32, zero: i64) -> i64 {
    if number == 0 { zero } else { positive(&mut Random(u64::from(number))) }
}

/// Writes the rows, tab-separated.
pub fn write(rows: u32, out: &mut dyn Write) -> io::Result<()> {
    let columns = columns();
    for row in 0..rows {
        let random = &mut Random(u64::from(row) << 20);
        let (url, referer, second) =
            (skewed(random, PAGES), skewed(random, PAGES), random.id(SECONDS_OF_MONTH) - 1);
        // One visit in ten is of the counter that the queries ask for.
        let asked = random.id(10) == 1;
        for (at, (name, _, like)) in columns.iter().enumerate() {
            if at > 0 {
                out.write_all(b"\t")?;
            }
            match like {
                Id => write!(out, "{}", positive(random))?,
                User => {
                    let user = skewed(random, USERS);
                    write!(out, "{}", hash(user, ASKED_USER))?;
                }
                Flag(one_in) => write!(out, "{}", u8::from(random.id(*one_in) == 1))?,
                Skewed(_) if *name == "CounterID" && asked => write!(out, "{ASKED_COUNTER}")?,
                Skewed(bound) => write!(out, "{}", skewed(random, *bound))?,
                UrlHash => write!(out, "{}", hash(url, ASKED_URL))?,
                RefererHash => write!(out, "{}", hash(referer, ASKED_REFERER))?,
                Time => {
                    let (hour, minute) = (second / 3_600 % 24, second / 60 % 60);
                    write!(
                        out,
                        "2013-07-{:02} {hour:02}:{minute:02}:{:02}",
                        second / 86_400 + 1,
                        second % 60
                    )?;
                }
                Date => write!(out, "2013-07-{:02}", second / 86_400 + 1)?,
                Url => write!(out, "{}", page(url))?,
                Referer if random.id(3) == 1 => {}
                Referer => write!(out, "{}", page(referer))?,
                Title => {
                    let google = if url % 50 == 0 { " - Google" } else { "" };
                    write!(out, "The page {url} about {:x}{google}", hash(url, 1))?;
                }
                Phrase if random.id(4) == 1 => {
                    write!(out, "how to find {}", skewed(random, PHRASES))?;
                }
                Model if random.id(12) == 1 => write!(out, "model {}", skewed(random, 400))?,
                Word if random.id(50) == 1 => write!(out, "word{}", random.id(20))?,
                Phrase | Model | Word => {}
                Char => write!(out, "{}", char::from(b'a' + (random.next() % 26) as u8))?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_all_columns_and_what_is_asked_for() {
        let mut out = Vec::new();
        write(3_000, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert!(rows.iter().all(|row| row.len() == 105));
        assert!(rows.iter().any(|row| row[6] == "62" && row[103] == ASKED_URL.to_string()));
        let phrases = rows.iter().filter(|row| !row[39].is_empty()).count();
        assert!((600..900).contains(&phrases), "{phrases}");
    }
}
