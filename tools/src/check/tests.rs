use super::*;
use aurora_catalog::{
    ColumnDef, ColumnDefault, ColumnId, IndexDef, IndexId, IndexKind, IndexPart, IndexState, KeyPart,
    SchemaDef, SchemaVersion, TableDef, TableOptions,
};
use aurora_encryption::{EncryptedSealing, KeyRing, KeySource};
use aurora_lsm::{CommitFields, Durability, NoHooks, WriteBatch};
use aurora_types::codec::row::encode_row;
use aurora_types::codec::{KeyColumn, encode_column};
use aurora_types::{BaseType, CollationId, SqlType, Value, ValueRef};
use std::path::Path;

fn column(id: u32, name: &str) -> ColumnDef {
    ColumnDef {
        id: ColumnId(id),
        name: name.into(),
        ty: SqlType::new(BaseType::BigInt, 20),
        default: ColumnDefault::None,
        on_update_now: false,
        auto_increment: false,
        generated: None,
        comment: String::new(),
        invisible: false,
        srid: None,
        explicit_charset: false,
        explicit_collation: false,
        added_value: None,
    }
}

fn index(id: u32, name: &str, kind: IndexKind, column: u32, catalog: &Catalog) -> IndexDef {
    IndexDef {
        id: IndexId(id),
        name: name.into(),
        kind,
        parts: vec![IndexPart {
            part: KeyPart::Column(ColumnId(column)),
            prefix_length: None,
            descending: false,
        }],
        storage: catalog.new_storage_id().unwrap(),
        state: IndexState::Public,
        invisible: false,
        comment: String::new(),
        using: None,
        parser: None,
    }
}

/// A table `shop.t (id PRIMARY KEY, k KEY, u UNIQUE)`.
fn create(catalog: &Catalog) -> TableDef {
    let schema = SchemaDef {
        id: catalog.new_schema_id().unwrap(),
        name: "shop".into(),
        collation: CollationId(255),
        read_only: false,
    };
    let primary = index(1, "PRIMARY", IndexKind::Primary, 0, catalog);
    let table = TableDef {
        id: catalog.new_table_id().unwrap(),
        schema: "shop".into(),
        name: "t".into(),
        version: SchemaVersion(1),
        columns: vec![column(0, "id"), column(1, "k"), column(2, "u")],
        storage: primary.storage,
        indexes: vec![
            primary,
            index(2, "k", IndexKind::Secondary, 1, catalog),
            index(3, "u", IndexKind::Unique, 2, catalog),
        ],
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        options: TableOptions {
            engine: "InnoDB".into(),
            collation: CollationId(255),
            comment: String::new(),
            auto_increment: None,
            row_format: None,
            kept: Vec::new(),
            create_time_s: 0,
            partition_clause: None,
        },
        next_column_id: 3,
        next_index_id: 4,
        temporary: false,
    };
    let mut change = catalog.change();
    change.put_schema(schema).unwrap();
    change.put_table(table.clone()).unwrap();
    change.commit().unwrap();
    table
}

fn key_of(index: &IndexDef, value: i64) -> Vec<u8> {
    let (mut key, _) = aurora_catalog::storage_range(index.storage);
    let form = KeyColumn { ty: SqlType::new(BaseType::BigInt, 20), desc: false, prefix: None };
    encode_column(ValueRef::Int(value), &form, &mut key).unwrap();
    key
}

/// The row `(id, id * 2, id * 3)` and its entries, as the executor stores them.
fn put(batch: &mut WriteBatch, table: &TableDef, shape: &shape::TableShape, id: i64) {
    let values = [Value::Int(id), Value::Int(id * 2), Value::Int(id * 3)];
    let mut row = Vec::new();
    encode_row(&shape.layout, 1, &values, &mut row).unwrap();
    let row_key = key_of(&table.indexes[0], id);
    batch.put(&row_key, &row);
    let tail = &row_key[12..];
    let mut entry = key_of(&table.indexes[1], id * 2);
    entry.extend_from_slice(tail);
    batch.put(&entry, &[&[1, 1, 0, 0, 0][..], &(tail.len() as u32).to_le_bytes()].concat());
    batch.put(&key_of(&table.indexes[2], id * 3), &[&[2, 1, 0, 0, 0][..], tail].concat());
}

