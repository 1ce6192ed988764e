//! Definitions survive, ids are never reused, and DDL waits for those who use what it changes.

use aurora_catalog::*;
use aurora_env::{KillFlag, ThreadWaiter};
use aurora_txn::{MemoryStore, TxnError, TxnManager, TxnOptions};
use aurora_types::{BaseType, CollationId, Decimal, EnumDef, SqlType, Text, Value};
use std::sync::Arc;
use std::time::Duration;

fn open(store: &MemoryStore) -> Catalog {
    let manager =
        TxnManager::on_store(Arc::new(store.clone()), TxnOptions::default(), Arc::new(ThreadWaiter));
    Catalog::open(manager).unwrap()
}

fn column(id: u32, name: &str, ty: SqlType, default: ColumnDefault) -> ColumnDef {
    ColumnDef {
        id: ColumnId(id),
        name: name.into(),
        ty,
        default,
        on_update_now: false,
        auto_increment: id == 1,
        generated: None,
        comment: "c".into(),
        invisible: false,
        srid: None,
        explicit_charset: false,
        explicit_collation: true,
        added_value: Some(Value::Text(Text::from(&b"\xFF"[..]))),
    }
}

fn table(catalog: &Catalog, name: &str) -> TableDef {
    let storage = catalog.new_storage_id().unwrap();
    let members = ["a", "b"].map(|m| Text::from(m.as_bytes())).to_vec();
    TableDef {
        id: catalog.new_table_id().unwrap(),
        schema: "shop".into(),
        name: name.into(),
        version: SchemaVersion(1),
        columns: vec![
            column(1, "id", SqlType::new(BaseType::BigInt, 20), ColumnDefault::None),
            column(
                2,
                "kind",
                SqlType::new(BaseType::Enum(Arc::new(EnumDef { members })), 1),
                ColumnDefault::Value(Value::Decimal(Decimal::parse(b"-12.50").value)),
            ),
        ],
        storage,
        indexes: vec![IndexDef {
            id: IndexId(1),
            name: "PRIMARY".into(),
            kind: IndexKind::Primary,
            parts: vec![
                IndexPart { part: KeyPart::Column(ColumnId(1)), prefix_length: None, descending: true },
                IndexPart {
                    part: KeyPart::Expression("(`id` + 1)".into()),
                    prefix_length: Some(3),
                    descending: false,
                },
            ],
            storage,
            state: IndexState::Public,
            invisible: false,
            comment: String::new(),
            using: Some("BTREE".into()),
            parser: None,
        }],
        foreign_keys: vec![ForeignKeyDef {
            name: "fk".into(),
            columns: vec![ColumnId(2)],
            parent_schema: "shop".into(),
            parent_table: "p".into(),
            parent_columns: vec!["id".into()],
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::SetNull,
        }],
        checks: vec![CheckDef { name: "ck".into(), expression: "`id` > 0".into(), enforced: true }],
        options: TableOptions {
            engine: "InnoDB".into(),
            collation: CollationId::UTF8MB4_0900_AI_CI,
            comment: "täble".into(),
            auto_increment: Some(7),
            row_format: None,
            kept: vec!["STATS_PERSISTENT=1".into()],
            create_time_s: 1_700_000_000,
            partition_clause: None,
        },
        next_column_id: 3,
        next_index_id: 2,
        temporary: false,
    }
}

fn shop(catalog: &Catalog) -> TableDef {
    let def = table(catalog, "t");
    let mut change = catalog.change();
    let id = catalog.new_schema_id().unwrap();
    change
        .put_schema(SchemaDef {
            id,
            name: "shop".into(),
            collation: CollationId::UTF8MB4_0900_AI_CI,
            read_only: false,
        })
        .unwrap();
    change.put_table(def.clone()).unwrap();
    change.commit().unwrap();
    def
}

#[test]
fn definitions_come_back_as_they_were_stored() {
    let store = MemoryStore::new();
    let def = shop(&open(&store));
    let again = open(&store);
    let found = again.snapshot().table("shop", "t").cloned().unwrap();
    assert_eq!(format!("{found:?}"), format!("{def:?}"));
    assert!(again.new_storage_id().unwrap() > def.storage, "ids are never reused");
}

#[test]
fn a_rename_and_a_drop_are_seen_by_the_next_snapshot_and_by_the_next_start() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    let def = shop(&catalog);
    let before = catalog.snapshot();
    let mut change = catalog.change();
    change.put_table(TableDef { name: "u".into(), version: SchemaVersion(2), ..def }).unwrap();
    change.commit().unwrap();
    assert!(before.table("shop", "t").is_some() && before.table("shop", "u").is_none());
    assert!(catalog.snapshot().epoch > before.epoch);
    assert!(
        catalog.snapshot().table("shop", "t").is_none() && catalog.snapshot().table("shop", "u").is_some()
    );
    assert!(open(&store).snapshot().table("shop", "u").is_some());
    let mut change = catalog.change();
    change.drop_schema("shop").unwrap();
    change.commit().unwrap();
    let end = open(&store).snapshot();
    assert!(end.schema("shop").is_none() && end.table("shop", "u").is_none());
}

