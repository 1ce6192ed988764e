//! Identifiers. None is ever reused.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A database.
    SchemaId(u64)
);
id!(
    /// A table or view; survives renames and ALTER.
    TableId(u64)
);
id!(
    /// The key range of one index (the clustered one included). TRUNCATE and a rebuild give a new one (STORAGE 6).
    StorageId(u64)
);
id!(
    /// A column within its table; survives renames and changes of position.
    ColumnId(u32)
);
id!(
    /// An index within its table.
    IndexId(u32)
);
id!(
    /// Counts the definitions of one table; every stored row names the one that it was written under.
    SchemaVersion(u32)
);
