//! Statements that read and write rows: their transaction, their tables, what came of them.

use crate::run::{Done, STALE};
use crate::session::{OpenTxn, Session};
use crate::shared::Counters;
use crate::variables::known;
use aurora_catalog::{CatalogSnapshot, Pin};
use aurora_executor::{Outcome, Statement as Execution};
use aurora_parser::Parsed;
use aurora_planner::{IntoTarget, Plan, PlanBody};
use aurora_txn::{Txn, TxnMode};
use aurora_types::error as er;
use aurora_types::{Diagnostics, RowSink, SqlError, SqlResult, StatementStatus, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often a statement starts again because a definition changed under it.
const DEFINITION_RETRIES: usize = 5;

/// What is done with a plan in its transaction.
pub(crate) type Work<'w> = dyn FnMut(&Execution<'_>, &mut Diagnostics) -> SqlResult<Outcome> + 'w;

impl Session {
    /// Runs a statement that reads or writes rows, from its tree.
    pub(crate) fn run_rows(
        &mut self,
        parsed: &Parsed,
        text: &[u8],
        more: bool,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        for _ in 0..DEFINITION_RETRIES {
            let snapshot = self.state.shared.catalog.snapshot();
            let (plan, values) = self.plan_text(&parsed.statement, parsed, text, !more, &snapshot)?;
            match self.run_plan(&plan, &values, diagnostics, sink) {
                Err(error) if error.code == STALE => {
                    self.plans.clear();
                    diagnostics.clear();
                }
                done => return done,
            }
        }
        Err(SqlError::new(er::ER_TABLE_DEF_CHANGED, &[]))
    }

