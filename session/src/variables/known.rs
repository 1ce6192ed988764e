//! Variables that every statement asks for: found by name once, not each time.

use super::definition::{VariableId, lookup};
use std::sync::LazyLock;

macro_rules! known {
    ($($name:ident),* $(,)?) => {
        pub struct Known {
            $(pub $name: VariableId,)*
        }

        static KNOWN: LazyLock<Known> = LazyLock::new(|| Known {
            // An id behind the table reads as NULL; the test below keeps that from happening.
            $($name: lookup(stringify!($name)).map_or(VariableId(u16::MAX), |(id, _)| id),)*
        });

        #[cfg(test)]
        mod tests {
            #[test]
            fn all_are_in_the_table() {
                $(assert_ne!(super::known().$name.0, u16::MAX, stringify!($name));)*
            }
        }
    };
}

known!(
    innodb_flush_log_at_trx_commit,
    innodb_lock_wait_timeout,
    lock_wait_timeout,
    max_allowed_packet,
    max_execution_time,
    net_read_timeout,
    net_write_timeout,
    transaction_isolation,
    transaction_read_only,
    wait_timeout,
);

pub fn known() -> &'static Known {
    &KNOWN
}
