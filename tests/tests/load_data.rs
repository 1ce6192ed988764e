//! LOAD DATA and SELECT … INTO OUTFILE: statement files of tests/load with MySQL 9.7's answers.
//!
//! Above a statement, `# file: TEXT` is what the client sends for LOCAL, `# file NAME: TEXT` lies in the server's folder
//! `{dir}`; `\n`, `\r`, `\t`, `\0`, `\\` and `\xHH` are escapes. Files that the server writes stand behind the last answer
//! of their test file. `UPDATE=1` asks a real MySQL again, as in golden.rs.

use aurora_tests::{AuroraServer, MySqlServer, script};
use mysql::{Conn, LocalInfileHandler};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'0') => out.push(0),
            Some(b'x') => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                out.push(u8::from_str_radix(digits, 16).expect("two digits"));
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

/// Makes a statement's files: the client's, and those of the server in `dir`.
fn provide(conn: &mut Conn, comments: &[String], dir: &Path) {
    for comment in comments {
        if let Some(text) = comment.strip_prefix("# file:") {
            let bytes = unescaped(text.strip_prefix(' ').unwrap_or(text));
            // In pieces, so that rows lie across packets.
            conn.set_local_infile_handler(Some(LocalInfileHandler::new(move |_, stream| {
                bytes.chunks(5).try_for_each(|piece| {
                    stream.write_all(piece)?;
                    stream.flush()
                })
            })));
        } else if let Some((name, text)) =
            comment.strip_prefix("# file ").and_then(|rest| rest.split_once(": "))
        {
            let path = dir.join(name);
            std::fs::write(&path, unescaped(text)).expect("a file of the server");
        }
    }
}

/// Answers of a file's statements; files that they wrote are told behind the answer.
fn answers(path: &Path, conn: &mut Conn, dir: &Path) -> Vec<script::Step> {
    let text = std::fs::read_to_string(path).expect("the statement file");
    script::fresh(conn);
    let mut steps = script::parse(&text);
    for step in &mut steps {
        provide(conn, &step.comments, dir);
        let sql = step.sql.replace("{dir}", &dir.to_string_lossy());
        step.expected = script::run(conn, &sql).replace(&*dir.to_string_lossy(), "{dir}");
        if let Some((_, rest)) = step.sql.split_once("FILE '{dir}/")
            && step.sql.starts_with("SELECT")
            && let Some((name, _)) = rest.split_once('\'')
            && let Ok(written) = std::fs::read(dir.join(name))
        {
            let _ = writeln!(step.expected, "written: {}", written.escape_ascii());
        }
    }
    steps
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("load");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/load")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    files
}

#[test]
fn files_are_loaded_and_written_as_mysql_does() {
    let dir = tempfile::tempdir().expect("a folder for files");
    if std::env::var_os("UPDATE").is_some() {
        let oracle = MySqlServer::start();
        for file in files() {
            let steps = answers(&file, &mut oracle.connect(), dir.path());
            std::fs::write(&file, script::print(&steps)).expect("the file again");
        }
        return;
    }
    let priv_dir = format!("secure_file_priv={}", dir.path().display());
    let server = AuroraServer::start_with(&["--set", "local_infile=ON", "--set", &priv_dir]);
    let mut differences = String::new();
    for file in files() {
        let expected = script::parse(&std::fs::read_to_string(&file).expect("the file"));
        let got = answers(&file, &mut server.connect(), dir.path());
        for (expected, got) in expected.iter().zip(&got) {
            let wanted = expected.ours.as_ref().unwrap_or(&expected.expected);
            if *wanted != got.expected {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let _ = writeln!(
                    differences,
                    "{name}:{}\n{}\nexpected:\n{wanted}got:\n{}",
                    expected.line, expected.sql, got.expected
                );
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
