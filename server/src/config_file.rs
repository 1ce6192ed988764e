//! Configuration files: TOML, or the `[mysqld]` part of a my.cnf. Both come down to lines of key and value.

use crate::settings::{OPTIONS, Settings};
use crate::variables::{self, Refused};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Options of mysqld, some of earlier versions, that are no variables and change no answer when they are left out.
const MYSQLD_ONLY: &[&str] = &[
    "user",
    "default_authentication_plugin",
    "expire_logs_days",
    "external_locking",
    "innodb_log_file_size",
    "innodb_log_files_in_group",
    "mysqlx_bind_address",
    "query_cache_limit",
    "query_cache_size",
    "query_cache_type",
    "skip_external_locking",
    "skip_host_cache",
    "skip_symbolic_links",
    "symbolic_links",
];

/// One setting of a file.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    /// In lower case, with `_` for `-`.
    key: String,
    /// `None` for a key alone, as `skip-name-resolve`.
    value: Option<String>,
    /// MySQL's `loose-`: unknown keys are passed over.
    loose: bool,
}

/// Reads `text`, the contents of the file `path`, into `settings`.
///
/// # Errors
/// One line with the file, the line and what to do.
pub fn read_into(path: &Path, text: &str, settings: &mut Settings) -> Result<(), String> {
    let place = |number: usize| format!("{}, line {number}", path.display());
    let is_cnf = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => false,
        Some("cnf" | "ini") => true,
        _ => text.lines().any(|line| line.trim() == "[mysqld]"),
    };
    let lines = if is_cnf { cnf_lines(text) } else { toml_lines(text) };
    for line in lines.map_err(|(number, why)| format!("{}: {why}", place(number)))? {
        let told = |why: String| format!("{}: {why}", place(line.number));
        match apply(&line, is_cnf, settings).map_err(told)? {
            None => {}
            Some(warning) => settings.warnings.push(told(warning)),
        }
    }
    Ok(())
}

/// A warning, for what MySQL knows and this server has no use for.
fn apply(line: &Line, is_cnf: bool, settings: &mut Settings) -> Result<Option<String>, String> {
    let key = match line.key.as_str() {
        "datadir" if is_cnf => "data_dir",
        // Options of mysqld that set a variable of another name.
        "default_time_zone" if is_cnf => "time_zone",
        key => key,
    };
    let text = line.value.clone();
    if is_cnf && matches!(key, "port" | "bind_address") {
        let value = text.ok_or_else(|| format!("`{key}` needs a value"))?;
        let (host, port) = settings.listen.rsplit_once(':').unwrap_or((&settings.listen, "3306"));
        settings.listen = match key {
            "port" => format!("{host}:{value}"),
            // MySQL's `*` is every address.
            _ if value == "*" => format!("0.0.0.0:{port}"),
            _ if value.contains(':') => format!("[{value}]:{port}"),
            _ => format!("{value}:{port}"),
        };
        return Ok(None);
    }
    if OPTIONS.contains(&key) {
        settings.set_option(key, text.as_deref())?;
        return Ok(None);
    }
    match variables::assignment(key, text.as_deref().unwrap_or("1")) {
        Ok(assignment) => {
            settings.variables.push(assignment);
            Ok(None)
        }
        Err(Refused::BadValue(why)) => Err(why),
        Err(Refused::NoEffect(_)) if is_cnf => Ok(Some(format!("`{key}` has no effect in this server"))),
        Err(Refused::NoEffect(why)) => Err(why),
        Err(Refused::Unknown(_)) if line.loose => {
            Ok(Some(format!("`loose_{key}` is unknown and passed over")))
        }
        // Written for mysqld, and harmless to leave out.
        Err(Refused::Unknown(_)) if is_cnf && MYSQLD_ONLY.contains(&key) => {
            Ok(Some(format!("`{key}` has no effect in this server")))
        }
        Err(Refused::Unknown(why)) => {
            let option = variables::nearest(key, OPTIONS.iter().copied());
            Err(match option {
                Some(_) => format!("unknown setting `{key}`{}", variables::hint(option)),
                None => why.replace("system variable", "setting"),
            })
        }
    }
}

type Wrong = (usize, String);

fn normal(key: &str) -> String {
    key.trim().to_ascii_lowercase().replace('-', "_")
}

