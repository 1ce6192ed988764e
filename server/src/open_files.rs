//! How many files and connections the operating system lets the process have open.

/// No more is asked for: the kernel's tables grow with what is open, and nothing here needs as much.
const WANTED: u64 = 1 << 20;
/// Beside those of connections: tables, log segments, temporary files.
const OF_THE_SERVER: u64 = 512;

/// Raises the soft limit as far as the hard one allows; returns what holds now, where it is known.
pub fn raise() -> Option<u64> {
    match rlimit::increase_nofile_limit(WANTED) {
        Ok(limit) => Some(limit),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            rlimit::Resource::NOFILE.get_soft().ok()
        }
    }
}

/// What to say when `limit` is too low for as many connections.
pub fn too_low(limit: u64, max_connections: u32) -> Option<String> {
    let needed = u64::from(max_connections) + OF_THE_SERVER;
    (limit < needed).then(|| {
        format!(
            "max_connections is {max_connections}, but this process may have {limit} files open: raise the hard limit \
             (ulimit -Hn, LimitNOFILE=) to {needed} or more"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let (soft, hard) = rlimit::Resource::NOFILE.get().unwrap();
        let raised = raise().unwrap();
        assert_eq!(raised, hard.min(WANTED).max(soft));
        assert_eq!(rlimit::Resource::NOFILE.get_soft().unwrap(), raised);
    }

    #[test]
    fn a_limit_that_is_too_low_is_told() {
        assert_eq!(too_low(1024, 151), None);
        let text = too_low(1024, 10_000).unwrap();
        assert!(text.contains("10000") && text.contains("1024") && text.contains("10512"), "{text}");
    }
}
