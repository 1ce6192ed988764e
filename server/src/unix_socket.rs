//! The Unix socket: its file replaces that of a dead server, is refused beside a living one, and goes at the end.

use crate::failure::Failure;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket};

/// Longest path that an address of a Unix socket has room for, without its NUL.
const PATH_BYTES: usize = 107;
/// As MySQL's: whoever reaches the folder may connect, and then has to log in.
const MODE: u32 = 0o777;

/// The file of a listening socket, removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode: a file that another server has put there since stays.
    identity: (u64, u64),
}

impl SocketFile {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // A file that stays is found dead by the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Listens at `path`.
///
/// # Errors
/// A path that cannot be (usage), another file or a living server there, a folder that takes no files (runtime).
pub fn bind(path: &Path, backlog: u32) -> Result<(UnixListener, SocketFile), Failure> {
    let path = std::path::absolute(path).map_err(|error| Failure::usage(format!("--socket: {error}")))?;
    let shown = path.display();
    if path.as_os_str().len() > PATH_BYTES {
        return Err(Failure::usage(format!(
            "--socket {shown}: a socket's path has {PATH_BYTES} bytes at most; choose a shorter one"
        )));
    }
    clear(&path)?;
    let failed = |error: &std::io::Error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "; its folder must exist",
            ErrorKind::PermissionDenied => "; this user may not make files there",
            _ => "",
        };
        Failure::runtime(format!("cannot listen at the socket {shown}: {error}{hint}; see --socket"))
    };
    let open = || {
        let socket = UnixSocket::new_stream()?;
        socket.bind(&path)?;
        let file = SocketFile { identity: identity(&path)?, path: path.clone() };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(MODE))?;
        Ok((socket.listen(backlog)?, file))
    };
    open().map_err(|error| failed(&error))
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Makes way: removes the socket of a server that is gone.
fn clear(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let kind = match std::fs::symlink_metadata(path) {
        Ok(file) => file.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::io("look at the socket", path, &error)),
    };
    if !kind.is_socket() {
        return Err(Failure::runtime(format!(
            "cannot listen at the socket {shown}: a file that is no socket is there; choose another --socket"
        )));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|error| Failure::io("remove the old socket", path, &error))
        }
        // A full backlog is a living server as well.
        Ok(_) => Err(in_use(path)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(in_use(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::runtime(format!(
            "cannot listen at the socket {shown}: whether a server uses it cannot be told ({error}); choose \
             another --socket"
        ))),
    }
}

fn in_use(path: &Path) -> Failure {
    Failure::runtime(format!(
        "cannot listen at the socket {}: another server listens there; stop it, or choose another --socket",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        bind(path, 8).map(|_| ()).expect_err("refused").message
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.sock");
        // Dropping a listener leaves its file, as a killed server does.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        let (listener, file) = bind(&path, 8).expect("replaced");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, MODE);
        assert!(refusal(&path).contains("another server listens there"));
        drop(file);
        assert!(!path.exists());
        drop(listener);
    }

    #[tokio::test]
    async fn the_end_leaves_what_is_not_its_own() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.sock");
        let (_listener, file) = bind(&path, 8).expect("bound");
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, "other").expect("written");
        drop(file);
        assert!(path.exists());
        assert!(refusal(&path).contains("no socket"));
    }

    #[tokio::test]
    async fn paths_that_cannot_be_are_told() {
        let long = format!("/tmp/{}", "x".repeat(PATH_BYTES));
        assert!(refusal(Path::new(&long)).contains("107 bytes"));
        assert!(refusal(Path::new("/no/such/folder/s")).contains("its folder must exist"));
    }
}
