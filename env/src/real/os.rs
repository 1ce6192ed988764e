//! The system calls that std does not offer.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Fills `buf` with `getrandom`. Aborts the process where the kernel has no random numbers: going on with
/// predictable keys would be worse.
pub(super) fn random(mut buf: &mut [u8]) {
    while !buf.is_empty() {
        // SAFETY: the pointer and length are those of a live, exclusively borrowed slice.
        let n = unsafe { libc::getrandom(buf.as_mut_ptr().cast(), buf.len(), 0) };
        match usize::try_from(n) {
            Ok(n) => buf = &mut std::mem::take(&mut buf)[n..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => std::process::abort(),
        }
    }
}

/// `pwritev2` with `RWF_DSYNC`: the bytes written are durable when it returns. Returns how many those are.
pub(super) fn write_at_durably(file: &std::fs::File, buf: &[u8], offset: u64) -> io::Result<usize> {
    let piece = libc::iovec { iov_base: buf.as_ptr().cast_mut().cast(), iov_len: buf.len() };
    let offset = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the one piece is that of a live slice, which the call only reads.
    let n = unsafe { libc::pwritev2(file.as_raw_fd(), &raw const piece, 1, offset, libc::RWF_DSYNC) };
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

/// Whether an error says that the kernel or the file system has no such call.
pub(super) fn is_unknown_call(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::EINVAL))
}

/// Bytes that an unprivileged process may still write on the file system of `path`.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is NUL-terminated and lives through the call; `stat` has room for what the call writes.
    if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it has filled the structure.
    let stat = unsafe { stat.assume_init() };
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