    /// Runs a plan in the session's transaction, or in one of its own.
    ///
    /// # Errors
    /// [`STALE`] when a definition has changed since the plan was made and nothing was done.
    pub(crate) fn run_plan(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Value],
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        if let Some(IntoTarget::Outfile { .. } | IntoTarget::Dumpfile(_)) = &plan.into {
            return self.run_into_file(plan, params, diagnostics);
        }
        self.run_as(plan, params, diagnostics, &mut |run, diagnostics| run.run(sink, diagnostics))
    }

    /// As [`Session::run_plan`], where `work` does what the plan is for.
    ///
    /// # Errors
    /// As [`Session::run_plan`].
    pub(crate) fn run_as(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Value],
        diagnostics: &mut Diagnostics,
        work: &mut Work<'_>,
    ) -> SqlResult<Done> {
        self.check_access(&plan.access)?;
        self.check_locked_tables(plan)?;
        let snapshot = self.state.shared.catalog.snapshot();
        let mut pins = self.pin_tables(plan, &snapshot)?;
        let writes = !matches!(plan.body, PlanBody::Query(_) | PlanBody::PointGet(_));
        self.count(plan);
        if matches!(plan.body, PlanBody::Query(_)) {
            self.state.end_within(self.state.variables.integer_of(known().max_execution_time));
        }
        // A transaction of its own: autocommit, and none is open.
        if self.open.is_none() && self.state.autocommit {
            let txn = self.begin_txn(TxnMode::AUTOCOMMIT);
            let outcome = self.run_in(plan, params, &txn, &snapshot, diagnostics, work)?;
            let mut done = self.settle(plan, outcome, diagnostics);
            let ticket = txn.commit(self.durability())?;
            if writes {
                Counters::add(&self.state.shared.counters.commits);
            }
            done.ticket = (!ticket.is_ready()).then_some(ticket);
            return Ok(done);
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => OpenTxn { txn: self.begin_txn(TxnMode::EXPLICIT), pins: Vec::new() },
        };
        let mark = open.txn.begin_statement();
        let result = self.run_in(plan, params, &open.txn, &snapshot, diagnostics, work);
        if result.is_err() {
            open.txn.rollback_statement(mark);
        }
        pins.retain(|pin| !open.pins.iter().any(|known| known.table() == pin.table()));
        open.pins.append(&mut pins);
        // Rows of a locking read leave only when what they show is durable (STORAGE 1).
        let barrier = if result.is_ok() && !writes { Some(open.txn.read_barrier()) } else { None };
        self.open = Some(open);
        let mut done = self.settle(plan, result?, diagnostics);
        done.ticket = barrier.filter(|ticket| !ticket.is_ready());
        Ok(done)
    }

    fn run_in(
        &self,
        plan: &Plan,
        params: &[Value],
        txn: &Txn,
        snapshot: &CatalogSnapshot,
        diagnostics: &mut Diagnostics,
        work: &mut Work<'_>,
    ) -> SqlResult<Outcome> {
        let host = self.host_on(snapshot);
        let execution = Execution {
            plan,
            txn,
            manager: self.state.shared.catalog.manager(),
            host: &host,
            session: &self.state,
            settings: &self.state.settings,
            params,
        };
        if plan.is_short() {
            return work(&execution, diagnostics);
        }
        let mut outcome = None;
        self.state.shared.waiter.compute(&mut || outcome = Some(work(&execution, diagnostics)));
        outcome.unwrap_or_else(|| Err(SqlError::new(er::ER_QUERY_INTERRUPTED, &[])))
    }

    /// A statement's first value: SET x = (SELECT …).
    pub(crate) fn run_scalar(
        &mut self,
        plan: &Plan,
        snapshot: &CatalogSnapshot,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<Value> {
        struct First(Option<Value>);
        impl RowSink for First {
            fn begin(&mut self, _: &[aurora_types::ColumnMeta]) -> SqlResult<()> {
                Ok(())
            }
            fn row(&mut self, cells: &[aurora_types::ValueRef<'_>]) -> SqlResult<bool> {
                if self.0.is_none() {
                    self.0 = cells.first().map(|cell| cell.to_owned());
                }
                Ok(false)
            }
            fn end(&mut self, _: &StatementStatus) -> SqlResult<()> {
                Ok(())
            }
        }
        let mut sink = First(None);
        match self.open.take() {
            Some(open) => {
                let _mark = open.txn.begin_statement();
                let result =
                    self.run_in(plan, &[], &open.txn, snapshot, diagnostics, &mut |run, diagnostics| {
                        run.run(&mut sink, diagnostics)
                    });
                self.open = Some(open);
                result?;
            }
            None => {
                let txn = self.begin_txn(TxnMode { read_only: true, ..TxnMode::AUTOCOMMIT });
                self.run_in(plan, &[], &txn, snapshot, diagnostics, &mut |run, diagnostics| {
                    run.run(&mut sink, diagnostics)
                })?;
            }
        }
        Ok(sink.0.unwrap_or(Value::Null))
    }

    fn settle(&self, plan: &Plan, outcome: Outcome, diagnostics: &Diagnostics) -> Done {
        let mut done = Done::default();
        match outcome {
            Outcome::Rows { rows, found_rows } => {
                done.has_rows = true;
                done.affected = rows;
                self.state.found_rows.set(found_rows);
            }
            Outcome::Stored { rows } => done.affected = rows,
            Outcome::Changed(changes) => {
                done.affected = changes.affected;
                done.packet_id = changes.packet_id;
                if let Some(id) = changes.generated_id {
                    self.state.last_insert_id.set(id);
                }
                self.state.insert_id.set(None);
                if matches!(plan.body, PlanBody::Update(_) | PlanBody::PointUpdate(_)) {
                    done.info = format!(
                        "Rows matched: {}  Changed: {}  Warnings: {}",
                        changes.found, changes.changed, diagnostics.count
                    );
                } else if changes.shows_records {
                    done.info = format!(
                        "Records: {}  Duplicates: {}  Warnings: {}",
                        changes.found, changes.duplicates, diagnostics.count
                    );
                }
            }
        }
        done
    }

    fn count(&self, plan: &Plan) {
        let counters = &self.state.shared.counters;
        let counter = match plan.body {
            PlanBody::Query(_) | PlanBody::PointGet(_) => &counters.selects,
            PlanBody::Insert(_) => &counters.inserts,
            PlanBody::Update(_) | PlanBody::PointUpdate(_) => &counters.updates,
            PlanBody::Delete(_) | PlanBody::PointDelete(_) => &counters.deletes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Pins every table of the plan, so that no DDL changes it meanwhile.
    fn pin_tables(&mut self, plan: &Plan, snapshot: &CatalogSnapshot) -> SqlResult<Vec<Pin>> {
        let mut pins: Vec<Pin> = Vec::with_capacity(plan.dependencies.len());
        for dependency in &plan.dependencies {
            let Some(version) = dependency.version else {
                // A view: the same definition, or none at all.
                if snapshot
                    .view(&dependency.schema, &dependency.name)
                    .is_none_or(|view| view.id != dependency.id)
                {
                    return Err(stale());
                }
                continue;
            };
            if crate::info_schema::has_schema(&dependency.schema)
                || self.temporary.iter().any(|table| table.id == dependency.id)
            {
                continue;
            }
            let held = |pin: &Pin| pin.table() == dependency.id;
            if let Some(pin) = self.open.as_ref().and_then(|open| open.pins.iter().find(|pin| held(pin))) {
                if pin.version() != version {
                    return Err(SqlError::new(er::ER_TABLE_DEF_CHANGED, &[]));
                }
                continue;
            }
            if pins.iter().any(held) || self.is_locked_for_write(dependency.id) {
                continue;
            }
            let table = snapshot.table(&dependency.schema, &dependency.name).ok_or_else(stale)?;
            if table.id != dependency.id || table.version != version {
                return Err(stale());
            }
            let wait = self.waiting(self.lock_wait_timeout());
            match self.state.shared.catalog.pin(table, wait)? {
                Some(pin) => pins.push(pin),
                None => return Err(stale()),
            }
        }
        Ok(pins)
    }
}

fn stale() -> SqlError {
    SqlError { code: STALE, ..SqlError::new(er::ER_TABLE_DEF_CHANGED, &[]) }
}
