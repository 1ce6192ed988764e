//! What a statement of a dump is, and how many rows an INSERT carries, without a parser.

/// Kinds that loading treats differently.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// Session state: replayed when a load is resumed.
    Session,
    /// `INSERT`/`REPLACE … VALUES`: target table as written, rows.
    Insert {
        table: String,
        rows: u64,
    },
    /// Passed over: `LOCK TABLES` and `UNLOCK TABLES` would lock out the table that keeps the progress, and
    /// `SET @@GLOBAL.GTID_PURGED` speaks of the old server's replication.
    PassedOver,
    /// CREATE of a routine, trigger or event; refused with 1235 it is reported, not fatal.
    Program,
    Other,
}

/// Skips white space and comments; `/*!NNNNN` opens code.
fn skip_space(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        if let Some(rest) = text.strip_prefix(b"/*!") {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            text = &rest[digits..];
        } else if let Some(rest) = text.strip_prefix(b"/*") {
            let Some(end) = memchr::memmem::find(rest, b"*/") else { return b"" };
            text = &rest[end + 2..];
        } else if let Some(rest) = text.strip_prefix(b"*/") {
            text = rest;
        } else {
            return text;
        }
    }
}

fn word(text: &[u8]) -> (String, &[u8]) {
    let text = skip_space(text);
    let end =
        text.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_')).unwrap_or(text.len());
    (String::from_utf8_lossy(&text[..end]).to_ascii_uppercase(), &text[end..])
}

/// A table name as written, quotes and schema included.
fn name(text: &[u8]) -> (String, &[u8]) {
    let text = skip_space(text);
    let mut quoted = false;
    let end = text
        .iter()
        .position(|byte| {
            if *byte == b'`' {
                quoted = !quoted;
            }
            !quoted && (byte.is_ascii_whitespace() || *byte == b'(')
        })
        .unwrap_or(text.len());
    (String::from_utf8_lossy(&text[..end]).into_owned(), &text[end..])
}

/// Classifies a statement.
pub fn classify(text: &[u8]) -> Kind {
    let (first, rest) = word(text);
    match first.as_str() {
        "SET" if sets_gtid_purged(rest) => Kind::PassedOver,
        "SET" | "USE" => Kind::Session,
        "LOCK" | "UNLOCK" => Kind::PassedOver,
        "INSERT" | "REPLACE" => {
            let (mut next, mut rest) = word(rest);
            while matches!(next.as_str(), "INTO" | "IGNORE" | "LOW_PRIORITY" | "DELAYED" | "HIGH_PRIORITY") {
                let ahead = skip_space(rest);
                if ahead.starts_with(b"`") {
                    rest = ahead;
                    next.clear();
                    break;
                }
                let (following, after) = word(rest);
                if !matches!(
                    following.as_str(),
                    "INTO" | "IGNORE" | "LOW_PRIORITY" | "DELAYED" | "HIGH_PRIORITY"
                ) {
                    rest = ahead;
                    next.clear();
                    break;
                }
                (next, rest) = (following, after);
            }
            if !next.is_empty() {
                return Kind::Other;
            }
            let (table, rest) = name(rest);
            match count_rows(rest) {
                Some(rows) => Kind::Insert { table, rows },
                None => Kind::Other,
            }
        }
        "CREATE" => {
            let upper: String = String::from_utf8_lossy(&text[..text.len().min(400)]).to_ascii_uppercase();
            let before_body = upper.split('(').next().unwrap_or_default();
            let is_program = [" PROCEDURE", " FUNCTION", " TRIGGER", " EVENT"]
                .iter()
                .any(|word| before_body.contains(word));
            if is_program && !before_body.contains(" TABLE ") && !before_body.contains(" VIEW ") {
                Kind::Program
            } else {
                Kind::Other
            }
        }
        _ => Kind::Other,
    }
}

/// Rows behind VALUES: parentheses that open at the top level.
fn count_rows(text: &[u8]) -> Option<u64> {
    let mut depth = 0usize;
    let mut at = 0;
    let mut values = false;
    let mut rows = 0;
    while at < text.len() {
        match text[at] {
            quote @ (b'\'' | b'"' | b'`') => {
                at += 1;
                while at < text.len() && text[at] != quote {
                    at += if text[at] == b'\\' && quote != b'`' { 2 } else { 1 };
                }
            }
            b'(' => {
                rows += u64::from(values && depth == 0);
                depth += 1;
            }
            b')' => depth = depth.saturating_sub(1),
            b'V' | b'v' if depth == 0 && !values => {
                let (next, _) = word(&text[at..]);
                values = next == "VALUES" || next == "VALUE";
                at += next.len().max(1) - 1;
            }
            b'O' | b'o' if depth == 0 && values && word(&text[at..]).0 == "ON" => break,
            _ => {}
        }
        at += 1;
    }
    values.then_some(rows)
}

fn sets_gtid_purged(text: &[u8]) -> bool {
    const NAME: &[u8] = b"@@GLOBAL.GTID_PURGED";
    skip_space(text).get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_insert_are_counted_past_quotes() {
        let insert = |table: &str, rows| Kind::Insert { table: table.into(), rows };
        assert_eq!(classify(b"INSERT INTO `t` VALUES (1,'a),(b'),(2,'\\'('),(3,NULL)"), insert("`t`", 3));
        assert_eq!(
            classify(
                b"INSERT IGNORE INTO db.t (a, b) VALUES (1, (2)), (3, 4) ON DUPLICATE KEY UPDATE a = (1)"
            ),
            insert("db.t", 2)
        );
        assert_eq!(classify(b"REPLACE `values` (a) VALUES (1)"), insert("`values`", 1));
        assert_eq!(classify(b"INSERT INTO t SELECT 1"), Kind::Other);
    }

    #[test]
    fn programs_and_session_statements_are_known_in_versioned_comments() {
        assert_eq!(classify(b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `x` BEFORE INSERT ON t FOR EACH ROW SET @a=1 */"), Kind::Program);
        assert_eq!(
            classify(b"CREATE DEFINER=`root`@`localhost` FUNCTION `f`(a INT) RETURNS int RETURN 1"),
            Kind::Program
        );
        assert_eq!(classify(b"CREATE TABLE `event` (a INT)"), Kind::Other);
        assert_eq!(classify(b"/*!40101 SET NAMES utf8 */"), Kind::Session);
        assert_eq!(classify(b"/*!50001 CREATE VIEW `v` AS SELECT 1 */"), Kind::Other);
    }

    #[test]
    fn replication_of_the_old_server_is_passed_over() {
        let purged = b"SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '2a46:1-4'";
        assert_eq!(classify(purged), Kind::PassedOver);
        assert_eq!(classify(b"SET @@SESSION.SQL_LOG_BIN= 0"), Kind::Session);
    }
}
