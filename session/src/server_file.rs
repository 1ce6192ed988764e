//! Files of the server that statements name: where they may lie, and how their errors read.

use crate::session::Session;
use aurora_parser::ObjectName;
use aurora_types::error as er;
use aurora_types::{SqlError, SqlResult, Value};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Rights of a file that the server writes: its account alone, and its group to read.
const NEW_FILE_MODE: u32 = 0o640;

/// Errors of the file system, which MySQL numbers apart from its own.
fn os_error(code: u16, what: &str, error: &io::Error) -> SqlError {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let number = error.raw_os_error().unwrap_or_default();
    SqlError { code, sqlstate: "HY000", message: format!("{what} (OS errno {number} - {text})") }
}

impl Session {
    /// A file that is there, for LOAD DATA.
    ///
    /// # Errors
    /// 1290 where `secure_file_priv` forbids it, 13 and 29 when it cannot be had, 1085 when it is no plain file.
    pub(crate) fn open_infile(&self, name: &str, table: &ObjectName) -> SqlResult<File> {
        let (schema, _) = self.qualify(table)?;
        let path = self.placed(name, Some(&schema))?;
        let shown = path.display();
        let facts = std::fs::metadata(&path)
            .map_err(|error| os_error(13, &format!("Can't get stat of '{shown}'"), &error))?;
        if !facts.is_file() {
            return Err(SqlError::new(er::ER_TEXTFILE_NOT_READABLE, &[&shown]));
        }
        File::open(&path).map_err(|error| os_error(29, &format!("File '{shown}' not found"), &error))
    }

    /// A new file, for SELECT … INTO.
    ///
    /// # Errors
    /// 1290 where `secure_file_priv` forbids it, 1086 when there is one, 1 when it cannot be made.
    pub(crate) fn create_outfile(&self, name: &str) -> SqlResult<(File, PathBuf)> {
        let path = self.placed(name, self.state.database.as_deref())?;
        let shown = path.display();
        match OpenOptions::new().write(true).create_new(true).mode(NEW_FILE_MODE).open(&path) {
            Ok(file) => Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(SqlError::new(er::ER_FILE_EXISTS_ERROR, &[&name]))
            }
            Err(error) => Err(os_error(1, &format!("Can't create/write to file '{shown}'"), &error)),
        }
    }

    /// The place that a statement means, if it may be used.
    fn placed(&self, name: &str, schema: Option<&str>) -> SqlResult<PathBuf> {
        let data = Path::new(&self.state.shared.facts.data_dir);
        let path = match schema {
            Some(schema) if !name.contains('/') => data.join(schema).join(name),
            _ => data.join(name),
        };
        let forbidden = || SqlError::new(er::ER_OPTION_PREVENTS_STATEMENT, &[&"--secure-file-priv"]);
        let allowed = match crate::variables::lookup("secure_file_priv") {
            Some((id, _)) => self.state.shared.globals.get(id),
            None => Value::Null,
        };
        let Value::Text(folder) = allowed else { return Err(forbidden()) };
        if folder.is_empty() {
            return Ok(path);
        }
        // A link must not lead out; a file that is not there yet lies where its folder does.
        let folder = std::fs::canonicalize(&*folder.to_str_lossy()).map_err(|_| forbidden())?;
        let real = match (std::fs::canonicalize(&path), path.parent(), path.file_name()) {
            (Ok(real), ..) => real,
            // As deep as there are folders.
            (Err(_), Some(parent), Some(last)) => existing(parent).join(last),
            _ => return Err(forbidden()),
        };
        if real.starts_with(&folder) { Ok(path) } else { Err(forbidden()) }
    }
}

/// The real path of what there is of `path`, with the rest of its names.
fn existing(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => existing(parent).join(name),
        // `..` behind a folder that is not there: nowhere that is allowed.
        _ => PathBuf::new(),
    }
}