#[test]
fn a_change_that_is_dropped_changes_nothing() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    shop(&catalog);
    let mut change = catalog.change();
    change.drop_table("shop", "t").unwrap();
    drop(change);
    assert!(catalog.snapshot().table("shop", "t").is_some());
    assert!(open(&store).snapshot().table("shop", "t").is_some());
}

#[test]
fn dropping_a_table_removes_its_rows_for_later_snapshots_only() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    let def = shop(&catalog);
    let manager = catalog.manager();
    let begin = || manager.begin(Default::default(), aurora_txn::TxnMode::EXPLICIT);
    let (mut key, _) = storage_range(def.storage);
    key.push(1);
    let txn = begin();
    txn.put(&key, b"row").unwrap();
    txn.commit(Default::default()).unwrap().wait(&ThreadWaiter).unwrap();
    let old = begin();
    assert!(old.get(&key).unwrap().is_some());
    let mut change = catalog.change();
    change.drop_table("shop", "t").unwrap();
    change.commit().unwrap();
    assert!(old.get(&key).unwrap().is_some());
    assert!(begin().get(&key).unwrap().is_none());
}

#[test]
fn a_table_in_use_is_closed_only_when_its_pins_are_gone() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    let def = shop(&catalog);
    let kill = KillFlag::new();
    let wait = |millis| aurora_catalog::PinWait {
        waiter: &ThreadWaiter,
        timeout: Duration::from_millis(millis),
        kill: &kill,
    };
    let pin = catalog.pin(&def, wait(10)).unwrap().unwrap();
    assert!(matches!(catalog.close_table(def.id, 0, wait(10)), Err(TxnError::LockWaitTimeout)));
    assert!(catalog.pin(&def, wait(10)).unwrap().is_some(), "newcomers do not queue behind it");
    drop(catalog.close_table(def.id, 1, wait(10)).unwrap());
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| catalog.close_table(def.id, 0, wait(10_000)).is_ok());
        drop(pin);
        assert!(closing.join().unwrap());
    });
    let closed = catalog.close_table(def.id, 0, wait(10)).unwrap();
    assert!(matches!(catalog.pin(&def, wait(10)), Err(TxnError::LockWaitTimeout)));
    let mut change = catalog.change();
    change.put_table(TableDef { version: SchemaVersion(2), ..def.clone() }).unwrap();
    change.commit().unwrap();
    drop(closed);
    assert!(catalog.pin(&def, wait(10)).unwrap().is_none(), "an old version is resolved again");
}

/// Random puts, renames and drops against a plain list of tables: every question is answered as by looking at them all.
#[test]
fn snapshots_answer_as_a_list_of_all_tables_would() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    let sample = shop(&catalog);
    let (mut snapshot, mut all) = (CatalogSnapshot::default(), Vec::<TableDef>::new());
    let mut seed = 7_u64;
    let mut random = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let key = |parent_schema: String, parent_table: String| ForeignKeyDef {
        parent_schema,
        parent_table,
        ..sample.foreign_keys.first().cloned().unwrap()
    };
    for _ in 0..3_000 {
        let (schema, name) = (format!("s{}", random(3)), format!("t{}", random(8)));
        match random(8) {
            0 => {
                snapshot.remove_schema(&schema);
                all.retain(|table| table.schema != schema);
            }
            1 | 2 => {
                snapshot.remove_table(&schema, &name);
                all.retain(|table| (&table.schema, &table.name) != (&schema, &name));
            }
            _ => {
                let keys = random(3);
                let table = TableDef {
                    id: TableId(random(12)),
                    foreign_keys: (0..keys)
                        .map(|_| key(format!("s{}", random(3)), format!("t{}", random(8))))
                        .collect(),
                    schema,
                    name,
                    ..sample.clone()
                };
                snapshot.put_table(Arc::new(table.clone()));
                all.retain(|old| {
                    old.id != table.id && (&old.schema, &old.name) != (&table.schema, &table.name)
                });
                all.push(table);
            }
        }
        for (s, t) in (0..3).flat_map(|s| (0..8).map(move |t| (format!("s{s}"), format!("t{t}")))) {
            let expected = all.iter().find(|table| table.schema == s && table.name == t);
            assert_eq!(snapshot.table(&s, &t).map(|table| table.id), expected.map(|table| table.id));
            let mut expected: Vec<(TableId, usize)> = all
                .iter()
                .flat_map(|table| {
                    table.foreign_keys.iter().enumerate().map(move |(at, key)| (table, at, key))
                })
                .filter(|(_, _, key)| key.parent_schema == s && key.parent_table == t)
                .map(|(table, at, _)| (table.id, at))
                .collect();
            let mut found: Vec<_> =
                snapshot.children(&s, &t).into_iter().map(|(table, at)| (table.id, at)).collect();
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}
