//! The catalog as stored: loaded at the start, changed by one commit per DDL statement.
//!
//! A definition is a row of the system's key range, keyed by kind and id, so that a rename writes one row. Statements
//! read an immutable snapshot behind one pointer; a change installs the next one after its commit is published.

use crate::codec::Stored;
use crate::error::CatalogResult;
use crate::ids::{SchemaId, SchemaVersion, StorageId, TableId};
use crate::pins::{Closed, Pin, PinTable, PinWait};
use crate::schema::SchemaDef;
use crate::snapshot::CatalogSnapshot;
use crate::table::TableDef;
use crate::view::ViewDef;
use arc_swap::ArcSwap;
use aurora_txn::{CounterKind, Direction, Durability, Isolation, Txn, TxnManager, TxnMode, TxnResult, View};
use aurora_types::codec::key::{key_prefix, prefix_end};
use parking_lot::{Mutex, MutexGuard};
use std::ops::Bound;
use std::sync::Arc;

/// Storage id of the definitions; ids below [`FIRST_USER_ID`] are the system's.
const DEFINITIONS: u64 = 2;
/// The first id that schemas, tables and storage of users get.
pub const FIRST_USER_ID: u64 = 1024;
/// The tenant of this version's tables.
pub const TENANT: u32 = 0;

const SCHEMA: u8 = 1;
const TABLE: u8 = 2;
const VIEW: u8 = 3;

/// Numbers of [`CounterKind::Identifier`].
const OBJECT_IDS: u64 = 1;
const STORAGE_IDS: u64 = 2;

/// All definitions, durable.
pub struct Catalog {
    manager: TxnManager,
    current: ArcSwap<CatalogSnapshot>,
    /// One change at a time: a change begins from what the one before it installed.
    changing: Mutex<()>,
    pins: Arc<PinTable>,
}

fn definition_key(kind: u8, id: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(21);
    key_prefix(TENANT, DEFINITIONS, &mut key);
    key.push(kind);
    key.extend_from_slice(&id.to_be_bytes());
    key
}

/// The key range of everything in `storage`.
pub fn storage_range(storage: StorageId) -> (Vec<u8>, Vec<u8>) {
    let mut start = Vec::with_capacity(12);
    key_prefix(TENANT, storage.0, &mut start);
    let end = prefix_end(&start).unwrap_or_else(|| vec![0xFF; 13]);
    (start, end)
}

impl Catalog {
    /// Loads all definitions; an empty store gives an empty catalog.
    pub fn open(manager: TxnManager) -> CatalogResult<Catalog> {
        let mut snapshot = CatalogSnapshot::default();
        let (start, end) = storage_range(StorageId(DEFINITIONS));
        let txn = manager.begin(Isolation::ReadCommitted, TxnMode { read_only: true, ..TxnMode::default() });
        let mut rows =
            txn.scan(Bound::Included(&start), Bound::Excluded(&end), Direction::Forward, View::Snapshot)?;
        while rows.advance().map_err(crate::error::CatalogError::from)? {
            let kind = rows.key().get(start.len()).copied().unwrap_or(0);
            let mut value = rows.value();
            match kind {
                SCHEMA => snapshot.put_schema(Arc::new(SchemaDef::load(&mut value)?)),
                TABLE => snapshot.put_table(Arc::new(TableDef::load(&mut value)?)),
                VIEW => snapshot.put_view(Arc::new(ViewDef::load(&mut value)?)),
                found => {
                    return Err(crate::codec::DecodeError::Unknown { what: "a definition", found }.into());
                }
            }
        }
        snapshot.epoch = 1;
        Ok(Catalog {
            manager,
            current: ArcSwap::from_pointee(snapshot),
            changing: Mutex::new(()),
            pins: Arc::default(),
        })
    }

    /// The newest definitions: one load.
    pub fn snapshot(&self) -> Arc<CatalogSnapshot> {
        self.current.load_full()
    }

    pub fn manager(&self) -> &TxnManager {
        &self.manager
    }

    /// About how many bytes an index takes in storage, rows and versions that nobody sees any longer included.
    pub fn approximate_bytes(&self, storage: StorageId) -> TxnResult<u64> {
        let (start, end) = storage_range(storage);
        Ok(self.manager.store().approximate_bytes(&start, &end)?)
    }

    /// An id for a schema, table or view. Never given out again.
    pub fn new_object_id(&self) -> TxnResult<u64> {
        let counters = self.manager.counters();
        counters.at_least(CounterKind::Identifier, OBJECT_IDS, FIRST_USER_ID - 1)?;
        counters.next(CounterKind::Identifier, OBJECT_IDS)
    }

    pub fn new_schema_id(&self) -> TxnResult<SchemaId> {
        self.new_object_id().map(SchemaId)
    }

    pub fn new_table_id(&self) -> TxnResult<TableId> {
        self.new_object_id().map(TableId)
    }

    /// A key range for an index. Never given out again (STORAGE 6).
    pub fn new_storage_id(&self) -> TxnResult<StorageId> {
        let counters = self.manager.counters();
        counters.at_least(CounterKind::Identifier, STORAGE_IDS, FIRST_USER_ID - 1)?;
        counters.next(CounterKind::Identifier, STORAGE_IDS).map(StorageId)
    }

