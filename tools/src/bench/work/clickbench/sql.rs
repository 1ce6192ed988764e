//! ClickBench's 43 queries, in MySQL's words; where a kind has others, they are changed by [`query`].

use crate::bench::kind::Kind;
use crate::bench::work::queries::{Compared, Query};

/// Of each query: its text and what of its answer is the same whichever of equal rows a LIMIT takes.
const QUERIES: [(&str, Compared); 43] = [
    ("SELECT COUNT(*) FROM hits", Compared::Rows),
    ("SELECT COUNT(*) FROM hits WHERE AdvEngineID <> 0", Compared::Rows),
    ("SELECT SUM(AdvEngineID), COUNT(*), AVG(ResolutionWidth) FROM hits", Compared::Rows),
    ("SELECT AVG(UserID) FROM hits", Compared::Rows),
    ("SELECT COUNT(DISTINCT UserID) FROM hits", Compared::Rows),
    ("SELECT COUNT(DISTINCT SearchPhrase) FROM hits", Compared::Rows),
    ("SELECT MIN(EventDate), MAX(EventDate) FROM hits", Compared::Rows),
    (
        "SELECT AdvEngineID, COUNT(*) FROM hits WHERE AdvEngineID <> 0 GROUP BY AdvEngineID ORDER BY COUNT(*) DESC",
        Compared::Rows,
    ),
    (
        "SELECT RegionID, COUNT(DISTINCT UserID) AS u FROM hits GROUP BY RegionID ORDER BY u DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT RegionID, SUM(AdvEngineID), COUNT(*) AS c, AVG(ResolutionWidth), COUNT(DISTINCT UserID) \
         FROM hits GROUP BY RegionID ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT MobilePhoneModel, COUNT(DISTINCT UserID) AS u FROM hits WHERE MobilePhoneModel <> '' \
         GROUP BY MobilePhoneModel ORDER BY u DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT MobilePhone, MobilePhoneModel, COUNT(DISTINCT UserID) AS u FROM hits WHERE MobilePhoneModel <> '' \
         GROUP BY MobilePhone, MobilePhoneModel ORDER BY u DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT SearchPhrase, COUNT(*) AS c FROM hits WHERE SearchPhrase <> '' \
         GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT SearchPhrase, COUNT(DISTINCT UserID) AS u FROM hits WHERE SearchPhrase <> '' \
         GROUP BY SearchPhrase ORDER BY u DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT SearchEngineID, SearchPhrase, COUNT(*) AS c FROM hits WHERE SearchPhrase <> '' \
         GROUP BY SearchEngineID, SearchPhrase ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT UserID, COUNT(*) FROM hits GROUP BY UserID ORDER BY COUNT(*) DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT UserID, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, SearchPhrase \
         ORDER BY COUNT(*) DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT UserID, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, SearchPhrase LIMIT 10",
        Compared::Count,
    ),
    (
        "SELECT UserID, EXTRACT(MINUTE FROM EventTime) AS m, SearchPhrase, COUNT(*) FROM hits \
         GROUP BY UserID, m, SearchPhrase ORDER BY COUNT(*) DESC LIMIT 10",
        Compared::Columns(&[3]),
    ),
    ("SELECT UserID FROM hits WHERE UserID = 435090932899640449", Compared::Rows),
    ("SELECT COUNT(*) FROM hits WHERE URL LIKE '%google%'", Compared::Rows),
    (
        "SELECT SearchPhrase, MIN(URL), COUNT(*) AS c FROM hits WHERE URL LIKE '%google%' AND SearchPhrase <> '' \
         GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT SearchPhrase, MIN(URL), MIN(Title), COUNT(*) AS c, COUNT(DISTINCT UserID) FROM hits \
         WHERE Title LIKE '%Google%' AND URL NOT LIKE '%.google.%' AND SearchPhrase <> '' \
         GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[3]),
    ),
    ("SELECT * FROM hits WHERE URL LIKE '%google%' ORDER BY EventTime LIMIT 10", Compared::Count),
    ("SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY EventTime LIMIT 10", Compared::Count),
    ("SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY SearchPhrase LIMIT 10", Compared::Rows),
    (
        "SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY EventTime, SearchPhrase LIMIT 10",
        Compared::Rows,
    ),
    (
        "SELECT CounterID, AVG(LENGTH(URL)) AS l, COUNT(*) AS c FROM hits WHERE URL <> '' \
         GROUP BY CounterID HAVING COUNT(*) > {many} ORDER BY l DESC LIMIT 25",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT REGEXP_REPLACE(Referer, '^https?://(?:www[.])?([^/]+)/.*$', '$1') AS k, AVG(LENGTH(Referer)) AS l, \
         COUNT(*) AS c, MIN(Referer) FROM hits WHERE Referer <> '' GROUP BY k HAVING COUNT(*) > {many} \
         ORDER BY l DESC LIMIT 25",
        Compared::Columns(&[1]),
    ),
    ("SELECT {sums} FROM hits", Compared::Rows),
    (
        "SELECT SearchEngineID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits \
         WHERE SearchPhrase <> '' GROUP BY SearchEngineID, ClientIP ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT WatchID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits \
         WHERE SearchPhrase <> '' GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT WatchID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits \
         GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[2]),
    ),
    ("SELECT URL, COUNT(*) AS c FROM hits GROUP BY URL ORDER BY c DESC LIMIT 10", Compared::Columns(&[1])),
    ("SELECT 1, URL, COUNT(*) AS c FROM hits GROUP BY URL ORDER BY c DESC LIMIT 10", Compared::Columns(&[2])),
    (
        "SELECT ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3, COUNT(*) AS c FROM hits \
         GROUP BY ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3 ORDER BY c DESC LIMIT 10",
        Compared::Columns(&[4]),
    ),
    (
        "SELECT URL, COUNT(*) AS PageViews FROM hits WHERE {july} AND DontCountHits = 0 AND IsRefresh = 0 \
         AND URL <> '' GROUP BY URL ORDER BY PageViews DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT Title, COUNT(*) AS PageViews FROM hits WHERE {july} AND DontCountHits = 0 AND IsRefresh = 0 \
         AND Title <> '' GROUP BY Title ORDER BY PageViews DESC LIMIT 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT URL, COUNT(*) AS PageViews FROM hits WHERE {july} AND IsRefresh = 0 AND IsLink <> 0 \
         AND IsDownload = 0 GROUP BY URL ORDER BY PageViews DESC LIMIT 10 OFFSET 10",
        Compared::Columns(&[1]),
    ),
    (
        "SELECT TraficSourceID, SearchEngineID, AdvEngineID, \
         CASE WHEN SearchEngineID = 0 AND AdvEngineID = 0 THEN Referer ELSE '' END AS Src, URL AS Dst, \
         COUNT(*) AS PageViews FROM hits WHERE {july} AND IsRefresh = 0 \
         GROUP BY TraficSourceID, SearchEngineID, AdvEngineID, Src, Dst ORDER BY PageViews DESC LIMIT 10 OFFSET 10",
        Compared::Columns(&[5]),
    ),
    (
        "SELECT URLHash, EventDate, COUNT(*) AS PageViews FROM hits WHERE {july} AND IsRefresh = 0 \
         AND TraficSourceID IN (-1, 6) AND RefererHash = 3594120000172545465 GROUP BY URLHash, EventDate \
         ORDER BY PageViews DESC LIMIT 10 OFFSET 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT WindowClientWidth, WindowClientHeight, COUNT(*) AS PageViews FROM hits WHERE {july} \
         AND IsRefresh = 0 AND DontCountHits = 0 AND URLHash = 2868770270353813622 \
         GROUP BY WindowClientWidth, WindowClientHeight ORDER BY PageViews DESC LIMIT 10 OFFSET 10",
        Compared::Columns(&[2]),
    ),
    (
        "SELECT {minute} AS M, COUNT(*) AS PageViews FROM hits WHERE CounterID = 62 \
         AND EventDate >= DATE '2013-07-14' AND EventDate <= DATE '2013-07-15' AND IsRefresh = 0 \
         AND DontCountHits = 0 GROUP BY {minute} ORDER BY {minute} LIMIT 10 OFFSET 20",
        Compared::Columns(&[1]),
    ),
];