/// A folder with 500 rows, changed by `change` before it is closed.
fn folder(change: impl FnOnce(&mut WriteBatch, &TableDef)) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    let env = RealEnv::new();
    let dir = DataDir::open(temp.path(), &env).unwrap();
    let keys = temp.path().join("keys");
    let ring = KeyRing::open_or_create(&keys, &env, dir.instance_id(), &KeySource::DataFolder).unwrap();
    let sealing: Arc<dyn Sealing> = Arc::new(EncryptedSealing::new(Arc::new(ring), env.entropy.clone()));
    let log = aurora_audit::AuditLog::open(env.clone(), sealing.clone(), &temp.path().join("audit")).unwrap();
    log.close().unwrap();
    let engine = Engine::open(dir, EngineOptions::default(), env, sealing).unwrap();
    let manager = TxnManager::open(engine.clone(), TxnOptions::default(), Arc::new(ThreadWaiter));
    let catalog = Catalog::open(manager.clone()).unwrap();
    let table = create(&catalog);
    let shape = shape::TableShape::new(&table).unwrap();
    let commit = |batch: &WriteBatch| {
        let ticket =
            engine.commit(batch, &CommitFields::default(), Durability::Synced, Arc::new(NoHooks)).unwrap();
        ticket.wait(&ThreadWaiter).unwrap();
    };
    let mut batch = WriteBatch::new();
    (0..500).for_each(|id| put(&mut batch, &table, &shape, id));
    commit(&batch);
    engine.flush().unwrap();
    // This part stays in the log.
    let mut batch = WriteBatch::new();
    put(&mut batch, &table, &shape, 1000);
    change(&mut batch, &table);
    commit(&batch);
    manager.close().unwrap();
    temp
}

fn checked(dir: &Path) -> Result<Report, Failure> {
    let args = CheckArgs { dir: dir.to_path_buf(), key_file: None, json: true };
    check(&args, &ProgressBar::hidden(), Instant::now())
}

#[test]
fn a_whole_folder_is_whole_and_counted() {
    let temp = folder(|_, _| {});
    let before = std::fs::read_dir(temp.path().join("wal")).unwrap().count();
    let report = checked(temp.path()).unwrap();
    assert!(report.whole, "{:?}", report.problems);
    assert_eq!(report.tables[0].rows, 501);
    assert_eq!(report.tables[0].indexes.iter().map(|index| index.entries).collect::<Vec<_>>(), [501, 501]);
    assert_eq!((report.unowned_keys, report.schemas), (0, 1));
    assert!(report.audit.is_some());
    assert_eq!(std::fs::read_dir(temp.path().join("wal")).unwrap().count(), before);
}

#[test]
fn a_missing_entry_and_an_entry_too_many_are_found() {
    let temp = folder(|batch, table| {
        batch.delete(&key_of(&table.indexes[2], 30));
        batch.delete(&key_of(&table.indexes[0], 20));
        batch.put(&[0xFF; 13], b"nobody's");
    });
    let report = checked(temp.path()).unwrap();
    let found: Vec<String> = report.problems.iter().map(|p| format!("{}: {}", p.place, p.what)).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|p| p.starts_with("index `u`") && p.contains("has no entry")), "{found:?}");
    assert!(found.iter().any(|p| p.starts_with("index `k`") && p.contains("points at no row")), "{found:?}");
    assert_eq!(report.unowned_keys, 1);
}

#[test]
fn a_flipped_byte_names_file_and_offset() {
    let temp = folder(|_, _| {});
    let sst = std::fs::read_dir(temp.path().join("sst")).unwrap().flatten().next().unwrap().path();
    let mut bytes = std::fs::read(&sst).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&sst, bytes).unwrap();
    let report = checked(temp.path()).unwrap();
    assert!(!report.whole);
    let name = sst.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        report.problems.iter().any(|p| p.what.contains(&name) && p.what.contains("offset")),
        "{:?}",
        report.problems
    );
}

#[test]
fn no_folder_and_a_folder_in_use_are_not_damage() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(checked(temp.path()).unwrap_err().code, crate::failure::RUNTIME);
    let _held = DataDir::open(temp.path(), &RealEnv::new()).unwrap();
    let failure = checked(temp.path()).unwrap_err();
    assert!(failure.code == crate::failure::RUNTIME && failure.message.contains("stop the server"));
}