    /// Pins a table's version for a transaction. `None`: the definition is no longer the newest; take a new snapshot
    /// and resolve the statement again, or answer 1412 within a transaction that has used it before.
    pub fn pin(&self, table: &TableDef, wait: PinWait<'_>) -> TxnResult<Option<Pin>> {
        self.pins.pin(table.id, table.version, wait, || {
            let now = self.current.load();
            now.table(&table.schema, &table.name)
                .is_some_and(|known| known.id == table.id && known.version == table.version)
        })
    }

    /// Waits until no transaction uses a version of the table older than `version`.
    pub fn wait_for_older_pins(
        &self,
        table: TableId,
        version: SchemaVersion,
        wait: PinWait<'_>,
    ) -> TxnResult<()> {
        self.pins.wait_for_older(table, version, wait)
    }

    /// Waits until no transaction uses the table (beyond the caller's `own_pins`), up to the timeout (1205); from then
    /// on to the end of the returned guard nobody can begin to. Taken before [`Catalog::change`], in order of ids
    /// where there are several.
    pub fn close_table(&self, table: TableId, own_pins: usize, wait: PinWait<'_>) -> TxnResult<ClosedTable> {
        self.pins.close(table, own_pins, wait).map(ClosedTable)
    }

    /// Begins a change. One at a time; keep it short.
    pub fn change(&self) -> CatalogChange<'_> {
        let guard = self.changing.lock();
        let next = CatalogSnapshot::clone(&self.current.load());
        let txn = self.manager.begin(Isolation::ReadCommitted, TxnMode::EXPLICIT);
        CatalogChange { catalog: self, _guard: guard, next, txn }
    }
}

/// A table that one DDL statement has for itself.
pub struct ClosedTable(#[allow(dead_code, reason = "held for its drop")] Closed);

/// One DDL statement's change of definitions and of the data that belongs to them: all or nothing. Dropped: nothing.
pub struct CatalogChange<'a> {
    catalog: &'a Catalog,
    _guard: MutexGuard<'a, ()>,
    next: CatalogSnapshot,
    txn: Txn,
}

impl CatalogChange<'_> {
    /// The definitions with this change so far.
    pub fn definitions(&self) -> &CatalogSnapshot {
        &self.next
    }

    /// The transaction that the change commits in, for rows that belong to it.
    pub fn txn(&self) -> &Txn {
        &self.txn
    }

    fn put<T: Stored>(&self, kind: u8, id: u64, definition: &T) -> TxnResult<()> {
        let mut value = Vec::with_capacity(256);
        definition.store(&mut value);
        self.txn.put(&definition_key(kind, id), &value)
    }

    pub fn put_schema(&mut self, schema: SchemaDef) -> TxnResult<()> {
        self.put(SCHEMA, schema.id.0, &schema)?;
        self.next.put_schema(Arc::new(schema));
        Ok(())
    }

    /// Drops a schema with its tables, their data and its views.
    pub fn drop_schema(&mut self, name: &str) -> TxnResult<()> {
        let tables: Vec<_> = self.next.tables(name).cloned().collect();
        for table in tables {
            self.drop_table(name, &table.name)?;
        }
        let views: Vec<_> = self.next.views(name).cloned().collect();
        for view in views {
            self.drop_view(name, &view.name)?;
        }
        if let Some(schema) = self.next.schema(name) {
            self.txn.delete(&definition_key(SCHEMA, schema.id.0))?;
        }
        self.next.remove_schema(name);
        Ok(())
    }

    /// Adds a table or replaces the definition of the one with the same id, also under another name.
    pub fn put_table(&mut self, table: TableDef) -> TxnResult<()> {
        self.put(TABLE, table.id.0, &table)?;
        self.next.put_table(Arc::new(table));
        Ok(())
    }

    /// Drops a table and its data, in O(indexes).
    pub fn drop_table(&mut self, schema: &str, name: &str) -> TxnResult<()> {
        let Some(table) = self.next.table(schema, name).cloned() else { return Ok(()) };
        self.txn.delete(&definition_key(TABLE, table.id.0))?;
        self.delete_storage(table.storage)?;
        for index in table.indexes.iter().filter(|index| index.storage != table.storage) {
            self.delete_storage(index.storage)?;
        }
        self.next.remove_table(schema, name);
        Ok(())
    }

    /// Deletes all that lies in a key range that no definition names any longer (TRUNCATE, rebuilds, DROP INDEX).
    pub fn delete_storage(&self, storage: StorageId) -> TxnResult<()> {
        let (start, end) = storage_range(storage);
        self.txn.delete_range(&start, &end)
    }

    pub fn put_view(&mut self, view: ViewDef) -> TxnResult<()> {
        self.put(VIEW, view.id.0, &view)?;
        self.next.put_view(Arc::new(view));
        Ok(())
    }

    pub fn drop_view(&mut self, schema: &str, name: &str) -> TxnResult<()> {
        let Some(view) = self.next.view(schema, name).cloned() else { return Ok(()) };
        self.txn.delete(&definition_key(VIEW, view.id.0))?;
        self.next.remove_view(schema, name);
        Ok(())
    }

    /// Commits durably, waits for it, and installs the definitions.
    pub fn commit(self) -> CatalogResult<Arc<CatalogSnapshot>> {
        let CatalogChange { catalog, _guard, mut next, txn } = self;
        let ticket = txn.commit(Durability::Synced)?;
        ticket.wait(&**catalog.manager.waiter()).map_err(aurora_txn::TxnError::from)?;
        next.epoch = catalog.current.load().epoch + 1;
        let next = Arc::new(next);
        catalog.current.store(next.clone());
        Ok(next)
    }
}
