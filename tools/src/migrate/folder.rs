//! A folder of dump files, one after the other: databases, then tables, then rows, then what is built on them.

use super::load::{Report, load, make_progress};
use super::{MigrateArgs, MigrateError, source};
use crate::target::Target;
use std::path::{Path, PathBuf};

/// Whether the name is that of a dump, and its turn. Names are those of mydumper and MySQL Shell's kind; any other `.sql`
/// counts as rows, so that numbered files load in their order.
fn turn(name: &str) -> Option<u8> {
    let bare = [".gz", ".zst", ".xz"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(name);
    let stem = bare.strip_suffix(".sql")?;
    Some(match stem {
        _ if stem.ends_with("-schema-create") => 0,
        _ if stem.ends_with("-schema") => 1,
        _ if stem.ends_with("-schema-view") => 3,
        _ if stem.ends_with("-schema-post") || stem.ends_with("-schema-triggers") => 4,
        _ => 2,
    })
}

/// The dump files of `dir` in the order of their turns, by name within one.
fn files(dir: &Path) -> Result<Vec<PathBuf>, MigrateError> {
    let io = |source| MigrateError::Io { path: dir.display().to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
        if let Some(turn) = turn(&name) {
            found.push((turn, name));
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(MigrateError::Unsupported(format!(
            "{} holds no dump files (.sql, .sql.gz, .sql.zst, .sql.xz)",
            dir.display()
        )));
    }
    Ok(found.into_iter().map(|(_, name)| dir.join(name)).collect())
}

fn is_done(conn: &mut Target, name: &str) -> Result<Option<bool>, MigrateError> {
    let done: Option<u8> =
        conn.first_with("SELECT done FROM aurora_migrate.progress WHERE source = ?", (name,))?;
    Ok(done.map(|done| done == 1))
}

/// Loads all; stops at the first that fails. When an earlier load of the folder was interrupted, files that it had
/// finished are passed over.
pub fn load_all(args: &MigrateArgs, dir: &Path) -> Result<Vec<Report>, MigrateError> {
    let files = files(dir)?;
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let folder = full.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = format!("{folder}/");
    let mut conn = Target::connect(&args.to)?;
    make_progress(&mut conn)?;
    let goes_on = !args.restart && is_done(&mut conn, &folder)? == Some(false);
    if !goes_on {
        conn.run_with(
            "DELETE FROM aurora_migrate.progress WHERE LEFT(source, CHAR_LENGTH(?)) = ?",
            (folder.as_str(), folder.as_str()),
        )?;
        conn.run_with("INSERT INTO aurora_migrate.progress VALUES (?, 0, 0, 0)", (folder.as_str(),))?;
    }
    let mut reports = Vec::with_capacity(files.len());
    for path in &files {
        let mut source = source::open(path)?;
        source.name = format!("{folder}{}", source.name);
        if goes_on && is_done(&mut conn, &source.name)? == Some(true) {
            continue;
        }
        reports.push(load(args, source).map_err(|error| match error {
            MigrateError::Statement { line, error, statement } => {
                MigrateError::Statement { line, error: format!("{}: {error}", path.display()), statement }
            }
            other => other,
        })?);
    }
    conn.run_with("UPDATE aurora_migrate.progress SET done = 1 WHERE source = ?", (folder.as_str(),))?;
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_before_rows() {
        let temp = tempfile::tempdir().unwrap();
        let names = [
            "shop.t.00001.sql.gz",
            "shop.t-schema.sql",
            "shop-schema-create.sql",
            "shop.v-schema-view.sql",
            "metadata",
        ];
        for name in names {
            std::fs::write(temp.path().join(name), "").unwrap();
        }
        let order: Vec<String> = files(temp.path())
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            order,
            ["shop-schema-create.sql", "shop.t-schema.sql", "shop.t.00001.sql.gz", "shop.v-schema-view.sql"]
        );
        assert!(files(&temp.path().join("none")).is_err());
    }
}