/// Of the groups `[mysqld]`, `[server]` and `[auroradb]`; other programs' groups are not ours.
fn cnf_lines(text: &str) -> Result<Vec<Line>, Wrong> {
    let mut lines = Vec::new();
    let mut is_ours = None;
    for (at, raw) in text.lines().enumerate() {
        let number = at + 1;
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(group) = line.strip_prefix('[') {
            let group = group.split(']').next().unwrap_or_default().trim();
            is_ours = Some(matches!(group, "mysqld" | "server" | "auroradb"));
            continue;
        }
        if line.starts_with('!') {
            return Err((number, "`!include` is not followed; give the file itself to --config".into()));
        }
        match is_ours {
            None => return Err((number, "it stands before any group; begin with [mysqld]".into())),
            Some(false) => continue,
            Some(true) => {}
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, Some(cnf_value(value))),
            None => (without_comment(line), None),
        };
        let key = normal(key);
        let (key, loose) = match key.strip_prefix("loose_") {
            Some(key) => (key.to_owned(), true),
            None => (key, false),
        };
        lines.push(Line { number, key, value, loose });
    }
    Ok(lines)
}

fn without_comment(text: &str) -> &str {
    text.split(" #").next().unwrap_or_default().trim()
}

fn cnf_value(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some((inner, _)) = text.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inner.to_owned();
        }
    }
    without_comment(text).to_owned()
}

fn toml_lines(text: &str) -> Result<Vec<Line>, Wrong> {
    let line_of =
        |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count();
    let table = DeTable::parse(text)
        .map_err(|error| (line_of(error.span().map_or(0, |span| span.start)), error.message().to_owned()))?;
    let mut lines = Vec::new();
    let mut take = |table: &DeTable<'_>, inner: bool| -> Result<(), Wrong> {
        for (key, value) in table {
            let number = line_of(key.span().start);
            let name = normal(key.get_ref());
            let value = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().replace('_', ""),
                DeValue::Float(float) => float.as_str().replace('_', ""),
                DeValue::Boolean(is_on) => String::from(if *is_on { "1" } else { "0" }),
                DeValue::Table(_) if !inner && name == "set" => continue,
                _ => return Err((number, format!("`{name}` needs a text, a decimal number, true or false"))),
            };
            lines.push(Line { number, key: name, value: Some(value), loose: false });
        }
        Ok(())
    };
    take(table.get_ref(), false)?;
    for (key, value) in table.get_ref() {
        if let (true, DeValue::Table(variables)) = (normal(key.get_ref()) == "set", value.get_ref()) {
            take(variables, true)?;
        }
    }
    lines.sort_by_key(|line| line.number);
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        read_into(Path::new(name), text, &mut settings).map(|()| settings)
    }

    #[test]
    fn toml_and_cnf_say_the_same() {
        let toml = "data-dir = \"/d\"\nlisten = \"0.0.0.0:3307\"\nmax_connections = 200\n[set]\nautocommit = false\n";
        let toml = read("a.toml", toml).expect("toml");
        let cnf = "[client]\nnonsense\n[mysqld]\ndatadir=/d # here\nport = 3307\nbind-address='0.0.0.0'\n\
                   max-connections=200\nautocommit=off\nuser=mysql\npid-file=/x\nloose-what=1\n";
        let cnf = read("my.cnf", cnf).expect("cnf");
        for settings in [&toml, &cnf] {
            assert_eq!(settings.data_dir, Path::new("/d"));
            assert_eq!(settings.listen, "0.0.0.0:3307");
            assert_eq!(settings.variables.len(), 2);
        }
        assert!(toml.warnings.is_empty());
        assert_eq!(cnf.warnings.len(), 3);
        assert!(cnf.warnings[0].starts_with("my.cnf, line 9: `user`"));
        let old =
            read("my.cnf", "[mysqld]\ninnodb-log-file-size=48M\ndefault-time-zone='+01:00'").expect("cnf");
        assert_eq!((old.warnings.len(), old.text("time_zone").as_deref()), (1, Some("+01:00")));
    }

    #[test]
    fn mistakes_are_told_with_file_and_line() {
        let error = |name, text| read(name, text).expect_err("refused");
        assert_eq!(
            error("a.toml", "\nlisten_ = \"x\"\n"),
            "a.toml, line 2: unknown setting `listen_`; did you mean `listen`?"
        );
        assert_eq!(
            error("my.cnf", "[mysqld]\n\nmax_conections=1"),
            "my.cnf, line 3: unknown setting `max_conections`; did you mean `max_connections`?"
        );
        assert!(error("a.toml", "a = \n").starts_with("a.toml, line 1: "));
        assert!(error("my.cnf", "x=1").contains("[mysqld]"));
        assert!(error("my.cnf", "[mysqld]\n!includedir /etc").contains("line 2"));
        assert!(error("a.toml", "http = [1]").contains("`http` needs"));
    }
}