const JULY: &str = "CounterID = 62 AND EventDate >= DATE '2013-07-01' AND EventDate <= DATE '2013-07-31'";

/// The queries for that kind; groups count as large by the number of rows there are.
pub fn queries(kind: Kind, rows: u32) -> Vec<Query> {
    QUERIES.iter().map(|(sql, compared)| Query::new(words(sql, kind, rows)).compared(*compared)).collect()
}

fn words(sql: &str, kind: Kind, rows: u32) -> String {
    let sums: Vec<String> = (0..90)
        .map(|more| match more {
            0 => "SUM(ResolutionWidth)".to_string(),
            more => format!("SUM(ResolutionWidth + {more})"),
        })
        .collect();
    let minute = match kind {
        Kind::Postgres | Kind::Duckdb => "DATE_TRUNC('minute', EventTime)",
        _ => "DATE_FORMAT(EventTime, '%Y-%m-%d %H:%i:00')",
    };
    let text = sql
        .replace("{july}", JULY)
        .replace("{minute}", minute)
        .replace("{sums}", &sums.join(", "))
        // 100,000 of the 100 million rows of the original.
        .replace("{many}", &(rows / 1_000).to_string());
    match kind {
        // The replacement's group is written otherwise there.
        Kind::Postgres | Kind::Duckdb | Kind::Mariadb | Kind::Myrocks => {
            let group = if matches!(kind, Kind::Mariadb | Kind::Myrocks) { "'\\\\1'" } else { "'\\1'" };
            quoted(&text.replace("'$1'", group), kind)
        }
        _ => text,
    }
}

/// PostgreSQL keeps the case of columns only in quotes; DuckDB reads them either way.
fn quoted(sql: &str, kind: Kind) -> String {
    if kind != Kind::Postgres {
        return sql.to_string();
    }
    let names: Vec<&str> = super::data::columns().iter().map(|column| column.0).collect();
    let (mut out, mut word, mut inside) = (String::new(), String::new(), false);
    for char in sql.chars().chain([' ']) {
        if !inside && (char.is_ascii_alphanumeric() || char == '_') {
            word.push(char);
            continue;
        }
        if names.contains(&word.as_str()) {
            out.push_str(&format!("\"{word}\""));
        } else {
            out.push_str(&word);
        }
        word.clear();
        inside ^= char == '\'';
        out.push(char);
    }
    out.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_each_kind() {
        let all = |kind| queries(kind, 1_000_000).into_iter().map(|query| query.sql).collect::<Vec<_>>();
        assert!(all(Kind::Mysql).iter().chain(&all(Kind::Postgres)).all(|sql| !sql.contains('{')));
        assert_eq!(all(Kind::Postgres)[1], "SELECT COUNT(*) FROM hits WHERE \"AdvEngineID\" <> 0");
        assert!(all(Kind::Mysql)[27].contains("> 1000 "));
        assert!(all(Kind::Mysql)[29].ends_with("SUM(ResolutionWidth + 89) FROM hits"));
        assert!(all(Kind::Postgres)[28].contains("'\\1'") && all(Kind::Mysql)[28].contains("'$1'"));
    }
}
