//! What another program writes, read as a file: an end of its output is only an end when the program succeeded.

use super::MigrateError;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub struct Piped {
    name: String,
    child: Child,
    /// The file that the program reads, sharing its position, and who wants to know that.
    input: Option<(File, Arc<AtomicU64>)>,
}

impl Piped {
    pub fn new(mut command: Command, input: Option<(File, Arc<AtomicU64>)>) -> Result<Piped, MigrateError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| {
            MigrateError::Unsupported(format!("the program `{name}` is needed and cannot be run: {error}"))
        })?;
        Ok(Piped { name, child, input })
    }

    fn end(&mut self) -> io::Result<()> {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // A warning before the error may be there; the last line says why it ended.
            let _ = stderr.read_to_string(&mut said);
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it did not say why");
        Err(io::Error::other(format!("{} failed ({status}): {why}", self.name)))
    }
}

impl Read for Piped {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(stdout) = &mut self.child.stdout else { return Ok(0) };
        let n = stdout.read(buf)?;
        if let Some((file, position)) = &mut self.input {
            position.store(file.stream_position()?, Ordering::Relaxed);
        }
        if n == 0 && !buf.is_empty() {
            self.child.stdout = None;
            self.end()?;
        }
        Ok(n)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // Nobody reads on: a program that still writes would wait forever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(script: &str) -> io::Result<String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut text = String::new();
        Piped::new(command, None).unwrap().read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn output_of_a_program_that_fails_is_not_whole() {
        assert_eq!(read("echo a").unwrap(), "a\n");
        let error = read("echo a; echo warning >&2; echo torn >&2; exit 3").unwrap_err().to_string();
        assert!(error.contains("torn") && error.contains('3'), "{error}");
        assert!(Piped::new(Command::new("/no/such/program"), None).is_err());
    }
}
